"""A plugin's range of core versions, compared as packaging compares it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from sms_core._engine.ranges import includes, required

# Few and small numbers, so that equal and neighbouring versions are common.
releases = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
clauses = st.tuples(
    st.sampled_from([">=", "<=", ">", "<", "==", "!=", "~="]),
    st.sampled_from(["", " "]),
    releases,
    st.sampled_from(["", "", ".*"]),
).map("".join)
ranges = st.lists(clauses, max_size=3).map(",".join)


@given(ranges, releases)
@example(">=0.1,<0.2", "0.1.0")
@example("~=1.0", "1")
@example("==1.0.*", "1")
def test_a_range_holds_what_packaging_says_it_holds(versions: str, version: str) -> None:
    try:
        expected = SpecifierSet(versions).contains(version)
    except InvalidSpecifier:
        with pytest.raises(ValueError, match="is not a comparison with a plain release number"):
            includes(versions, version)
    else:
        assert includes(versions, version) is expected


@given(st.text(alphabet="0123.*<>=!~ ,abrcdevpost+-v", max_size=12), releases)
def test_what_is_not_understood_is_an_error_and_never_a_guess(versions: str, version: str) -> None:
    try:
        found = includes(versions, version)
    except ValueError:
        return
    assert found is SpecifierSet(versions).contains(version)


@pytest.mark.parametrize(
    "versions", ["===0.1", ">=0.1rc1", "<1!2", "==0.1+local", "~=1", "0.1", "@ file:///x", ">=0.1.*"]
)
def test_beyond_release_numbers_nothing_is_compared(versions: str) -> None:
    with pytest.raises(ValueError, match="plain release number"):
        includes(versions, "0.1.0")


@pytest.mark.parametrize("version", ["0.2.0rc1", "0.2.0.dev3", "1!0.2", "0.2+local", ""])
def test_a_version_that_is_no_release_is_not_compared(version: str) -> None:
    with pytest.raises(ValueError, match="is no plain release number"):
        includes(">=0.1", version)


names = st.sampled_from(["sms-core", "sms_core", "SMS.Core", "sms--core", "sms-core-every8d", "attrs", "sms"])
extras = st.sampled_from(["", "[cli]", "[cli,async]"])


@given(names, extras, ranges.filter(bool), st.booleans())
def test_a_requirement_is_read_as_packaging_reads_it(name: str, extra: str, versions: str, brackets: bool) -> None:
    text = f"{name}{extra} ({versions})" if brackets else f"{name}{extra}{versions}"
    try:
        expected = Requirement(text)
    except ValueError:
        return
    ours = expected.name.lower().replace("_", "-").replace(".", "-").replace("--", "-") == "sms-core"
    found = required([text], "sms-core")
    assert SpecifierSet(found) == (expected.specifier if ours else SpecifierSet())


def test_several_requirements_hold_together_and_marked_ones_are_not_read() -> None:
    lines = ["attrs>=23", "sms-core>=0.1", "sms_core<0.2", "sms-core", "sms-core>=9; extra == 'x'"]
    assert required(lines, "sms-core") == ">=0.1,<0.2"
    assert required([], "sms-core") == ""
    assert required(["sms-core @ file:///x"], "sms-core") == "@ file:///x"
