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
        "+886 (0)900-000-001",
        "(+886) 900 000 001",
        "886900000001",
        "8860900000001",
        "0900.000.001",
        "(0900)000-001",
        "(0)900000001",
        "(0900000001)",
        "０９００－０００－００１",
        "0900\u2011000\u2011001",
        "0900\u2212000\u2212001",
        "0900\u3000000001\u3000",
        "0900\u00a0000\u00a0001",
        "0900\u200b000001\ufeff",
        "\u200e\u202a0900000001\u202c",
        "0900\u00ad000001",
        "'0900000001",
        "\u20190900000001",
        '="0900000001"',
        '="886900000001"',
        "002-886-900-000-001",
        "009886900000001",
        "019 886 900000001",
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
        ("＋1 (202) 555.0100", "+12025550100"),
        ("007-1-415-555-0132", "+14155550132"),
        ("00714155550132", "+14155550132"),
        ("002 27 82 123 4567", "+27821234567"),
        ("00-27-82-123-4567", "+27821234567"),
        ("00-7-916-123-4567", "+79161234567"),
        ("00201012345678", "+201012345678"),
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
        ("090000001", "not a mobile number of Taiwan"),
        ("0200000000", "not a mobile number of Taiwan"),
        ("+88609000000010", "not a mobile number of Taiwan"),
        ("0192345678", "not a mobile number of Taiwan"),
        ("0027821234567", "carrier's prefix or 00"),
        ("0079161234567", "carrier's prefix or 00"),
        ("007-916-123-4567", "carrier's prefix or 00"),
        ("009198765432", "carrier's prefix or 00"),
        ("+44 (0)7911 123456", "leave it out"),
        ("+12025550100 (2)", "in parentheses"),
        ("9.00E+08", "rounded by a spreadsheet"),
        ("900000001.0", "ends with .0"),
        ("+12025550100.0", "ends with .0"),
        ("0900000001、0900000002", "several numbers"),
        ("0" * 101, "too long"),
        ("+886200000000", "not a mobile number of Taiwan"),
        ("00886200000000", "not a mobile number of Taiwan"),
        ("09000000٠1", "not a telephone number"),
        ("+1202555", None),
        ("+120255", "not a telephone number"),
        ("+1234567890123456", "not a telephone number"),
        ("+0900000001", "not a telephone number"),
        ("0900\n000001", r"U\+000A \(a control character\)"),
        ("0900\u2028000001", r"U\+2028 \(LINE SEPARATOR\)"),
        ("0900\ufe0f000001", r"U\+FE0F \(VARIATION SELECTOR-16\)"),
        ("\u200e0900\u3164000001", r"U\+3164 \(HANGUL FILLER\)"),
        ("nobody", "not a telephone number"),
    ],
)
def test_what_is_no_number_is_refused_with_a_hint(written: str, reason: str | None) -> None:
    if reason is None:
        assert to_e164(written) == written
        return
    with pytest.raises(ValueError, match=reason):
        to_e164(written)


@given(st.text(st.sampled_from("+0912٣ -/abc（０).\u200b\u3164"), max_size=18))
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


@pytest.mark.parametrize(
    "written",
    ["０９０００００００１", "'0900000001", '="0900000001"', "(0900)000001", "0900.000.001", "0900\u200b000001"],
)
def test_what_people_write_is_no_vendor_s_form(written: str) -> None:
    assert from_vendor(written) == written


def test_a_dialling_prefix_is_not_taken_for_a_country() -> None:
    assert from_vendor("00714155550132") == "+14155550132"
    assert from_vendor("0079161234567") == "0079161234567"


@given(st.text())
def test_no_vendor_s_number_raises(text: str) -> None:
    assert isinstance(from_vendor(text), str)


def test_taiwan_is_told_by_its_code() -> None:
    assert is_taiwan("+886900000001")
