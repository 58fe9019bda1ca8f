"""Over a real wire: what the vendor pushes reaches the provider as it was sent, and its answer satisfies the vendor."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import sms_core
import sms_core_smsget
from sms_core import CallbackRequest, Client, DeliveryReport, DeliveryStatus, InboundMessage, Message
from sms_core.provider import SMPP_STATES as KNOWN_STATES
from sms_core_sandbox import Sandbox
from sms_core_smsget.sandbox.phones import FORMS
from sms_core_smsget.sandbox.pushes import STATES

Events = list[DeliveryReport | InboundMessage]


@contextmanager
def receiver(sms: Client, events: Events) -> Generator[str, None, None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            callback = sms.parse_callback(CallbackRequest("POST", path, query, dict(self.headers), body))
            events.extend(callback.events)
            self.send_response(callback.response.status)
            self.send_header("Content-Length", str(len(callback.response.body)))
            self.end_headers()
            self.wfile.write(callback.response.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Nothing of it belongs into the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/receive.php"
        server.shutdown()
        thread.join()


ABROAD = ["+8613500000123", "+85254000123", "+12025550100", "+819000000001", "+855100000123", "+821000000001"]


def test_reports_and_replies() -> None:
    events: Events = []
    with Sandbox(faces=["sms-get"], push_delay=0.0) as box, sms_core.connect(box.dsn("sms-get", code="03")) as sms:
        with receiver(sms, events) as box.callback_url:
            result = sms.send("您好", ["0900000001", "0900000903", "0900000901", *ABROAD])
            box.exchange.reply("+886900000001", "03|a, 100% 好+1\n", result.batch_id or "")
            assert box.wait_pushed()
        assert all(push.attempt == 1 and push.taken for push in box.pushes)
    reports = {report.number: report for report in events if isinstance(report, DeliveryReport)}
    assert set(reports) == {row.number for row in result.outcomes}
    assert {report.batch_id for report in reports.values()} == {result.batch_id}
    assert reports["+886900000903"].status is DeliveryStatus.UNDELIVERABLE
    assert reports["+886900000901"].status is DeliveryStatus.EXPIRED
    assert all(reports[number].status is DeliveryStatus.DELIVERED for number in ABROAD)
    (reply,) = (reply for reply in events if isinstance(reply, InboundMessage))
    assert (reply.number, reply.text, reply.raw["text"]) == (
        "+886900000001",
        "03|a, 100% 好+1\n",
        "0303|a, 100% 好+1\n",
    )


def test_a_booking_goes_out_at_its_minute() -> None:
    with Sandbox(faces=["sms-get"]) as box, sms_core.connect(box.dsn("sms-get")) as sms:
        asked = datetime.now(UTC) + timedelta(days=1, seconds=1)
        result = sms.send("您好", "0900000001", send_at=asked)
        (message,) = box.exchange.messages
        assert timedelta() <= message.send_at - asked < timedelta(minutes=1)
        assert len(result.notes) == (message.send_at != asked)


@pytest.mark.parametrize(("text", "points"), [("a" * 161, 2), ("中" * 71, 2), ("中" * 70, 1)])
@pytest.mark.parametrize("two_way", [False, True])
@pytest.mark.parametrize("to", [["0900000001"], ["0900000001", "+8613500000123"]])
def test_the_preview_is_what_the_vendor_charges(text: str, points: int, two_way: bool, to: list[str]) -> None:
    if two_way:
        to = [number for number in to if not number.startswith("+86")]
    message = Message(text, to, options=sms_core_smsget.SendOptions(two_way=two_way))
    with Sandbox(faces=["sms-get"]) as box, sms_core.connect(box.dsn("sms-get")) as sms:
        before = sms.balance().credit
        result = sms.send(message)
        assert result.cost == sms.preview(message).points == before - sms.balance().credit
        assert result.cost == points * (2 if two_way else 1) * (3 if len(to) > 1 else 1)
        assert result.balance == sms.balance().credit


def test_both_sides_know_the_same_countries() -> None:
    assert {prefix for _, prefix in FORMS} == set(sms_core.connect("sms-get://u:p@").info.limits.countries or ())
    assert set(STATES.values()) <= set(KNOWN_STATES)
