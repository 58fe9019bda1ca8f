"""Twilio's own package, pointed at the sandbox: what it asks is answered, and it takes the sandbox's pushes for Twilio's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from sms_core_sandbox import Sandbox
from sms_core_twilio.sandbox import ACCOUNT, API_KEY, API_SECRET, SERVICE

TOKEN = "sandbox-password"
TO = "+886900000001"
SENDER = "+15005550006"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(faces=["twilio"], push_delay=0.0, push_interval=0.01) as sandbox:
        yield sandbox


@pytest.fixture
def box(shared: Sandbox) -> Sandbox:
    shared.reset()
    shared.callback_url = None
    return shared


def connect(box: Sandbox, *credentials: str) -> Client:
    client = Client(*credentials)
    client.api.base_url = f"{box.url}/twilio"
    return client


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    made = connect(box, ACCOUNT, TOKEN)
    yield made
    made.http_client.session.close()


def test_send_ask_and_list(box: Sandbox, client: Client) -> None:
    sent = client.messages.create(to=TO, from_=SENDER, body="您好 +1&")
    assert (sent.status, sent.body, sent.price) == ("queued", "您好 +1&", None)
    found = client.messages(sent.sid).fetch()
    assert (found.status, found.error_code, found.price, found.price_unit) == ("delivered", None, "-0.00750", "USD")
    assert found.date_sent.tzinfo is not None
    for _ in range(3):
        client.messages.create(to="+886900000903", from_=SENDER, body="x")
    rows = client.messages.list(page_size=2)
    assert len({row.sid for row in rows}) == 4
    assert {row.error_code for row in client.messages.list(to="+886900000903")} == {30005}
    assert client.api.v2010.accounts(ACCOUNT).fetch().status == "active"
    assert client.balance.fetch().balance == "999.9700"


def test_the_filters_of_the_list(box: Sandbox, client: Client) -> None:
    first = client.messages.create(to=TO, from_=SENDER, body="x").sid
    box.clock.advance(days=3)
    second = client.messages.create(to=TO, from_=SENDER, body="x").sid
    today = box.clock.now()
    sids = [
        [row.sid for row in client.messages.list(**wanted)]
        for wanted in (
            {"date_sent": date(today.year, today.month, today.day)},
            {"date_sent_after": datetime.now(UTC) + timedelta(days=1)},
            {"date_sent_before": datetime.now(UTC) + timedelta(days=1)},
            {"date_sent_after": datetime.now(UTC) - timedelta(days=1)},
        )
    ]
    assert sids == [[second], [second], [first], [second, first]]


def test_book_cancel_redact_and_delete(box: Sandbox, client: Client) -> None:
    at = box.clock.now() + timedelta(hours=1)
    booked = client.messages.create(to=TO, messaging_service_sid=SERVICE, body="x", schedule_type="fixed", send_at=at)
    assert booked.status == "scheduled"
    assert client.messages(booked.sid).update(status="canceled").status == "canceled"
    sent = client.messages.create(to=TO, from_=SENDER, body="a secret", media_url=["https://example.com/cat.png"])
    assert client.messages(sent.sid).update(body="").body == ""
    (picture,) = client.messages(sent.sid).media.list()
    assert picture.content_type == "image/png"
    assert client.messages(sent.sid).media(picture.sid).fetch().parent_sid == sent.sid
    assert client.messages(sent.sid).media(picture.sid).delete()
    assert client.messages(sent.sid).delete()
    with pytest.raises(TwilioRestException) as caught:
        client.messages(sent.sid).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


def test_refusals_and_api_keys(box: Sandbox, client: Client) -> None:
    for code, fields in ((21211, {"to": "0900000001", "from_": SENDER}), (21603, {"to": TO})):
        with pytest.raises(TwilioRestException) as caught:
            client.messages.create(body="x", **fields)
        assert (caught.value.status, caught.value.code) == (400, code)
    keyed, wrong = connect(box, API_KEY, API_SECRET, ACCOUNT), connect(box, ACCOUNT, "guess")
    assert keyed.messages.create(to=TO, from_=SENDER, body="x").account_sid == ACCOUNT
    with pytest.raises(TwilioRestException) as refused:
        wrong.messages.create(to=TO, from_=SENDER, body="x")
    assert (refused.value.status, refused.value.code) == (401, 20003)
    for other in (keyed, wrong):
        other.http_client.session.close()


@pytest.fixture
def pushed() -> Iterator[tuple[str, list[tuple[str, dict[str, str], str]]]]:
    """A receiver's address, and what it got: the URL that was called, the parameters, the signature."""
    calls: list[tuple[str, dict[str, str], str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            url = f"http://{self.headers['Host']}{self.path}"
            calls.append((url, dict(parse_qsl(body, keep_blank_values=True)), self.headers["X-Twilio-Signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing of it belongs into the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/sms", calls
    server.shutdown()
    thread.join()
    server.server_close()


def test_its_validator_takes_the_pushes_for_twilios(
    box: Sandbox, client: Client, pushed: tuple[str, list[tuple[str, dict[str, str], str]]]
) -> None:
    address, calls = pushed
    box.callback_url = f"{address}/inbound"
    callback = f"{address}?order=17&shop=%E5%BA%97"
    numbers = {"without a service": {"from_": SENDER}, "with one": {"messaging_service_sid": SERVICE}}
    states = {}
    for name, sender in numbers.items():
        calls.clear()
        client.messages.create(to=TO, body="x", status_callback=callback, **sender)
        assert box.wait_pushed()
        states[name] = [fields["MessageStatus"] for _, fields, _ in calls]
        assert {url for url, _, _ in calls} == {callback}
    assert states == {"without a service": ["sent", "delivered"], "with one": ["queued", "sent", "delivered"]}
    box.exchange.reply(TO, "好的 100% +1&a=b")
    assert box.wait_pushed()
    assert (calls[-1][0], calls[-1][1]["Body"]) == (f"{address}/inbound", "好的 100% +1&a=b")
    validator = RequestValidator(TOKEN)
    for url, fields, signature in calls:
        assert validator.validate(url, fields, signature)
        assert not validator.validate(url, fields | {"Body": "forged"}, signature)
