"""One login for many threads, renewed in time, and once when the vendor says that it has expired: over HTTP and SOAP.

What is of SOAP alone stands in test_soap_session.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

import sms_core
from sms_core.http import Request, Response
from sms_core.testing import Clock, FakeTransport
from sms_core_sandbox import Sandbox

PROVIDERS = ["every8d", "every8d-soap"]


def logins(box: Sandbox) -> int:
    return box.exchange.login_count


@pytest.mark.parametrize("provider", PROVIDERS)
def test_many_threads_log_in_once(provider: str) -> None:
    with Sandbox() as box, sms_core.connect(box.dsn(provider)) as sms:
        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(lambda n: sms.send(f"text {n}", to="0900000001"), range(64)))
        assert sum(result.accepted for result in results) == len(box.exchange.accepted) == 64
        assert logins(box) == 1


def test_a_token_is_renewed_at_eight_hours() -> None:
    clock = Clock()
    with Sandbox(clock=clock) as box, sms_core.connect(box.dsn("every8d"), clock=clock.now) as sms:
        sms.balance()
        clock.advance(hours=7, minutes=59)
        sms.balance()
        assert logins(box) == 1
        clock.advance(minutes=1)
        sms.balance()
        assert logins(box) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_expired_token_is_renewed_once_and_the_send_goes_out_once(provider: str) -> None:
    with Sandbox() as box, sms_core.connect(box.dsn(provider)) as sms:
        sms.balance()
        box.exchange.expire_sessions()
        assert sms.send("text", to="0900000001").accepted == 1
        assert (logins(box), len(box.exchange.accepted)) == (2, 1)


@pytest.mark.parametrize(
    "gone",
    [Response(200, body=b"-301,"), Response(200, body=b'{"Result": false, "Status": "-301"}'), Response(401)],
    ids=["text", "JSON", "HTTP 401"],
)
def test_a_token_that_never_works_is_not_renewed_for_ever(gone: Response) -> None:
    def handler(request: Request) -> Response:
        login = b'"VerifyType": 1' in request.body
        return Response(200, body=b'{"Result": true, "Msg": "0123456789abcdef"}') if login else gone

    transport = FakeTransport(handler)
    sms = sms_core.connect("every8d://Test:XXX@", transport=transport)
    with pytest.raises(sms_core.SessionExpired) as caught:
        sms.send("text", to="0900000001")
    assert isinstance(caught.value, sms_core.SendError)
    assert [row.outcome for row in caught.value.result.outcomes] == [sms_core.Outcome.NOT_SENT]
    assert len(transport.requests) == 4


def test_false_without_a_code_tells_a_dead_token() -> None:
    """Table 1-2-2."""
    answers = ['{"Result": true, "Msg": "a"}', '{"Result": false}', '{"Result": true, "Msg": "b"}', '{"Result": true}']
    transport = FakeTransport([Response(200, body=body.encode()) for body in answers])
    sms_core.connect("every8d://Test:XXX@", transport=transport).check()
    assert transport.requests[-1].headers["authorization"] == "Bearer b"


@pytest.mark.parametrize(
    ("provider", "options"),
    [("every8d", {"auth": "token"}), ("every8d", {"auth": "password"}), ("every8d-soap", {})],
    ids=["every8d, token", "every8d, password", "every8d-soap"],
)
def test_a_refused_password_is_shown_once_whoever_asks(provider: str, options: dict[str, str]) -> None:
    """The vendor blocks an account after ten (SOAP document, 1.1)."""
    with Sandbox() as box:
        dsn = box.dsn(provider, password="wrong", **options)

        def attempt(sms: sms_core.Client) -> type[BaseException] | None:
            with pytest.raises(sms_core.AuthenticationFailed) as caught:
                sms.send("text", to="0900000001")
            assert isinstance(caught.value, sms_core.SendError)
            return type(caught.value)

        with sms_core.connect(dsn) as sms, ThreadPoolExecutor(16) as pool:
            list(pool.map(attempt, [sms] * 40))
        assert logins(box) == 1
        with sms_core.connect(box.dsn(provider, **options)) as sms:
            assert sms.balance().credit > 0


def test_a_token_that_could_not_be_a_header_is_refused() -> None:
    body = b'{"Result": true, "Msg": "abc\\r\\nX-Evil: 1"}'
    transport = FakeTransport(lambda request: Response(200, body=body))
    with pytest.raises(sms_core.MalformedResponse, match="no token"):
        sms_core.connect("every8d://Test:XXX@", transport=transport).balance()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_time_in_the_past_is_refused_before_anything_is_asked(provider: str) -> None:
    transport = FakeTransport([])
    sms = sms_core.connect(f"{provider}://Test:XXX@", transport=transport)
    with pytest.raises(sms_core.InvalidMessage, match=r"send_at: .* is in the past"):
        sms.send("text", to="0900000001", send_at=datetime.now(UTC) - timedelta(seconds=1))
    assert transport.requests == []


def test_an_interruption_carries_the_result_so_far() -> None:
    """Ctrl-C, or a worker's time limit, in the middle of a message of three requests."""
    bodies = iter([b"87.00,1,1.0,0,c496f706-9b0f-4ff8-9644-9503edbb7064"])

    def handler(request: Request) -> Response:
        if (body := next(bodies, None)) is None:
            raise KeyboardInterrupt
        return Response(200, body=body)

    sms = sms_core.connect("every8d://Test:XXX@?auth=password&batch_size=1", transport=FakeTransport(handler))
    with pytest.raises(KeyboardInterrupt) as caught:
        sms.send("text", to=["0900000001", "0900000002", "0900000003"])
    result = caught.value.sms_result  # type: ignore[attr-defined]
    assert [row.outcome.value for row in result.outcomes] == ["accepted", "unknown", "not_sent"]
    assert "sms_result" in caught.value.__notes__[0]


def test_a_password_that_is_refused_in_the_middle_of_a_message_is_not_shown_again() -> None:
    bodies = [b"87.00,1,1.0,0,c496f706-9b0f-4ff8-9644-9503edbb7064", "-101,密碼錯誤".encode()]
    transport = FakeTransport([Response(200, body=body) for body in bodies])
    sms = sms_core.connect("every8d://Test:XXX@?auth=password&batch_size=1", transport=transport)
    with pytest.raises(sms_core.PartiallySent):
        sms.send("text", to=["0900000001", "0900000002", "0900000003"])
    with pytest.raises(sms_core.AuthenticationFailed, match="not tried again"):
        sms.balance()
    assert len(transport.requests) == 2
