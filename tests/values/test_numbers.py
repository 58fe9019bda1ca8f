from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core.numbers import from_vendor, is_taiwan, to_e164

subscribers = st.integers(0, 99).map(lambda number: f"{number:02d}")


@pytest.mark.parametrize(
    "written",
    [
        "0900000001",
        "0900-000-001",
        "0900 000 001",
        " 0900\u00a0000001\n",
        "+886900000001",
        "+886 900 000 001",
        "00886900000001",
    ],
)
def test_all_forms_of_a_taiwanese_number_are_one(written: str) -> None:
    assert to_e164(written) == "+886900000001"


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("+12025550100", "+12025550100"),
        ("0012025550100", "+12025550100"),
        ("+1 202-555-0100", "+12025550100"),
        ("+819000000000", "+819000000000"),
    ],
)
def test_foreign_numbers_need_their_country_code(written: str, e164: str) -> None:
    assert to_e164(written) == e164
    assert not is_taiwan(e164)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "is empty"),
        (" - ", "is empty"),
        ("900000001", "lacks its leading 0"),
        ("0900000001,0900000002", "several numbers"),
        ("0900000001;0900000002", "several numbers"),
        ("0900000001/0900000002", "several numbers"),
        ("12025550100", "no country code"),
        ("886900000001", "no country code"),
        ("090000001", "not a mobile number of Taiwan"),
        ("0200000000", "not a mobile number of Taiwan"),
        ("+8860900000001", "not a mobile number of Taiwan"),
        ("+886200000000", "not a mobile number of Taiwan"),
        ("00886200000000", "not a mobile number of Taiwan"),
        ("090000000１", "not a telephone number"),
        ("09000000٠1", "not a telephone number"),
        ("+1202555", None),
        ("+120255", "not a telephone number"),
        ("+1234567890123456", "not a telephone number"),
        ("+0900000001", "not a telephone number"),
        ("0900\n000001", "not a telephone number"),
        ("(0900)000001", "not a telephone number"),
        ("nobody", "not a telephone number"),
    ],
)
def test_what_is_no_number_is_refused_with_a_hint(written: str, reason: str | None) -> None:
    if reason is None:
        assert to_e164(written) == written
        return
    with pytest.raises(ValueError, match=reason):
        to_e164(written)


@given(st.text(st.sampled_from("+0912٣ -/abc"), max_size=18))
def test_a_result_is_e164_and_an_error_does_not_repeat_the_number(written: str) -> None:
    try:
        number = to_e164(written)
    except ValueError as error:
        assert len(written.strip()) < 4 or written.strip() not in str(error)
    else:
        assert number.isascii()
        assert number[0] == "+"
        assert number[1:].isdigit()
        assert 7 <= len(number[1:]) <= 15
        assert to_e164(number) == number


@given(subscribers)
def test_every_vendor_s_form_of_a_number_is_read(last: str) -> None:
    number = f"+8869000000{last}"
    for form in (
        number,
        number[1:],
        f"09000000{last}",
        f"8860900000{'0'}{last}",
        f"+88609000000{last}",
        f" {number[1:]}",
    ):
        assert from_vendor(form) == number, form
        assert from_vendor(form + " " * 7) == number, form


@pytest.mark.parametrize("unreadable", ["", "anonymous", "12025550100", "0800"])
def test_a_vendor_s_unreadable_number_comes_back_stripped(unreadable: str) -> None:
    assert from_vendor(f"  {unreadable} ") == unreadable


@given(st.text())
def test_no_vendor_s_number_raises(text: str) -> None:
    assert isinstance(from_vendor(text), str)


def test_taiwan_is_told_by_its_code() -> None:
    assert is_taiwan("+886900000001")
