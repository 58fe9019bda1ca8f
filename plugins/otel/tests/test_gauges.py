"""The gauges of an outbox."""

from __future__ import annotations

from typing import Any

import sms_core
from sms_core import Message
from sms_core_otel import observe_outbox
from sms_core_outbox import Outbox
from sms_core_sandbox import Sandbox

NUMBER = "+886900000001"
LANE = frozenset({("sms.outbox.account", "main"), ("sms.outbox.purpose", ""), ("sms.outbox.priority", 3)})


def test_an_outbox_is_read_with_the_metrics(box: Sandbox, telemetry: Any) -> None:
    with (
        sms_core.connect(box.dsn("every8d")) as client,
        Outbox("sqlite://", accounts={"main": client}) as outbox,
    ):
        outbox.create()
        observe_outbox(outbox, telemetry.meters)
        outbox.put(Message("hi", NUMBER), key="secret-key", priority=3)
        assert telemetry.metric("sms.outbox.depth") == {LANE: 1}
        assert telemetry.metric("sms.outbox.oldest_ready")[LANE] >= 0
        assert telemetry.metric("sms.outbox.rows") == {frozenset({("sms.outbox.state", "ready")}): 1}
        assert telemetry.metric("sms.outbox.oldest_unknown") == {}
        outbox.drain()
        outbox.pause(because="a test")
        nothing: frozenset[Any] = frozenset()
        assert telemetry.metric("sms.outbox.depth") == {}
        assert telemetry.metric("sms.outbox.rows") == {frozenset({("sms.outbox.state", "accepted")}): 1}
        assert telemetry.metric("sms.outbox.paused") == {nothing: 1}
        assert telemetry.metric("sms.outbox.doubles") == {nothing: 0}
        assert telemetry.metric("sms.outbox.workers") == {nothing: 1}
        assert NUMBER not in telemetry.everything
        assert "secret-key" not in telemetry.everything
