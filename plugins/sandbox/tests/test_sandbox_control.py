"""The JSON control API over HTTP."""

from __future__ import annotations

import json
import threading
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
    rights = {"blocked": False, "international": True, "approved": None}
    assert ask("GET", "accounts") == [
        {"vendor": "every8d", "user": "sandbox", "credit": "12.5", "unit": "points", **rights},
        {"vendor": "every8d", "user": "another", "credit": "3", "unit": "points", **rights},
    ]
    assert box.exchange.login("another", "secret").user == "another"
    assert ask("POST", "accounts", user="sandbox")[0]["credit"] == "12.5"
    assert ask("POST", "accounts", vendor="every8d", user="sandbox", credit=7)[0]["credit"] == "7"


def test_a_text_that_breaks_the_carriers_rules_says_which(ask: Any, wire: Any) -> None:
    approved = {"names": ["互動資通"], "links": ["https://e8d.tw/a"]}
    account = ask("POST", "accounts", user="sandbox", approved=approved, international=False)[0]
    assert (account["approved"], account["international"]) == ({**approved, "telephones": []}, False)
    assert ask("POST", "accounts", user="sandbox", credit=9)[0]["approved"] == account["approved"], (
        "not given: it stays"
    )
    for text in ("【互動資通】 https://e8d.tw/a", "哈囉", "【互動資通】 https://e8d.tw/b", "【互動資通】 02-2345-6789"):
        wire("SendSMS.ashx", MSG=text, DEST="0900000001")
    good, *dropped = ask("GET", "messages")
    assert (good["status"], good["notes"]) == ("delivered", [])
    assert {message["status"] for message in dropped} == {"rejected"}
    said = " ".join(note for message in dropped for note in message["notes"])
    for reason in ("no approved sender", "https://e8d.tw/b is not registered", "02-2345-6789 is not registered"):
        assert reason in said
    assert ask("POST", "accounts", user="sandbox", approved=None)[0]["approved"] is None


@pytest.mark.parametrize("approved", [{"name": []}, {"names": "one"}, {"names": [""]}, {"names": [1]}, "one", []])
def test_what_can_not_be_approved(wire: Any, box: Sandbox, approved: Any) -> None:
    given = {"user": "sandbox", "approved": approved}
    assert wire.pool.request("POST", f"{box.url}/_sandbox/accounts", json=given).status == 400


def test_faults(ask: Any, wire: Any, box: Sandbox) -> None:
    added = ask("POST", "faults", kind="429", match="SendSMS", times=None, retry_after=3)
    shown = {"kind": "429", "match": "SendSMS", "vendor": "", "times": None, "left": None, "used": 0, "acts": False}
    assert {name: added[name] for name in shown} == shown
    answer = wire.pool.request("POST", f"{wire.base}SendSMS.ashx")
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    box.faults.add("403", match=lambda _: False)
    faults = ask("GET", "faults")
    assert faults["active"][0]["used"] == 1
    assert faults["active"][1]["match"] == "(a function)"
    assert [(call["fault"], call["status"], call["acts"]) for call in faults["applied"]] == [("429", 429, False)]
    assert ask("DELETE", f"faults/{added['id']}")["active"][0]["kind"] == "403"
    cleared = ask("DELETE", "faults")
    assert (cleared["active"], cleared["kinds"]) == ([], KINDS)


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
        ("faults", {"kind": "429", "match": "SnedSMS"}),
        ("faults", {"kind": "429", "vendor": "every9d"}),
        ("faults", {"kind": "wrong_charset", "charset": "utf-99"}),
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


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"a":' * 200_000, b"[" * 100_000, b'{"number": NaN}'])
def test_a_body_that_is_no_object(wire: Any, box: Sandbox, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert wire.pool.request("POST", f"{box.url}/_sandbox/reset", body=body, headers=headers).status == 400


def test_a_form_of_another_page_in_the_browser_is_refused(wire: Any, box: Sandbox) -> None:
    answer = wire.pool.request("POST", f"{box.url}/_sandbox/reset", body=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status == 400


class TestMessages:
    @pytest.fixture
    def sent(self, wire: Any) -> None:
        for index in range(3):
            wire("SendSMS.ashx", MSG=f"100% of text {index}", DEST="0900000001,0900000903")
        wire("SendSMS.ashx", MSG="another", DEST="0900000900")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", 7),
            ("number=0900-000-001", 3),
            ("number=%2B886900000001", 3),
            ("number=0900%20000%20903", 3),
            ("number=000903", 3),
            ("number=nobody", 0),
            ("text=TEXT%202", 2),
            ("text=100%25", 6),
            ("text=0_o", 0),
            ("vendor=every8d", 7),
            ("vendor=mitake", 0),
            ("status=delivered", 3),
            ("status=failed&text=text%201", 1),
            ("status=waiting", 1),
            ("limit=2", 2),
        ],
    )
    def test_filters(self, ask: Any, sent: None, query: str, expected: int) -> None:
        assert len(ask("GET", f"messages?{query}")) == expected

    def test_batch(self, ask: Any, sent: None) -> None:
        batch = ask("GET", "messages")[0]["batch_id"]
        assert {message["text"] for message in ask("GET", f"messages?batch={batch}")} == {"100% of text 0"}

    def test_pages(self, ask: Any, sent: None) -> None:
        ids = [message["id"] for message in ask("GET", "messages")]
        assert ids == sorted(ids)
        first = ask("GET", "messages?limit=3&order=newest")
        second = ask("GET", f"messages?limit=3&order=newest&before={first[-1]['id']}")
        assert [message["id"] for message in first + second] == ids[::-1][:6]
        assert [message["id"] for message in ask("GET", f"messages?after={ids[4]}")] == ids[5:]

    def test_one_with_all_that_belongs_to_it(self, ask: Any, wire: Any, box: Sandbox, receive: Any) -> None:
        box.callback_url = receive(lambda _: 503 if len(box.pushes) == 0 else 200).url
        wire("SendSMS.ashx", MSG="x", DEST="0900000001")
        assert box.wait_pushed()
        message = ask("GET", f"messages/{ask('GET', 'messages')[0]['id']}")
        assert [state["status"] for state in message["history"]] == ["scheduled", "sent", "delivered"]
        assert [(push["attempt"], push["status"], push["taken"]) for push in message["pushes"]] == [
            (1, 503, False),
            (2, 200, True),
        ]
        assert "STATUS=100" in message["pushes"][0]["request"]
        assert "MSG=x" in message["request"]["request"]
        assert message["batch_id"] in message["request"]["answer"]

    def test_status_and_push_by_hand(self, ask: Any, wire: Any, box: Sandbox, receive: Any) -> None:
        receiver = receive()
        box.callback_url = receiver.url
        wire("SendSMS.ashx", MSG="x", DEST="0900000900")
        number = ask("GET", "messages")[0]["id"]
        assert ask("POST", f"messages/{number}/status", status="expired")["status"] == "expired"
        assert ask("POST", f"messages/{number}/status", behaviour="no_such_number")["behaviour"] == "no_such_number"
        ask("POST", f"messages/{number}/push")
        assert box.wait_pushed()
        assert [query["STATUS"] for query in receiver.queries] == ["101", "103", "103"]

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "messages/99999999", 404),
            ("GET", "messages/x", 400),
            ("GET", "messages?status=nonsense", 400),
            ("GET", "messages?limit=0", 400),
            ("GET", "messages?limit=1&limit=2", 400),
            ("GET", "messages?nonsense=1", 400),
            ("GET", "messages?before=1e999", 400),
            ("GET", "calls/99999999", 404),
            ("DELETE", "faults/99", 404),
            ("PUT", "messages", 405),
        ],
    )
    def test_wrong(self, wire: Any, box: Sandbox, method: str, path: str, status: int) -> None:
        assert wire.pool.request(method, f"{box.url}/_sandbox/{path}").status == status

    def test_a_picture_is_a_picture_and_nothing_else(self, ask: Any, wire: Any, box: Sandbox) -> None:
        wire("MMS/SendMMS.ashx", SB="Sea", DEST="0900000001", TYPE="jpg", ATTACHMENT="/9j/")
        number = ask("GET", "messages")[0]["id"]
        answer = wire.pool.request("GET", f"{box.url}/_sandbox/messages/{number}/picture")
        assert (answer.headers["content-type"], answer.data) == ("image/jpeg", b"\xff\xd8\xff")
        assert answer.headers["x-content-type-options"] == "nosniff"


class TestWait:
    def test_what_has_arrived_counts_once(self, ask: Any, wire: Any, box: Sandbox) -> None:
        for text in ("first 1111", "second 2222", "third 3333"):
            wire("SendSMS.ashx", MSG=text, DEST="0900000001")
        assert ask("POST", "wait", number="0900-000-001")["code"] == "1111"
        assert ask("POST", "wait", number="0900000001", text="third")["code"] == "3333"
        assert ask("POST", "wait", number="+886 900 000 001", timeout=0)["text"] == "second 2222"

    def test_it_waits(self, ask: Any, wire: Any) -> None:
        later = threading.Timer(0.3, wire, ["SendSMS.ashx"], {"MSG": "code 4821", "DEST": "0900000001"})
        later.start()
        try:
            assert ask("POST", "wait", number="0900000001", timeout=10)["code"] == "4821"
        finally:
            later.join()

    def test_what_came_instead(self, wire: Any, box: Sandbox) -> None:
        wire("SendSMS.ashx", MSG="for another", DEST="0900000002")
        answer = wire.pool.request("POST", f"{box.url}/_sandbox/wait", json={"number": "0900000001", "timeout": 0.05})
        assert answer.status == 404
        assert "+886900000002" in answer.json()["error"]
        assert "for another" in answer.json()["error"]


def test_secrets_are_blanked(ask: Any, wire: Any) -> None:
    wire("SendSMS.ashx", MSG="x", DEST="0900000001", PWD="my-real-password", UID="me")
    token = wire.login()
    wire("GetCredit.ashx", token=token)
    shown = json.dumps(ask("GET", "calls"))
    assert "•••" in json.dumps(ask("GET", "calls"), ensure_ascii=False)
    for secret in ("my-real-password", "sandbox-password", token):
        assert secret not in shown


def test_summary(ask: Any, wire: Any) -> None:
    wire("SendSMS.ashx", MSG="x", DEST="0900000001,0900000903,0900000900")
    (total,) = ask("GET", "summary")["vendors"]
    assert total == {
        "vendor": "every8d",
        "messages": 3,
        "delivered": 1,
        "failed": 1,
        "waiting": 1,
        "cost": "3",
        "unit": "points",
    }


def test_a_change_is_told_by_the_stream_of_events(wire: Any, box: Sandbox) -> None:
    stream = wire.pool.request("GET", f"{box.url}/_sandbox/events", preload_content=False)
    assert stream.headers["content-type"].startswith("text/event-stream")
    lines = (line for line in stream if line.startswith(b"data:"))
    first = next(lines)
    wire("SendSMS.ashx", MSG="x", DEST="0900000001")
    assert next(lines) != first
    stream.close()
