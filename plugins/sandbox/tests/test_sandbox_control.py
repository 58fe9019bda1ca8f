"""The JSON control API and the inbox page, over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from sms_core.testing import behaviour_rows
from sms_core_sandbox import KINDS, Sandbox


@pytest.fixture
def ask(box: Sandbox, wire: Any) -> Any:
    def request(method: str, name: str, **arguments: Any) -> Any:
        body = {"json": arguments} if method == "POST" else {}
        answer = wire.pool.request(method, f"{box.url}/_sandbox/{name}", **body)
        assert answer.status == 200, answer.data
        return answer.json()

    return request


def test_messages_and_what_was_accepted(ask: Any, wire: Any, box: Sandbox) -> None:
    box.exchange.set_credit("sandbox", 1)
    wire("SendSMS.ashx", MSG="哈囉", DEST="0900000903,0900000001", SB="note")
    first, second = ask("GET", "messages")
    assert (first["number"], first["text"], first["status"], first["behaviour"], first["subject"]) == (
        "+886900000903",
        "哈囉",
        "undeliverable",
        "no_such_number",
        "note",
    )
    assert (second["status"], second["sent_at"]) == ("no_credit", None)
    assert [sent["number"] for sent in ask("GET", "accepted")] == ["+886900000903"]


def test_the_table_of_behaviours(ask: Any) -> None:
    assert [tuple(row.values()) for row in ask("GET", "behaviours")] == list(behaviour_rows())


def test_accounts(ask: Any, box: Sandbox) -> None:
    ask("POST", "accounts", user="sandbox", credit="12.5")
    ask("POST", "accounts", user="another", password="secret", credit=3)
    assert ask("GET", "accounts") == [
        {"vendor": "every8d", "user": "sandbox", "credit": "12.5", "unit": "points", "blocked": False},
        {"vendor": "every8d", "user": "another", "credit": "3", "unit": "points", "blocked": False},
    ]
    assert box.exchange.login("another", "secret").user == "another"
    assert ask("POST", "accounts", user="sandbox")[0]["credit"] == "12.5"
    assert ask("POST", "accounts", vendor="every8d", user="sandbox", credit=7)[0]["credit"] == "7"


def test_faults(ask: Any, wire: Any, box: Sandbox) -> None:
    added = ask("POST", "faults", kind="429", match="SendSMS", times=None, retry_after=3)
    assert added == {"kind": "429", "match": "SendSMS", "times": None, "acts": False}
    answer = wire.pool.request("POST", f"{wire.base}SendSMS.ashx")
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    box.faults.add("403", match=lambda _: False)
    assert ask("GET", "faults")["active"][1]["match"] == "(a function)"
    assert ask("DELETE", "faults") == {"active": [], "kinds": KINDS}


def test_clock(ask: Any) -> None:
    before = datetime.fromisoformat(ask("GET", "clock")["now"])
    after = datetime.fromisoformat(ask("POST", "clock", advance=3600)["now"])
    assert (after - before).total_seconds() >= 3600


def test_callback_pushes_and_replies(ask: Any, wire: Any, box: Sandbox, receive: Any) -> None:
    receiver = receive()
    assert ask("POST", "callback", url=receiver.url) == {"url": receiver.url}
    wire("SendSMS.ashx", MSG="x", DEST="0900000001")
    assert ask("POST", "reply", number="0900-000-001", text="好")["text"] == "好"
    assert box.wait_pushed()
    assert [query["SM"] for query in receiver.queries] == ["", "好"]
    assert [attempt["taken"] for attempt in ask("GET", "pushes")] == [True, True]
    assert ask("POST", "callback", url=None) == {"url": None}


def test_sessions_and_reset(ask: Any, wire: Any) -> None:
    token = wire.login()
    ask("POST", "expire-sessions")
    assert wire("GetCredit.ashx", token=token).startswith("-301,")
    wire("SendSMS.ashx", MSG="x", DEST="0900000001")
    ask("POST", "reset")
    assert ask("GET", "messages") == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("faults", {"kind": "nonsense"}),
        ("faults", {}),
        ("faults", {"kind": "429", "nonsense": 1}),
        ("accounts", {}),
        ("accounts", {"user": "nobody", "credit": 1}),
        ("accounts", {"user": "sandbox", "credit": "many"}),
        ("clock", {"advance": -1}),
        ("clock", {"advance": "soon"}),
        ("reply", {"number": "0900000001", "text": "x"}),
        ("reply", {"number": "nonsense", "text": "x"}),
        ("callback", {}),
    ],
)
def test_a_wrong_request_says_why(wire: Any, box: Sandbox, name: str, arguments: dict[str, Any]) -> None:
    answer = wire.pool.request("POST", f"{box.url}/_sandbox/{name}", json=arguments)
    assert answer.status == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object(wire: Any, box: Sandbox, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert wire.pool.request("POST", f"{box.url}/_sandbox/reset", body=body, headers=headers).status == 400


def test_a_form_of_another_page_in_the_browser_is_refused(wire: Any, box: Sandbox) -> None:
    answer = wire.pool.request("POST", f"{box.url}/_sandbox/reset", body=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status == 400


class TestInbox:
    def test_it_shows_messages_and_replies(self, wire: Any, box: Sandbox) -> None:
        wire("SendSMS.ashx", MSG="哈囉", DEST="0900000908", SB="note")
        answer = wire.pool.request("GET", f"{box.url}/")
        assert answer.headers["content-type"].startswith("text/html")
        page = answer.data.decode()
        for shown in (
            "哈囉",
            "+886900000908",
            "delivered (replies)",
            "好的，收到了。",
            "999 points",
            "note",
            "every8d",
        ):
            assert shown in page
        assert 'http-equiv="refresh"' in page

    def test_it_escapes_what_senders_write(self, wire: Any, box: Sandbox) -> None:
        rows = [{"Mobile": "0900000001", "Param": "<script>alert(1)</script>", "Name": '"><img>'}]
        wire.json("SendParam.ashx", {**wire.credentials, "SB": "<b>", "RecipientDataList": rows})
        page = wire.pool.request("GET", f"{box.url}/").data.decode()
        for raw in ("<script>", "<img>", "<b>"):
            assert raw not in page
        assert "&lt;script&gt;" in page

    def test_no_password_is_on_it(self, wire: Any, box: Sandbox) -> None:
        assert "sandbox-password" not in wire.pool.request("GET", f"{box.url}/").data.decode()

    def test_a_picture(self, wire: Any, box: Sandbox) -> None:
        wire("MMS/SendMMS.ashx", SB="Sea", DEST="0900000001", TYPE="jpg", ATTACHMENT="/9j/")
        assert "[picture]" in wire.pool.request("GET", f"{box.url}/").data.decode()
