from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core.masking import mask, mask_numbers


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+886900000123", "+8869******23"),
        ("0900000123", "0900****23"),
        ("", ""),
        ("1234567", "*******"),
        ("+12025550100", "+1202*****00"),
    ],
)
def test_masks(number: str, masked: str) -> None:
    assert mask(number) == masked


def test_the_shortest_e164_number_cannot_be_dialled_from_its_mask() -> None:
    assert mask("+1202555").count("*") >= 3


@given(st.from_regex(r"\+?[0-9]{9,15}", fullmatch=True))
def test_a_mask_keeps_the_length_and_hides_the_middle(number: str) -> None:
    masked = mask(number)
    assert len(masked) == len(number)
    assert number not in masked
    assert masked.count("*") >= 3


@given(st.text(st.sampled_from("0123456789+ -%2Bab,")))
def test_no_long_run_of_digits_survives_in_words_of_others(text: str) -> None:
    assert re.search(r"\d(?:[ -]?\d){6}", mask_numbers(text)) is None


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("no credit", "no credit"),
        ("-27,0900000001 refused", "-27,0900****01 refused"),
        ("%2B886900000001", "%2B8*********01"),
        ("0900 000 001/0900-000-002", "0900******01/0900******02"),
        ("code 123456", "code 123456"),
    ],
)
def test_words_of_others_keep_everything_but_numbers(words: str, shown: str) -> None:
    assert mask_numbers(words) == shown
