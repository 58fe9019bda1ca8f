"""The sandbox as the vendor: it pushes until it hears what it waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

import sms_core
import sms_core_mitake
import sms_core_smsgo
from sms_core import Capability, DeliveryReport, InboundMessage, VendorOptions
from sms_core.webhooks import Event
from sms_core_sandbox import Sandbox
from tests.webhooks.serving import ADAPTERS, SECRET, Adapter, receiver

OPTIONS: dict[str, Callable[[str], VendorOptions]] = {
    "mitake": lambda url: sms_core_mitake.SendOptions(report_url=url),
    "smsgo": lambda url: sms_core_smsgo.SendOptions(report_url=url, reply_url=url),
}
"""Of the vendors that push to the URL of the send itself."""


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS.keys())
@pytest.mark.parametrize("name", ["every8d", "mitake", "smsgo", "sms-get"])
def test_every_event_is_handled_once_though_its_handler_fails_at_first(name: str, adapter: Adapter) -> None:
    tried: Counter[str] = Counter()
    handled: list[Event] = []

    def handle(event: Event) -> None:
        tried[event.key] += 1
        if tried[event.key] == 1:
            raise RuntimeError("not yet")
        handled.append(event)

    options = OPTIONS.get(name)
    numbers = [f"+8869000000{n:02}" for n in range(10, 15)]
    with (
        adapter(receiver(handle)) as base,
        Sandbox(faces=[name], callback_url=f"{base}/{name}/{SECRET}", push_delay=0.0, push_interval=0.01) as box,
    ):
        with sms_core.connect(box.dsn(name)) as sms:
            url = str(box.callback_url)
            result = sms.send(sms_core.Message("您好", numbers, options=options(url) if options else ()))
            answered = [numbers[0]] if sms.info.can(Capability.PUSHED_INBOUND) else []
        box.exchange.reply(numbers[0], "好的", result.batch_id or "")
        assert box.wait_pushed(10)
        assert {(attempt.attempt, attempt.status, attempt.taken) for attempt in box.pushes} == {
            (1, 500, False),
            (2, 200, True),
        }
    assert set(tried.values()) == {2}
    reports = [event.number for event in handled if isinstance(event, DeliveryReport) and event.status.is_final]
    assert sorted(reports) == numbers
    assert [event.number for event in handled if isinstance(event, InboundMessage)] == answered
