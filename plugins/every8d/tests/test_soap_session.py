"""The session of the SOAP API (1.1, 1.3): one key of an account, good until midnight in Taipei, and -999."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from soap_wire import BATCH, Answer, call_of, client, connection, fault, operation_of, result, vendor

import sms_core
from sms_core import AuthenticationFailed, Client, MemorySessions, Outcome, SendError, SessionExpired
from sms_core.http import Response
from sms_core.provider import TAIPEI
from sms_core.testing import Clock, FakeTransport
from sms_core_sandbox import Sandbox
from sms_core_sandbox.faults import RequestInfo

SENT = f"1230.00,1,1.0,0,{BATCH}"
EVENING = datetime(2026, 12, 31, 23, 59, tzinfo=TAIPEI)


def called(transport: FakeTransport) -> list[str]:
    return [operation_of(request) for request in transport.requests]


class Counted:
    """A sandbox's faults, used to count its calls."""

    def __init__(self, box: Sandbox) -> None:
        self.operations: list[str] = []
        box.faults.choose = self.note

    def note(self, info: RequestInfo) -> None:
        self.operations.append(info.operation)


# The key ends with the day


@pytest.mark.parametrize("zone", [UTC, TAIPEI, None], ids=["UTC", "Taipei", "here"])
def test_a_key_lives_to_the_end_of_the_day_in_taipei(zone: Any) -> None:
    clock = Clock(EVENING - timedelta(hours=23))  # 00:59

    def now() -> datetime:
        return clock.now().astimezone(zone)

    with Sandbox(clock=clock) as box, sms_core.connect(box.dsn("every8d-soap"), clock=now) as sms:
        sms.balance()
        clock.advance(hours=23, seconds=59)
        sms.balance()
        assert box.exchange.login_count == 1
        clock.advance(seconds=1)
        sms.balance()
        assert box.exchange.login_count == 2


def test_a_login_in_the_last_second_of_the_day_is_good_for_a_second() -> None:
    clock = Clock(EVENING + timedelta(seconds=59))
    transport = vendor({"getCredit": "1.00"})
    sms = client(transport, clock=clock.now)
    for _ in range(2):
        sms.balance()
    clock.advance(1)
    sms.balance()
    assert called(transport) == ["getConnection", "getCredit", "getCredit", "getConnection", "getCredit"]


def test_a_clock_that_is_slow_costs_one_more_call_and_nothing_else() -> None:
    """The vendor's midnight comes first: it says -301, and took nothing."""
    clock = Clock(EVENING)
    with Sandbox(clock=clock) as box:
        calls = Counted(box)
        with sms_core.connect(box.dsn("every8d-soap"), clock=lambda: clock.now() - timedelta(minutes=5)) as sms:
            sms.balance()
            clock.advance(minutes=1)
            assert sms.send("text", to="0900000001").accepted == 1
        assert calls.operations == ["getconnection", "getcredit", "sendsms", "getconnection", "sendsms"]
        assert len(box.exchange.accepted) == 1


# -301


GONE: dict[str, str] = {
    "a code": "-301",
    "a code and a comma": "-301,",
    "five fields": "-301.0,0,0.0,0,",
    "words": "-301,Session 資料不存在，請重新登入。",
    "the code as every count": "-301,-301,-301,-301,",
}


@pytest.mark.parametrize("text", GONE.values(), ids=GONE)
@pytest.mark.parametrize(
    "message",
    [
        sms_core.Message("text", "0900000001"),
        sms_core.Message("text", sms_core.Recipient("0900000001", "小明")),
        sms_core.Message("text", "0900000001", validity=timedelta(hours=1)),
        sms_core.Message("text", "0900000001", media=sms_core.Media(b"\xff\xd8\xff", "jpg")),
    ],
    ids=["sendSMS", "sendParamSMS", "sendMessage", "sendMMS"],
)
def test_a_session_that_is_gone_is_one_new_login_and_one_send(message: sms_core.Message, text: str) -> None:
    keys = [connection("a" * 32), connection("b" * 32)]
    sends = {name: [text, SENT] for name in ("sendSMS", "sendParamSMS", "sendMessage", "sendMMS")}
    transport = vendor({"getConnection": keys, **sends})
    assert client(transport).send(message).accepted == 1
    first, send, second, again = transport.requests
    assert (operation_of(first), operation_of(second)) == ("getConnection", "getConnection")
    assert (call_of(send)["sessionKey"], call_of(again)["sessionKey"]) == ("a" * 32, "b" * 32)
    assert send.body.replace(b"a" * 32, b"b" * 32) == again.body


READS: dict[str, tuple[Callable[[Client], Any], str]] = {
    "getCredit": (lambda sms: sms.balance(), "1.00"),
    "getDeliveryStatus": (
        lambda sms: list(sms.reports(BATCH)),
        '<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="0"/></SMS_LOG>',
    ),
    "eraseBooking": (lambda sms: sms.cancel(BATCH), "1,1.00"),
}
GONE_IN_A_LOG = "<SMS_LOG><CODE>-301</CODE><DESCRIPTION>Session 資料不存在，請重新登入。</DESCRIPTION></SMS_LOG>"


@pytest.mark.parametrize(
    ("operation", "text"),
    [(name, text) for name in READS for text in ("-301", GONE["words"])] + [("getDeliveryStatus", GONE_IN_A_LOG)],
)
def test_a_session_that_is_gone_is_renewed_for_every_other_call_too(operation: str, text: str) -> None:
    ask, answer = READS[operation]
    transport = vendor({operation: [text, answer]})
    ask(client(transport))
    assert called(transport) == ["getConnection", operation, "getConnection", operation]


@pytest.mark.parametrize("text", GONE.values(), ids=GONE)
def test_a_key_that_never_works_is_not_renewed_for_ever(text: str) -> None:
    transport = vendor({"sendSMS": text})
    with pytest.raises(SessionExpired) as caught:
        client(transport).send("text", to="0900000001")
    assert isinstance(caught.value, SendError)
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.NOT_SENT]
    assert called(transport) == ["getConnection", "sendSMS"] * 2


# -999


BLOCKED = "帳號已封鎖，請洽服務窗口。"
ASKS: list[Callable[[Client], Any]] = [
    lambda sms: sms.send("text", to="0900000001"),
    lambda sms: sms.balance(),
    lambda sms: sms.check(),
    lambda sms: list(sms.reports(BATCH)),
    lambda sms: list(sms.inbound(BATCH)),
    lambda sms: sms.cancel(BATCH),
]


def asked_in_vain(sms: Client, transport: FakeTransport) -> None:
    """Every question says that the account is blocked, and none leaves the machine."""
    before = len(transport.requests)
    for ask in ASKS:
        with pytest.raises(AuthenticationFailed, match="the account is blocked: ask EVERY8D; refused before") as caught:
            ask(sms)
        assert (caught.value.code, caught.value.vendor_text) == ("-999", BLOCKED)
    assert len(transport.requests) == before


def test_a_blocked_account_is_said_at_the_login_and_stops_all_further_calls() -> None:
    transport = vendor({"getConnection": connection("", "-999", BLOCKED)})
    sms = client(transport)
    with pytest.raises(AuthenticationFailed, match=f"the account is blocked: ask EVERY8D: -999 {BLOCKED}") as caught:
        sms.send("text", to="0900000001")
    assert isinstance(caught.value, SendError)
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.NOT_SENT]
    assert called(transport) == ["getConnection"]
    asked_in_vain(sms, transport)


FORMS: dict[str, Sequence[tuple[str, str]]] = {
    "sendSMS": [("a code", "-999"), ("five fields", "-999.0,0,0.0,0,"), ("words", f"-999,{BLOCKED}")],
    "getCredit": [("a code", "-999"), ("words", f"-999,{BLOCKED}")],
    "getDeliveryStatus": [("a document", f"<SMS_LOG><CODE>-999</CODE><DESCRIPTION>{BLOCKED}</DESCRIPTION></SMS_LOG>")],
}


@pytest.mark.parametrize(
    ("operation", "text"),
    [pytest.param(name, text, id=f"{name}, {form}") for name, forms in FORMS.items() for form, text in forms],
)
def test_an_account_that_is_blocked_in_mid_session_stops_all_further_calls(operation: str, text: str) -> None:
    answers: dict[str, Answer | Sequence[Answer]] = {"sendSMS": SENT, "getCredit": "1.00", operation: text}
    if operation == "sendSMS":
        answers["sendSMS"] = [SENT, text]
    transport = vendor(answers)
    sms = client(transport, close_session="true", batch_size=1)
    if operation == "sendSMS":
        with pytest.raises(sms_core.PartiallySent, match="the account is blocked") as caught:
            sms.send("text", to=["0900000001", "0900000002", "0900000003"])
        outcomes = [row.outcome for row in caught.value.result.outcomes]
        assert outcomes == [Outcome.ACCEPTED, Outcome.REFUSED, Outcome.NOT_SENT]
    else:
        with pytest.raises(AuthenticationFailed, match="the account is blocked"):
            sms.balance() if operation == "getCredit" else list(sms.reports(BATCH))
    asked_in_vain(sms, transport)
    before = called(transport)
    sms.close()
    assert called(transport) == before
    assert before.count("getConnection") == 1


def test_ten_wrong_passwords_block_and_the_right_one_is_then_shown_once() -> None:
    with Sandbox() as box:
        for _ in range(10):
            with pytest.raises(AuthenticationFailed, match="-101"):
                sms_core.connect(box.dsn("every8d-soap", password="guess")).check()
        calls = Counted(box)

        def attempt(sms: Client) -> str:
            with pytest.raises(AuthenticationFailed, match="the account is blocked") as caught:
                sms.send("text", to="0900000001")
            return caught.value.code

        with sms_core.connect(box.dsn("every8d-soap")) as sms, ThreadPoolExecutor(16) as pool:
            assert set(pool.map(attempt, [sms] * 40)) == {"-999"}
        assert calls.operations == ["getconnection"]


# 1.3: one key for all


def test_closing_a_client_ends_nobodys_session() -> None:
    with Sandbox() as box:
        calls = Counted(box)
        with sms_core.connect(box.dsn("every8d-soap")) as other:
            other.check()
            with sms_core.connect(box.dsn("every8d-soap")) as sms:
                sms.check()
            other.check()
        assert "closeconnection" not in calls.operations
        assert box.exchange.login_count == 2


def test_where_one_client_ends_the_session_the_other_goes_on_with_one_new_login() -> None:
    with Sandbox() as box:
        calls = Counted(box)
        with sms_core.connect(box.dsn("every8d-soap")) as other:
            other.check()
            with sms_core.connect(box.dsn("every8d-soap", close_session="true")) as sms:
                sms.check()
            with ThreadPoolExecutor(8) as pool:
                results = list(pool.map(lambda n: other.send(f"text {n}", to="0900000001"), range(32)))
        assert sum(sent.accepted for sent in results) == len(box.exchange.accepted) == 32
        assert calls.operations.count("closeconnection") == 1
        assert box.exchange.login_count == 3


def test_clients_that_share_their_sessions_share_the_key_and_its_end() -> None:
    transport = vendor({"getCredit": "1.00", "closeConnection": "1"})
    sessions = MemorySessions()
    dsn = sms_core.dsn.build("every8d-soap", "Test", "XXX", close_session="true")
    first, second = (sms_core.connect(dsn, transport=transport, sessions=sessions) for _ in range(2))
    first.check()
    second.check()
    first.close()
    second.check()
    assert called(transport) == [
        "getConnection",
        "getCredit",
        "getCredit",
        "closeConnection",
        "getConnection",
        "getCredit",
    ]


def test_a_session_that_ended_at_midnight_is_not_closed() -> None:
    clock = Clock(EVENING)
    transport = vendor({"getCredit": "1.00", "closeConnection": "-1"})
    with client(transport, clock=clock.now, close_session="true") as sms:
        sms.check()
        clock.advance(minutes=1)
    assert called(transport) == ["getConnection", "getCredit"]
    assert transport.closed


def test_a_client_that_never_asked_has_no_session_to_end() -> None:
    transport = vendor()
    with client(transport, close_session="true"):
        pass
    assert transport.requests == []


@pytest.mark.parametrize(
    "answer",
    [Response(502, body=b"<html/>"), fault("soap:Server"), result("getCredit", "1.00")],
    ids=["a gateway", "a fault", "something else"],
)
def test_a_close_that_fails_closes_the_connections_all_the_same(answer: Response) -> None:
    transport = vendor({"getCredit": "1.00", "closeConnection": answer})
    sms = client(transport, close_session="true")
    sms.check()
    with pytest.raises(sms_core.SmsError):
        sms.close()
    assert transport.closed
