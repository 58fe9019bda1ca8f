from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import MalformedResponse
from sms_core.provider import points_or_none, to_count, to_points

NONE = ["", " ", "many", "1,5", "1.", ".5", "+1", "--1", "1e3", "NaN", "Infinity", "0x1", "１", "٣", "1 2", "1" * 16]
NONE += ["0.1234567", "1.2.3", "1\n2", "-"]


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("87.00", "87.00"),
        ("4", "4"),
        ("-0.5", "-0.5"),
        (" 2310.00\r\n", "2310.00"),
        ("0", "0"),
        ("-301.0", "-301"),
        ("007", "7"),
        ("1" * 15 + ".123456", "1" * 15 + ".123456"),
    ],
)
def test_points(text: str, points: str) -> None:
    assert points_or_none(text) == to_points(text) == Decimal(points)


@given(st.decimals(min_value=-(10**15) + 1, max_value=10**15 - 1, places=2))
def test_points_are_read_exactly_as_they_were_written(points: Decimal) -> None:
    assert to_points(f" {points:f} ") == points


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_number_of_points(text: str) -> None:
    assert points_or_none(text) is None
    with pytest.raises(MalformedResponse, match="not a number of points"):
        to_points(text)
    with pytest.raises(MalformedResponse):
        to_count(text)


@pytest.mark.parametrize(("text", "count"), [("4", 4), ("4.0", 4), (" 0 ", 0), ("1230.00", 1230), ("-0", 0)])
def test_counts(text: str, count: int) -> None:
    found = to_count(text)
    assert found == count
    assert type(found) is int


@pytest.mark.parametrize("text", ["-1", "0.5", "4.5", "-4.0"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(MalformedResponse, match="not a count"):
        to_count(text)


@given(st.text())
def test_any_text_is_points_or_none_or_a_named_error(text: str) -> None:
    found = points_or_none(text)
    if found is None:
        with pytest.raises(MalformedResponse):
            to_points(text)
    else:
        assert to_points(text) == found
