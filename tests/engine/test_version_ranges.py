"""The plain way to compare versions says what packaging says, or leaves it to packaging."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from sms_core._engine.version_ranges import is_plainly_in_range

RELEASES = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(lambda numbers: ".".join(map(str, numbers)))
BOUNDS = st.lists(st.tuples(st.sampled_from([">=", "<"]), RELEASES), max_size=3)


@given(version=RELEASES, bounds=BOUNDS)
def test_plain_bounds_hold_as_packaging_says(version: str, bounds: list[tuple[str, str]]) -> None:
    specifier = ",".join(operator + release for operator, release in bounds)
    if specifier:
        assert is_plainly_in_range(version, [f"sms-core{specifier}"]) is SpecifierSet(specifier).contains(version)


@pytest.mark.parametrize(
    "requirement",
    [
        "sms-core",
        "SMS_Core>=0.1",
        "sms.core>=0.1",
        "sms--core>=0.1",
        " sms-core>=0.1",
        "sms-core >=0.1",
        "sms-core[cli]>=0.1",
        "sms-core (>=0.1)",
        "sms-core~=0.1.0",
        "sms-core>=0.1.dev1",
        "sms-core>=0.1; python_version < '3'",
        "sms-core @ file:///somewhere",
        "sms-core>=0.1\n",
    ],
)
def test_anything_else_is_left_to_packaging(requirement: str) -> None:
    assert not is_plainly_in_range("0.1", ["attrs>=23", requirement])


@pytest.mark.parametrize("version", ["0.1.0.dev1", "0.1rc1", "1!0.1", "0.1+local", "yesterday's", ""])
def test_a_core_that_is_no_plain_release_is_left_to_packaging(version: str) -> None:
    assert not is_plainly_in_range(version, ["sms-core>=0.1"])


def test_what_is_about_others_does_not_count() -> None:
    assert is_plainly_in_range("0.1", ["sms-core-every8d>=9", "sms>=9", "sms-core2>=9", "attrs~=23", "sms-core>=0.1"])
