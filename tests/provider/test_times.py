from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core.provider import TAIPEI, format_time, parse_time, time_or_none

# From 1980 to 2200, in whole seconds.
moments = st.integers(315_532_800, 7_258_118_400).map(lambda seconds: datetime.fromtimestamp(seconds, TAIPEI))
FORMS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d%H:%M:%S",
    "%Y%m%d%H%M%S",
    " %Y/%m/%d  %H:%M:%S ",
)


@given(moments, st.sampled_from(FORMS))
def test_every_form_of_a_time_is_read(moment: datetime, form: str) -> None:
    assert parse_time(moment.strftime(form)) == moment


@given(moments)
def test_unpadded_times_are_read(moment: datetime) -> None:
    text = f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment.minute}:{moment.second}"
    assert parse_time(text) == moment


@given(moments, st.sampled_from(["%Y/%m/%d %H:%M", "%Y%m%d%H%M"]))
def test_seconds_may_be_missing(moment: datetime, form: str) -> None:
    assert parse_time(moment.strftime(form)) == moment.replace(second=0)


@given(moments)
def test_what_is_written_is_read_back(moment: datetime) -> None:
    assert parse_time(format_time(moment.astimezone(UTC))) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021/12/16 16:09:06", datetime(2021, 12, 16, 16, 9, 6, tzinfo=TAIPEI)),
        ("2010/3/20 03:27:50", datetime(2010, 3, 20, 3, 27, 50, tzinfo=TAIPEI)),
        ("2021-12-16 16:09:06", datetime(2021, 12, 16, 16, 9, 6, tzinfo=TAIPEI)),
        ("2021/06/0114:27:55", datetime(2021, 6, 1, 14, 27, 55, tzinfo=TAIPEI)),
        ("20090210120000", datetime(2009, 2, 10, 12, 0, 0, tzinfo=TAIPEI)),
    ],
)
def test_the_documents_own_times(text: str, moment: datetime) -> None:
    found = parse_time(text)
    assert found == moment
    assert found is not None
    assert found.utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize("empty", ["", " ", "\r\n"])
def test_an_empty_value_is_no_time(empty: str) -> None:
    assert parse_time(empty) is None


@pytest.mark.parametrize(
    "text", ["soon", "0000-00-00 00:00:00", "2021/13/01 00:00:00", "2021/12/16 25:00:00", "99999999999999"]
)
def test_what_is_no_time_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|month|hour|year|day"):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-12:00",
        "9999/12/31 23:59:59",
        "99991231235959",
        "0001-01-01 00:00:00",
        "0001-01-01T00:00:00+23:59",
        "2026-01-01T00:00:00+24:00",
        "1" * 20,
        "２０２６-01-01 00:00:00",
    ],
)
def test_what_not_every_zone_can_show_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|tzinfo|offset|Invalid"):
        parse_time(text)
    assert time_or_none(text) is None


@given(st.text(st.sampled_from("0123456789-/: TZ+Ww")))
def test_anything_is_a_time_or_a_value_error(text: str) -> None:
    try:
        found = parse_time(text)
    except ValueError:
        return
    assert found is None or found.utcoffset() == timedelta(hours=8)


def test_a_time_that_names_its_own_zone_keeps_its_moment_or_is_refused() -> None:
    try:
        found = parse_time("2021-12-16T08:09:06Z")
    except ValueError:
        return
    assert found == datetime(2021, 12, 16, 8, 9, 6, tzinfo=UTC)
