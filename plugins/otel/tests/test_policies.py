"""The counter of what policies decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import sms_core
from sms_core_otel import observe_policies
from sms_core_policy import MemoryStore, PolicyRefused, Rate, TaiwanRules, Window

NUMBER = "0900000001"
SENT = "【互動資通】您好"


def decided(rule: str, decision: str) -> frozenset[tuple[str, str]]:
    return frozenset({("sms.policy.rule", rule), ("sms.policy.decision", decision)})


def refuse(sms: sms_core.Client, *texts: str) -> None:
    for text in texts:
        with pytest.raises(PolicyRefused):
            sms.send(text, to=NUMBER)


def test_decisions_are_counted_by_the_rules_name(telemetry: Any) -> None:
    rates = [Rate(MemoryStore(), Window(2, timedelta(hours=1))) for _ in range(2)]
    policies = [TaiwanRules(senders=["互動資通"]), *rates, object()]
    observe_policies(policies, telemetry.meters)
    with sms_core.connect("memory://counted", plugins=policies[:3]) as sms:
        refuse(sms, "您好", f"{SENT} evil.tw")
        sms.send(SENT, to=NUMBER)
        sms.send(SENT, to=NUMBER)
        refuse(sms, SENT)
    assert telemetry.metric("sms.policy.decisions") == {
        decided("taiwan-sender", "refused"): 1,
        decided("taiwan-url", "refused"): 1,
        decided("rate", "passed"): 4,
        decided("rate", "refused"): 1,
    }
    assert "900000001" not in telemetry.everything
