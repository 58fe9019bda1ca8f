"""An answer that leaves open whether the token is dead: the vendor is asked (HTTP 1.2) before anything is called failed.

The document has no code for a dead token. Over real sockets, for what must not happen is a second send.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

import sms_core
from sms_core import AuthenticationFailed, Client, Outcome, OutcomeUnknown, SessionExpired, VendorUnavailable
from sms_core.http import Request, Response
from sms_core_sandbox import Sandbox
from tests.support.scripted_server import Action, ScriptedServer, answer, close_after_reading

FAILED = "-99,發生不明錯誤"
BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
ONE = f"87.00,1,1.0,0,{BATCH}"
ALIVE = {"Result": True}
DEAD = {"Result": False, "Status": "-99", "Msg": "發生例外錯誤"}  # table 1-2-5
LOGIN, CHECK, SEND = "login", "check", "send"


def text(body: str) -> Action:
    return answer(body.encode())


def verdict(**fields: object) -> Action:
    return answer(json.dumps(fields, ensure_ascii=False).encode())


def token(value: str) -> Action:
    return verdict(Result=True, Msg=value)


def told(server: ScriptedServer) -> list[tuple[str, str]]:
    """What was asked, in turn, and with which token."""
    names = {'"VerifyType": 1': LOGIN, '"VerifyType": 2': CHECK}
    asked = []
    for request in server.requests:
        body = request.body.decode()
        name = next((name for part, name in names.items() if part in body), request.target.rpartition("/")[2])
        name = SEND if name.startswith("Send") else name
        asked.append((name, request.headers.get("authorization", "").removeprefix("Bearer ")))
    return asked


def client(server: ScriptedServer, **options: str) -> Client:
    dsn = sms_core.dsn.build("every8d", "Test", "XXX", f"127.0.0.1:{server.port}", scheme="http", **options)
    return sms_core.connect(dsn, sleep=lambda seconds: None)


def outcomes(error: sms_core.SendError) -> list[Outcome]:
    return [row.outcome for row in error.result.outcomes]


@pytest.mark.parametrize("doubt", [FAILED, "-300,帳號密碼不得為空值。"], ids=["-99", "-300"])
@pytest.mark.parametrize(
    "dead",
    [DEAD, {"Result": False}, {"Result": False, "Status": "-301", "Msg": "請重新登入。"}],
    ids=["table 1-2-5", "table 1-2-2", "-301"],
)
def test_a_token_that_is_proven_dead_is_renewed_and_the_send_goes_out_once_more(
    dead: dict[str, object], doubt: str
) -> None:
    script = [token("a"), text(doubt), verdict(**dead), token("b"), text(ONE)]
    with ScriptedServer(script) as server, client(server) as sms:
        assert sms.send("hi", "0900000001").batch_id == BATCH
        assert told(server) == [(LOGIN, ""), (SEND, "a"), (CHECK, "a"), (LOGIN, ""), (SEND, "b")]


def test_a_token_that_is_alive_leaves_the_failure_what_it_is() -> None:
    with ScriptedServer([token("a"), text(FAILED), verdict(**ALIVE)]) as server, client(server) as sms:
        with pytest.raises(VendorUnavailable, match="-99") as caught:
            sms.send("hi", "0900000001")
        assert outcomes(caught.value) == [Outcome.REFUSED]
        assert told(server) == [(LOGIN, ""), (SEND, "a"), (CHECK, "a")]


def test_credentials_that_are_missed_with_a_token_that_is_alive_are_refused() -> None:
    script = [token("a"), text("-300,帳號密碼不得為空值。"), verdict(**ALIVE)]
    with ScriptedServer(script) as server, client(server) as sms:
        with pytest.raises(AuthenticationFailed, match="-300") as caught:
            sms.send("hi", "0900000001")
        assert outcomes(caught.value) == [Outcome.REFUSED]


@pytest.mark.parametrize(
    "silence",
    [
        close_after_reading,
        answer(b"<html>", status=502),
        answer(b"<html>"),
        answer(b"", status=403),
        text("{}"),
        text(FAILED),
        verdict(Result=False, Status="-97", Msg="系統忙碌中"),
        verdict(Result="perhaps"),
    ],
    ids=["no answer", "502", "a page", "403", "no verdict", "-99 in text, which 1.2 has not", "-97", "neither"],
)
def test_a_check_that_proves_nothing_repeats_no_send(silence: Action) -> None:
    with ScriptedServer([token("a"), text(FAILED), silence]) as server, client(server) as sms:
        with pytest.raises(VendorUnavailable, match="-99") as caught:
            sms.send("hi", "0900000001")
        assert outcomes(caught.value) == [Outcome.REFUSED]
        assert [name for name, _ in told(server)].count(SEND) == 1


def test_a_new_token_is_not_doubted_again() -> None:
    """A vendor that fails whatever the token is asked once about it, and the send is not repeated for ever."""
    script = [token("a"), text(FAILED), verdict(**DEAD), token("b"), text(FAILED)]
    with ScriptedServer(script) as server, client(server) as sms:
        with pytest.raises(VendorUnavailable, match="-99"):
            sms.send("hi", "0900000001")
        assert told(server) == [(LOGIN, ""), (SEND, "a"), (CHECK, "a"), (LOGIN, ""), (SEND, "b")]


def test_a_send_without_an_answer_is_no_doubt_of_the_session() -> None:
    with ScriptedServer([token("a"), close_after_reading]) as server, client(server) as sms:
        with pytest.raises(OutcomeUnknown):
            sms.send("hi", "0900000001")
        assert told(server) == [(LOGIN, ""), (SEND, "a")]


def test_credentials_on_each_request_leave_no_doubt() -> None:
    with ScriptedServer([text(FAILED)]) as server, client(server, auth="password") as sms:
        with pytest.raises(VendorUnavailable, match="-99") as caught:
            sms.send("hi", "0900000001")
        assert outcomes(caught.value) == [Outcome.REFUSED]
        assert told(server) == [(SEND, "")]


def test_a_question_heals_too() -> None:
    script = [token("a"), text(FAILED), verdict(**DEAD), token("b"), text("87.00")]
    with ScriptedServer(script) as server, client(server) as sms:
        assert sms.balance().credit == 87
        assert [name for name, _ in told(server)] == [LOGIN, "GetCredit.ashx", CHECK, LOGIN, "GetCredit.ashx"]


def test_check_itself_heals() -> None:
    script = [token("a"), verdict(**DEAD), token("b"), verdict(**ALIVE)]
    with ScriptedServer(script) as server, client(server) as sms:
        sms.check()
        assert told(server) == [(LOGIN, ""), (CHECK, "a"), (LOGIN, ""), (CHECK, "b")]


def test_a_check_that_never_succeeds_ends() -> None:
    script = [token("a"), verdict(**DEAD), token("b"), verdict(**DEAD)]
    with ScriptedServer(script) as server, client(server) as sms:
        with pytest.raises(SessionExpired, match="-99"):
            sms.check()
        assert len(server.requests) == 4


# A whole vendor that says -99 of a dead token, as the document would have it.


class Vague:
    """A transport to the sandbox that hides its -301 behind the -99 of the document, in the form that was used."""

    def __init__(self, inner: sms_core.Transport) -> None:
        self.inner = inner

    def send(self, request: Request) -> Response:
        response = self.inner.send(request)
        if b"-301" not in response.body:
            return response
        body = json.dumps(DEAD) if response.body.startswith(b"{") else FAILED
        return Response(response.status, response.headers, body.encode())

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["every8d"]) as sandbox:
        yield sandbox


@pytest.mark.parametrize("personal", [False, True], ids=["text", "JSON"])
def test_a_vendor_that_is_vague_about_dead_tokens_is_sent_to_once(box: Sandbox, personal: bool) -> None:
    recipient = sms_core.Recipient("0900000001", text="hi" if personal else None)
    with sms_core.connect(box.dsn("every8d"), transport=Vague(sms_core.SocketTransport())) as sms:
        sms.balance()
        box.exchange.expire_sessions()
        assert sms.send("hi", recipient).accepted == 1
    assert len(box.exchange.accepted) == 1
    assert box.exchange.login_count == 2
