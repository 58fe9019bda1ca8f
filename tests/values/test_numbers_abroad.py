"""Numbers in all the forms in which people write them in Taiwan, compared with what libphonenumber makes of them."""

from __future__ import annotations

import itertools

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from sms_core.numbers import to_e164

COUNTRIES = (
    *("TW", "US", "CA", "JP", "KR", "CN", "HK", "MO", "SG", "MY", "TH", "VN", "PH", "ID", "IN", "AU", "NZ", "GB", "DE"),
    *("FR", "IT", "ES", "NL", "RU", "KZ", "TR", "EG", "ZA", "NG", "BR", "MX", "PE", "VE", "AE", "IR", "MW", "TV"),
)
PREFIXES = ("00", "002", "005", "006", "007", "009", "019")
SEPARATORS = ("-", " ", ".", "\u00a0", "\u2011", "\u3000", "")


def example(country: str) -> phonenumbers.PhoneNumber:
    number = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    assert number is not None
    return number


def e164_of(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def read(written: str) -> str | None:
    try:
        return to_e164(written)
    except ValueError:
        return None


def their_reading(written: str) -> str | None:
    """What libphonenumber makes of it for someone in Taiwan; None for what is no valid number."""
    try:
        number = phonenumbers.parse(written, "TW")
    except phonenumbers.NumberParseException:
        return None
    return e164_of(number) if phonenumbers.is_valid_number(number) else None


def test_the_carriers_prefixes_are_libphonenumber_s() -> None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("TW")
    assert metadata is not None
    assert metadata.international_prefix == "0(?:0[25-79]|19)"


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_number_with_its_plus_is_read(country: str) -> None:
    number = example(country)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    for separator in SEPARATORS:
        assert to_e164(international.replace(" ", separator)) == e164_of(number)


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_dialled_number_is_the_one_that_is_meant_or_refused(country: str) -> None:
    number = example(country)
    expected = e164_of(number)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    for prefix, separator in itertools.product(PREFIXES, SEPARATORS):
        groups = international.removeprefix("+").replace("-", " ").split()
        written = separator.join([prefix, *groups])
        assert read(written) in (expected, None), written
        if prefix != "00":  # of which libphonenumber knows nothing in Taiwan
            assert their_reading(written) == expected, written


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_prefix_in_a_group_of_its_own_is_read(country: str) -> None:
    expected = e164_of(example(country))
    for prefix in PREFIXES:
        ambiguous = prefix == "007" and len(expected) == len("+6581234567")
        wanted = None if ambiguous else expected
        assert read(f"{prefix}-{expected[1:]}") == wanted


@pytest.mark.parametrize("country", COUNTRIES)
def test_00_run_together_is_never_another_country_s(country: str) -> None:
    expected = e164_of(example(country))
    assert read(f"00{expected[1:]}") in (expected, None)


def test_most_of_what_is_run_together_is_read() -> None:
    """00 is refused for codes that make it a carrier's prefix, and the other way round; nothing else is."""
    numbers = [e164_of(example(country))[1:] for country in COUNTRIES]
    assert {number[0] for number in numbers if read(f"00{number}") is None} == {"2", "5", "6", "7", "9"}
    assert all(read(f"019{number}") == f"+{number}" for number in numbers)
    refused = {number for number in numbers if read(f"007{number}") is None}
    assert refused == {number for number in numbers if len(number) == len("6581234567")}


@given(
    st.sampled_from(("+", "00", "0", "886", "+8860", *PREFIXES)),
    st.text(st.sampled_from("0123456789"), min_size=4, max_size=13),
)
def test_what_both_read_is_the_same(prefix: str, digits: str) -> None:
    ours, theirs = read(prefix + digits), their_reading(prefix + digits)
    if ours is None or theirs is None:
        return
    # libphonenumber drops a trunk 0 that follows a country's code; here such a number is taken as it is written.
    as_written = {theirs[:end] + "0" + theirs[end:] for end in (2, 3, 4)}
    assert ours in {theirs, *as_written}
