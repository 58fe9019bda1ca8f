"""What a file says and what came: each difference is told, with its place, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sms_core import (
    DeliveryReport,
    DeliveryStatus,
    InsufficientCredit,
    NotSent,
    Outcome,
    RateLimited,
    RecipientOutcome,
    SendResult,
)
from sms_core.http import Request
from sms_core_kit.compare import differences, error_differences, lines_of, request_differences

ROW = RecipientOutcome("+886900000001", Outcome.REFUSED, "b", error=InsufficientCredit(code="2"))
RESULT = SendResult((ROW,), cost=Decimal("1.0"), notes=("a",), batches=("b",))
REPORT = DeliveryReport(
    "+886900000001", DeliveryStatus.SENT, "b", sent_at=datetime(2026, 1, 1, tzinfo=UTC), raw={"id": "1"}
)

ALIKE: list[tuple[Any, Any]] = [
    ({"cost": "1", "batch_id": "b", "notes": ["a"], "outcomes": ["refused"]}, RESULT),
    ({"cost": 1, "outcomes": [{"number": "+886900000001", "error": "InsufficientCredit"}]}, RESULT),
    ({"outcomes": [{"error": {"type": "InsufficientCredit", "code": "2"}}]}, RESULT),
    ({"kind": "report", "status": "sent", "sent_at": datetime(2026, 1, 1, tzinfo=UTC), "raw": {"id": "1"}}, REPORT),
    ([], ()),
    (7200, timedelta(hours=2)),
    (None, None),
    ("none", None),
    ({"done_at": "none", "cost": "none"}, REPORT),
]


@pytest.mark.parametrize(("expected", "found"), ALIKE, ids=range(len(ALIKE)))
def test_what_is_alike_has_no_difference(expected: Any, found: Any) -> None:
    assert differences(expected, found, "result") == []


DIFFERENT: list[tuple[Any, Any, str]] = [
    ({"cost": "2"}, RESULT, "result.cost: recorded '2', got Decimal('1.0')"),
    ({"cost": "two"}, RESULT, "result.cost: recorded 'two', got Decimal('1.0')"),
    ({"balance": "0"}, RESULT, "result.balance: recorded '0', got None"),
    ({"costs": "1"}, RESULT, "result.costs: a SendResult has no field of this name"),
    ({"_x": "1"}, RESULT, "result._x: a SendResult has no field of this name"),
    ({"cost": "none"}, RESULT, "result.cost: recorded 'none', got Decimal('1.0')"),
    ({"outcomes": []}, RESULT, "result.outcomes: recorded 0 of them, got 1: (RecipientOutcome"),
    ({"outcomes": ["accepted"]}, RESULT, "result.outcomes[0]: recorded 'accepted', got RecipientOutcome"),
    ({"notes": "a"}, RESULT, "result.notes: recorded 'a', got ('a',)"),
    ({"raw": {"x": "1"}}, REPORT, "result.raw.x: recorded '1', got nothing of this name"),
    ({"kind": "inbound"}, REPORT, "result.kind: recorded 'inbound', got 'report'"),
    ({"sent_at": "2026-01-01T00:00:00Z"}, REPORT, "result.sent_at: recorded '2026"),
    ({"a": 1}, None, "result.a: nothing has no field of this name"),
    (["a"], "a", "result: recorded ['a'], got 'a'"),
]


@pytest.mark.parametrize(("expected", "found", "words"), DIFFERENT, ids=range(len(DIFFERENT)))
def test_what_differs_is_told_with_its_place(expected: Any, found: Any, words: str) -> None:
    (line,) = differences(expected, found, "result")
    assert line.startswith(words)


def test_a_naive_time_is_no_time() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - what must not pass
    assert differences(naive, naive, "at") != []


def test_an_error_is_of_its_very_class() -> None:
    error = RateLimited("slow", retry_after=3, code="9")
    assert error_differences({"type": "RateLimited", "retry_after": 3, "message": "slow"}, error, "error") == []
    assert error_differences({"type": "VendorError"}, error, "error") == [
        "error.type: recorded VendorError, got RateLimited (slow: 9)"
    ]
    assert error_differences({"type": "VendorError"}, None, "error") == [
        "error.type: recorded VendorError, got no error"
    ]
    (line,) = error_differences({"type": "RateLimited", "message": "fast"}, error, "error")
    assert line.startswith("error.message: 'fast' is not in 'slow")


def test_the_outcomes_of_an_error_are_its_results() -> None:
    error = NotSent("no", RESULT)
    assert (
        error_differences({"type": "NotSent", "outcomes": ["refused"], "result": {"cost": "1"}}, error, "error") == []
    )
    assert error_differences({"type": "NotSent", "outcomes": []}, error, "error") != []


def test_a_request_is_shown_in_lines() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert lines_of(Request("POST", "https://a.invalid/b?c=1&d=2", form, b"e=3&f=%FF")) == [
        "POST https://a.invalid/b",
        "  ?c=1",
        "  ?d=2",
        "content-type: application/x-www-form-urlencoded",
        "",
        "e=3",
        "f=%FF",
    ]
    assert lines_of(Request("GET", "https://a.invalid/", {}, b"\xff"))[-1] == "\\xff"


def test_two_requests_differ_in_the_lines_that_differ() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    first = Request("POST", "https://a.invalid/b", form, b"e=3&f=4")
    other = Request("POST", "https://a.invalid/b", form, b"e=3&f=5")
    assert request_differences([first], [first]) == []
    title, *lines = request_differences([first, first], [first, other])
    assert title == "request 2 of 2 is another one (- recorded, + made):"
    assert [line for line in lines if line[0] in "-+"] == ["- f=4", "+ f=5"]
    (missing,), (more,) = request_differences([first], []), request_differences([], [first])
    assert missing.startswith("request 1 was not made: Request(")
    assert more.startswith("request 1 was made and not recorded: Request(")
