"""Over a real wire: what the vendor signs and pushes is handled, what anybody else pushes is not."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

import sms_core
from sms_core import CallbackRefused, CallbackRequest, DeliveryReport, DeliveryStatus, InboundMessage
from sms_core.webhooks import Event, Receiver
from sms_core_sandbox import Sandbox
from sms_core_twilio.sandbox import ACCOUNT
from sms_core_twilio.sandbox.pushes import signature

SECRET = "a-secret-of-the-tests-alone-0123456789"
WHO = {"user": ACCOUNT, "password": "sandbox-password"}
NUMBERS = [f"+8869000000{n:02}" for n in range(1, 5)]


@contextmanager
def running(server: Any) -> Generator[None, None, None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing of it belongs into the tests' output."""


@contextmanager
def receiving(handle: Callable[[Event], object], public: str = "") -> Generator[str, None, None]:
    """A receiver that knows its public address, or takes its own for it; gives its own."""
    server = make_server("127.0.0.1", 0, lambda environ, respond: [], handler_class=Quiet)
    own = f"http://127.0.0.1:{server.server_port}/twilio/{SECRET}"
    dsn = sms_core.dsn.build("twilio", WHO["user"], WHO["password"], callback_url=public or own)
    server.set_app(Receiver({"twilio": dsn}, handle, secrets=SECRET).wsgi)
    with running(server):
        yield own


@contextmanager
def proxy() -> Generator[tuple[str, dict[str, str]], None, None]:
    """A reverse proxy: its public address with another path, and a table whose ``to`` says where that leads."""
    leads: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inner = urlsplit(leads["to"])
            query = self.path.partition("?")[2]
            connection = http.client.HTTPConnection(inner.netloc, timeout=10)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request("POST", f"{inner.path}?{query}" if query else inner.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type", ""))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Nothing of it belongs into the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}/public/sms", leads


@pytest.fixture(params=["directly", "behind a proxy"])
def address(request: pytest.FixtureRequest) -> Callable[..., Any]:
    @contextmanager
    def made(handle: Callable[[Event], object]) -> Generator[str, None, None]:
        if request.param == "directly":
            with receiving(handle) as own:
                yield own
        else:
            with proxy() as (public, leads), receiving(handle, public) as own:
                leads["to"] = own
                yield public

    return made


def test_reports_and_replies_are_handled_once_though_the_handler_fails_at_first(address: Callable[..., Any]) -> None:
    events: list[Event] = []
    failed: set[str] = set()

    def handle(event: Event) -> None:
        if event.key not in failed:
            failed.add(event.key)
            raise RuntimeError("not yet")
        events.append(event)

    with (
        address(handle) as url,
        Sandbox(faces=["twilio"], callback_url=url, push_delay=0.0, push_interval=0.01) as box,
        sms_core.connect(box.dsn("twilio", status_callback=url)) as sms,
    ):
        result = sms.send("您好", [*NUMBERS, "+886900000903"])
        box.exchange.reply(NUMBERS[0], "好 100% +1&a=b\n", result.batches[0])
        assert box.wait_pushed(10)
        assert {(push.attempt, push.status, push.taken) for push in box.pushes} == {(1, 500, False), (2, 200, True)}
    reports = {report.batch_id: report for report in events if isinstance(report, DeliveryReport)}  # the last of each
    assert set(reports) == set(result.batches)
    states = [report.raw["MessageStatus"] for report in events if report.raw.get("To") == NUMBERS[0]]
    assert states == ["queued", "sent", "delivered"], "in their order, without the first, which the answer has told"
    assert reports[result.batches[-1]].status is DeliveryStatus.UNDELIVERABLE
    assert reports[result.batches[-1]].vendor_code == "30005"
    (reply,) = (reply for reply in events if isinstance(reply, InboundMessage))
    assert (reply.number, reply.text) == (NUMBERS[0], "好 100% +1&a=b\n")
    assert len(events) == 3 * (len(NUMBERS) + 1) + 1


def test_a_report_brings_the_reference_back(address: Callable[..., Any]) -> None:
    events: list[Event] = []
    with (
        address(events.append) as url,
        Sandbox(faces=["twilio"], callback_url=url, push_delay=0.0) as box,
        sms_core.connect(box.dsn("twilio", status_callback=f"{url}?shop=7#rc=3&rp=all")) as sms,
    ):
        result = sms.send(sms_core.Message("您好", NUMBERS[:2], reference="order 17/ü"))
        assert box.wait_pushed(10)
        assert all(push.taken for push in box.pushes)
        asked = list(sms.reports(result))
    pushed = [report for report in events if isinstance(report, DeliveryReport)]
    assert {row.number: row.reference for row in pushed} == {row.number: row.reference for row in result.outcomes}
    final = [report for report in pushed if report.status.is_final]
    assert {report.key for report in final} == {report.key for report in asked}
    assert {report.cost for report in asked} == {Decimal("0.0075")}


SID = "SM" + "0" * 32
REPORT = {"MessageSid": SID, "MessageStatus": "delivered", "To": NUMBERS[0], "AccountSid": ACCOUNT}


def post(url: str, fields: dict[str, str], signed: str | None, query: str = "") -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if signed is not None:
        headers["X-Twilio-Signature"] = signed
    path = f"{parts.path}?{query}" if query else parts.path
    connection.request("POST", path, urlencode(fields), headers)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_push_without_twilios_signature_is_refused_and_nothing_is_handled(
    address: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Event] = []
    caplog.set_level(logging.DEBUG)
    with address(events.append) as url:
        right = signature(url, REPORT, WHO["password"])
        refused = [
            post(url, REPORT, None),
            post(url, REPORT, ""),
            post(url, REPORT, "AAAA" + right[4:]),
            post(url, REPORT, signature(url, REPORT, "another token")),
            post(url, REPORT, signature(f"{url}/other", REPORT, WHO["password"])),
            post(url, REPORT | {"MessageStatus": "failed"}, right),
            post(url, REPORT | {"More": "1"}, right),
            post(url, REPORT, right, "reference=another"),
        ]
        assert {status for status, _ in refused} == {403}
        assert {body for _, body in refused} == {b""}
        assert events == []
        assert post(url, REPORT, right) == (200, b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>')
        assert post(url, REPORT, right)[0] == 200
    assert [event.batch_id for event in events] == [SID]
    for private in (SECRET, NUMBERS[0], NUMBERS[0][4:], WHO["password"], right):
        assert private not in caplog.text
    assert "the signature is not Twilio's" in caplog.text


def test_a_replaced_secret_works_until_it_is_taken_away() -> None:
    """The old address counts beside the new one: messages on their way have it as their StatusCallback."""
    old, new = "https://example.com/twilio/old", "https://example.com/twilio/new"
    sms = sms_core.connect(sms_core.dsn.build("twilio", "AC1", "token", callback_url=f"{old} {new}"))
    for url in (old, new):
        headers = {
            "x-twilio-signature": signature(url, REPORT, "token"),
            "content-type": "application/x-www-form-urlencoded",
        }
        push = CallbackRequest("POST", "/twilio", "", headers, urlencode(REPORT).encode())
        assert len(sms.parse_callback(push).events) == 1


@pytest.mark.parametrize(
    ("user", "options", "status"),
    [
        ("AC1", {"callback_url": "https://example.com/sms"}, 200),
        ("AC1", {"status_callback": "https://example.com/sms?a=b#rc=1"}, 200),
        ("SK1", {"callback_url": "https://example.com/sms", "account": "AC1", "signing_key": "token"}, 200),
        ("SK1", {"callback_url": "https://example.com/sms", "account": "AC1"}, 500),
        ("AC1", {}, 500),
    ],
)
def test_what_a_signature_is_checked_with(user: str, options: dict[str, str], status: int) -> None:
    """The AuthToken: an API key's secret never signs. What we lack ourselves is no forgery, so Twilio may come again."""
    sms = sms_core.connect(sms_core.dsn.build("twilio", user, "token", **options))
    signed = signature("https://example.com/sms", REPORT, "token")
    headers = {"x-twilio-signature": signed, "content-type": "application/x-www-form-urlencoded"}
    request = CallbackRequest("POST", "/twilio", "", headers, urlencode(REPORT).encode())
    if status == 200:
        assert len(sms.parse_callback(request).events) == 1
    else:
        with pytest.raises(CallbackRefused, match="signature cannot be checked") as caught:
            sms.parse_callback(request)
        assert caught.value.status == status


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["twilio"]) as sandbox:
        yield sandbox


def test_a_booking_waits_and_can_be_taken_back(box: Sandbox) -> None:
    with sms_core.connect(box.dsn("twilio"), clock=box.clock.now) as sms:
        later = box.clock.now() + timedelta(days=34)
        booked = [sms.send("hi", NUMBERS[0], send_at=later) for _ in range(2)]
        assert [sent.notes for sent in booked] == [(), ()]
        assert sms.cancel(booked[0].batch_id or "").count == 1
        assert [report.status for report in sms.reports(booked[0])] == [DeliveryStatus.CANCELLED]
        assert [report.status for report in sms.reports(booked[1])] == [DeliveryStatus.SCHEDULED]
        box.clock.advance(days=35)
        assert [report.status for report in sms.reports(booked[1])] == [DeliveryStatus.DELIVERED]
        with pytest.raises(sms_core.NotFound):
            sms.cancel(booked[1].batch_id or "")


def test_a_push_of_the_face_is_one_request(box: Sandbox) -> None:
    """As Twilio makes it: a form, its own user agent, a token that stays the same on its retries."""
    with sms_core.connect(box.dsn("twilio")) as sms:
        sms.send("hi", NUMBERS[0])
    push = box.faces["twilio"].push
    assert push is not None
    request, again = (push(box.exchange.messages[0], "https://example.com/sms?a=b#rc=1") for _ in range(2))
    assert request == again
    assert (request.method, request.url) == ("POST", "https://example.com/sms?a=b")
    assert request.headers["user-agent"] == "TwilioProxy/1.1"
