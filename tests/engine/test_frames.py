"""What an error tracker would write down of the transport's errors and of a provider's bugs: no secret."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from sms_core import Account, InvalidMessage, MalformedResponse, OutcomeUnknown, SmsError, hookimpl
from sms_core._engine.transports.sync import SocketTransport
from sms_core.http import Request, Response
from sms_core.provider import Operation, Send, Session
from sms_core.testing import FakeTransport
from tests.support.frames import shown_by
from tests.support.scripted_server import (
    Action,
    ScriptedServer,
    answer,
    close_after_reading,
    drip,
    half_answer,
    raw_answer,
    stall,
)
from tests.support.tiny import PASSWORD, TOKEN, Tiny, Vendor, bind

Serve = Callable[..., ScriptedServer]
NUMBER = "900123457"
TEXT = "a text that nobody sees"
SECRETS = [PASSWORD, TOKEN, NUMBER, TEXT]


def request_to(url: str, **headers: str) -> Request:
    """One with a secret at every place."""
    fields = {"Authorization": f"Bearer {TOKEN}", **headers}
    return Request("POST", f"{url}/send?pwd={PASSWORD}", fields, f"to={NUMBER}&text={TEXT}".encode())


def shown(error: BaseException) -> list[str]:
    return shown_by(error, SECRETS, but_not_in=__file__)


@pytest.mark.parametrize(
    "action",
    [
        close_after_reading,
        stall,
        half_answer(TOKEN.encode()),
        drip(TOKEN.encode()),
        raw_answer(f"{TOKEN}\r\n{NUMBER}\r\n\r\n".encode()),
        raw_answer(f"HTTP/1.1 200 {TOKEN}\r\nX: {TOKEN}\r\n".encode()),
        raw_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(TOKEN), TOKEN.encode())),
        raw_answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 29\r\n\r\n" + TOKEN.encode()),
        raw_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + TOKEN.encode()),
    ],
)
def test_no_error_of_the_transport_shows_request_or_answer(serve: Serve, action: Action) -> None:
    transport = SocketTransport(read_timeout=0.3, deadline=1)
    with pytest.raises(SmsError) as caught:
        transport.send(request_to(serve([action]).url))
    assert shown(caught.value) == []
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    "request_", [request_to("http://127.0.0.1:1"), request_to("http://h:x"), request_to("http://127.0.0.1:1", X="a\nb")]
)
def test_no_error_before_the_first_byte_shows_the_request(request_: Request) -> None:
    with pytest.raises(SmsError) as caught:
        SocketTransport().send(request_)
    assert shown(caught.value) == []


class TimeLimit(Exception):
    """What a worker's time limit raises, wherever the program is."""


def test_an_interruption_while_an_answer_is_awaited_shows_no_secret(serve: Serve) -> None:
    server = serve([answer(f"OK {TOKEN}".encode()), stall])

    def interrupt() -> None:
        server.wait_for_requests(2)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def raise_limit(*_: object) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGUSR1, raise_limit)
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    try:
        with bind(SocketTransport(), base_url=server.url) as sms, pytest.raises(TimeLimit) as caught:
            sms.send(TEXT, to=f"0{NUMBER}")
    finally:
        watcher.join()
        signal.signal(signal.SIGUSR1, before)
    assert shown(caught.value) == []


class Careless(Tiny):
    """A provider whose locals hold secrets when it fails. ``fails`` says where."""

    def __init__(self, fails: str) -> None:
        super().__init__()
        self.fails = fails

    @hookimpl
    def sms_send(self, account: Account, session: Session | None, operation: Operation[Any]) -> Request:
        fields = {"password": account.password, "token": session.token if session else ""}
        if isinstance(operation, Send):
            fields |= {destination.number: destination.text for destination in operation.destinations}
        if self.fails == "message":
            raise InvalidMessage("text", "is too long")
        if self.fails == "request":
            fields["missing"]
        return super().sms_send(account, session, operation)

    @hookimpl
    def sms_parse_response(self, account: Account, operation: Operation[Any], response: Response) -> Any:
        if not isinstance(operation, Send):
            return super().sms_parse_response(account, operation, response)
        fields = [destination.number for destination in operation.destinations] + [account.password]
        if self.fails == "answer":
            try:
                int(fields[-1])
            except ValueError as error:
                raise MalformedResponse("no number") from error
        return fields["bug"]  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("fails", "raised"),
    [("message", InvalidMessage), ("request", KeyError), ("answer", OutcomeUnknown), ("parser", OutcomeUnknown)],
)
def test_no_failure_of_a_provider_shows_its_locals(fails: str, raised: type[Exception]) -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network, Careless(fails)) as sms, pytest.raises(raised) as caught:
        sms.send(TEXT, to=f"0{NUMBER}")
    assert shown(caught.value) == []


def test_a_bug_of_a_provider_tells_its_places_in_a_note() -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network, Careless("parser")) as sms, pytest.raises(OutcomeUnknown) as caught:
        sms.send(TEXT, to=f"0{NUMBER}")
    cause = caught.value.__cause__
    assert isinstance(cause, MalformedResponse)
    assert "failed with TypeError" in str(cause)
    assert 'return fields["bug"]' in "".join(cause.__notes__)
