"""Each fault, as a client on a real socket sees it, and what the vendor did behind it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import urllib3

from sms_core_sandbox import KINDS, Fault, Faults, RequestInfo, Sandbox

SEND = {"MSG": "hello", "DEST": "+886900000001"}


def count(box: Sandbox) -> int:
    return len(box.exchange.accepted)


def send(wire: Any) -> urllib3.BaseHTTPResponse:
    """The raw answer to a send."""
    answer: urllib3.BaseHTTPResponse = wire.pool.request(
        "POST", f"{wire.base}SendSMS.ashx", fields={**wire.credentials, **SEND}, encode_multipart=False
    )
    return answer


@pytest.mark.parametrize(("kind", "acted"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection(wire: Any, box: Sandbox, kind: str, acted: int) -> None:
    box.faults.add(kind)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        send(wire)
    assert count(box) == acted
    assert send(wire).status == 200
    assert count(box) == acted + 1


def test_a_large_request_that_nobody_reads(wire: Any, box: Sandbox) -> None:
    box.faults.add("drop_before")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        wire("SendSMS.ashx", MSG="x" * 3_000_000, DEST="0900000001")
    assert count(box) == 0


def test_half_an_answer(wire: Any, box: Sandbox) -> None:
    box.faults.add("half", "sendsms")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
        send(wire)
    assert count(box) == 1


def test_half_of_an_empty_answer(wire: Any, box: Sandbox) -> None:
    box.faults.add("half")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
        wire("EraseBooking.ashx", BID="0adf1233-746b-4f17-85df-5cf24515f480")


def test_half_of_the_text(wire: Any, box: Sandbox) -> None:
    box.faults.add("half_text", "getcredit")
    assert wire("GetCredit.ashx") == "100"
    assert wire("GetCredit.ashx") == "1000.00"


def test_slow_acts_at_once_and_answers_late(wire: Any, box: Sandbox) -> None:
    box.faults.add("slow", seconds=0.3)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        wire.pool.request(
            "POST", f"{wire.base}SendSMS.ashx", fields={**wire.credentials, **SEND}, encode_multipart=False, timeout=0.1
        )
    assert count(box) == 1


def test_late_acts_even_after_the_client_has_gone(wire: Any, box: Sandbox) -> None:
    box.faults.add("late", seconds=0.2)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        wire.pool.request(
            "POST",
            f"{wire.base}SendSMS.ashx",
            fields={**wire.credentials, **SEND},
            encode_multipart=False,
            timeout=0.05,
        )
    assert count(box) == 0
    assert box.exchange.wait_for(lambda: count(box) == 1)


@pytest.mark.parametrize("kind", ["slow", "late"])
def test_the_answer_comes_in_the_end(wire: Any, box: Sandbox, kind: str) -> None:
    box.faults.add(kind, seconds=0.1)
    started = time.monotonic()
    assert send(wire).data.startswith(b"999.00,1,1,0,")
    assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize(
    ("kind", "status", "acted"), [("403", 403, 0), ("500", 500, 0), ("502", 502, 1), ("html200", 200, 0)]
)
def test_a_page_from_something_in_between(wire: Any, box: Sandbox, kind: str, status: int, acted: int) -> None:
    box.faults.add(kind)
    answer = send(wire)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html")
    assert answer.data.startswith(b"<html>")
    assert count(box) == acted


@pytest.mark.parametrize("acts", [False, True])
def test_whether_the_vendor_acts_can_be_chosen(wire: Any, box: Sandbox, acts: bool) -> None:
    box.faults.add("500", acts=acts)
    assert send(wire).status == 500
    assert count(box) == acts


def test_too_many_requests(wire: Any, box: Sandbox) -> None:
    box.faults.add("429", times=2, retry_after=7)
    for _ in range(2):
        answer = send(wire)
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert send(wire).status == 200
    assert count(box) == 1


def test_garbage(wire: Any, box: Sandbox) -> None:
    box.faults.add("garbage")
    with pytest.raises(UnicodeDecodeError):
        send(wire).data.decode()
    assert count(box) == 1


@pytest.mark.parametrize("charset", ["utf-16", "big5"])
def test_a_wrong_charset(wire: Any, box: Sandbox, charset: str) -> None:
    box.faults.add("wrong_charset", charset=charset)
    data = wire.pool.request("POST", f"{wire.base}SendSMS.ashx", fields=wire.credentials, encode_multipart=False).data
    assert data.decode(charset) == "-27,電話號碼不得為空"


class TestOutOfCredit:
    def test_in_one_request(self, wire: Any, box: Sandbox) -> None:
        box.faults.add("out_of_credit", after=1)
        assert wire("SendSMS.ashx", MSG="x", DEST="0900000001,0900000002,0900000003").startswith("0.00,1,1,2,")
        assert wire("SendSMS.ashx", MSG="x", DEST="0900000001").startswith("998.00,1,1,0,")

    def test_over_several(self, wire: Any, box: Sandbox) -> None:
        box.faults.add("out_of_credit", after=3, times=None)
        answers = [wire("SendSMS.ashx", MSG="x", DEST="0900000001,0900000002").split(",")[1:4] for _ in range(3)]
        assert answers == [["2", "2", "0"], ["1", "1", "1"], ["0", "0", "2"]]


class TestChoosing:
    def test_by_path_in_any_case(self, wire: Any, box: Sandbox) -> None:
        box.faults.add("403", match="GETCREDIT")
        assert send(wire).status == 200
        assert wire.pool.request("GET", f"{wire.base}GetCredit.ashx").status == 403

    def test_by_a_function(self, wire: Any, box: Sandbox) -> None:
        box.faults.add("403", match=lambda info: info.method == "GET", times=None)
        assert send(wire).status == 200
        for _ in range(2):
            assert wire.pool.request("GET", f"{wire.base}GetCredit.ashx").status == 403

    def test_the_first_added_comes_first(self, wire: Any, box: Sandbox) -> None:
        box.faults.add("403")
        box.faults.add("500")
        assert [send(wire).status for _ in range(3)] == [403, 500, 200]
        assert [fault.kind for _, fault in box.faults.applied] == ["403", "500"]

    def test_a_chooser(self, wire: Any, box: Sandbox) -> None:
        seen: list[RequestInfo] = []

        def choose(info: RequestInfo) -> str | Fault | None:
            seen.append(info)
            return (None, "403", Fault("500", acts=True))[len(seen) % 3]

        box.faults.choose = choose
        assert [send(wire).status for _ in range(3)] == [403, 500, 200]
        assert count(box) == 2
        assert (seen[0].face, seen[0].operation, seen[0].path) == ("every8d", "sendsms", "/API21/HTTP/SendSMS.ashx")

    def test_the_control_api_gets_none(self, wire: Any, box: Sandbox) -> None:
        box.faults.add("403", times=None)
        assert wire.pool.request("GET", f"{box.url}/_sandbox/accepted").status == 200
        assert wire.pool.request("GET", f"{box.url}/").status == 200

    def test_clear(self, wire: Any, box: Sandbox) -> None:
        box.faults.add("403")
        box.faults.choose = lambda _: "500"
        box.faults.clear()
        assert send(wire).status == 200
        assert box.faults.active == ()

    def test_an_unknown_kind(self) -> None:
        with pytest.raises(ValueError, match="there is no fault 'nonsense'"):
            Faults().add("nonsense")


def test_every_kind_is_documented() -> None:
    from sms_core_sandbox import faults  # noqa: PLC0415 - only its docstring is wanted

    rows = {line.split()[0]: line.split()[1] for line in (faults.__doc__ or "").splitlines() if len(line.split()) > 2}
    assert {kind: rows[kind] == "yes" for kind in KINDS} == KINDS
