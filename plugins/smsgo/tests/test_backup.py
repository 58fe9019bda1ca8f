"""The second host is asked after a failure that surely sent nothing, and after no other."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import sms_core
from sms_core import Client, ConfigurationError, NotSent, OutcomeUnknown, SendError, SmsError, TransportError
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport, check_promise
from sms_core_sandbox import Sandbox

OK = Response(200, body=b"msgid=100101121234567\r\nstatuscode=0\r\nstatusstr=OK\r\npoint=1\r\n")
FIRST, SECOND = "https://ssl.smsgo.com.tw/sms_gw/sendsms.aspx", "https://www2.smsgo.com.tw/sms_gw/sendsms.aspx"
NOT_CONNECTED = TransportError("no connection", sent=False)
CUT_OFF = TransportError("cut off", sent=True)


def client(first: Response | SmsError, second: Response | SmsError = OK, **options: object) -> tuple[Client, list[str]]:
    urls: list[str] = []

    def handler(request: Request) -> Response:
        urls.append(request.url)
        answer = first if request.url == FIRST else second
        if isinstance(answer, SmsError):
            raise answer
        return answer

    dsn = sms_core.dsn.build("smsgo", "a", "b", retries=0, **options)
    return sms_core.connect(dsn, transport=FakeTransport(handler)), urls


@pytest.mark.parametrize("backup", ["true", "www2.smsgo.com.tw"])
def test_after_a_connection_that_failed(backup: str) -> None:
    sms, urls = client(NOT_CONNECTED, backup_host=backup)
    assert sms.send("a", "0900000001").accepted == 1
    assert urls == [FIRST, SECOND]


def test_off_by_default() -> None:
    sms, urls = client(NOT_CONNECTED)
    with pytest.raises(NotSent):
        sms.send("a", "0900000001")
    assert urls == [FIRST]


REFUSED = Response(200, body=b"msgid=-1\nstatuscode=-10\nstatusstr=Send Fail\npoint=0\n")
NO_HELP = [CUT_OFF, REFUSED, Response(200), Response(429), Response(403), Response(404), Response(500), Response(502)]


@pytest.mark.parametrize("answer", NO_HELP, ids=range(len(NO_HELP)))
def test_after_nothing_else(answer: Response | SmsError) -> None:
    """The document would send again whenever an answer shows something abnormal; that could send twice."""
    sms, urls = client(answer, backup_host="true")
    with pytest.raises(SendError):
        sms.send("a", "0900000001")
    assert urls == [FIRST]


@pytest.mark.parametrize(("second", "error"), [(NOT_CONNECTED, NotSent), (CUT_OFF, OutcomeUnknown)])
def test_when_the_second_fails_too(second: SmsError, error: type[SendError]) -> None:
    sms, urls = client(NOT_CONNECTED, second, backup_host="true")
    with pytest.raises(error):
        sms.send("a", "0900000001")
    assert urls == [FIRST, SECOND]


def test_for_sends_alone() -> None:
    def handler(request: Request) -> Response:
        assert "www2" not in request.url
        raise NOT_CONNECTED

    sms = sms_core.connect("smsgo://a:b@?retries=0&backup_host=true", transport=FakeTransport(handler))
    with pytest.raises(TransportError):
        sms.balance()


@pytest.mark.parametrize("value", ["http://www2.smsgo.com.tw", "a@b", "a?b"])
def test_a_backup_is_a_host(value: str) -> None:
    with pytest.raises(ConfigurationError, match="backup_host"):
        sms_core.connect(sms_core.dsn.build("smsgo", "a", "b", backup_host=value))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port at which nobody listens, kept by a socket that does not."""
    with socket.socket() as keeper:
        keeper.bind(("127.0.0.1", 0))
        yield keeper.getsockname()[1]


def test_over_real_sockets(closed_port: int) -> None:
    with Sandbox(faces=["smsgo"]) as box:
        where = box.url.removeprefix("http://") + "/smsgo"
        dsn = sms_core.dsn.build(
            "smsgo", "sandbox", "sandbox-password", f"127.0.0.1:{closed_port}", scheme="http", backup_host=where
        )
        with sms_core.connect(dsn, sleep=lambda seconds: None) as sms:
            check_promise(box.exchange, sms.send("a", ["0900000001", "0900000002"]))
        assert len(box.exchange.accepted) == 2
