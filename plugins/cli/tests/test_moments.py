"""Points in time as people and spreadsheets write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.cli.tests.conftest import Sms
from sms_core import InvalidMessage
from sms_core.provider import TAIPEI
from sms_core_cli.campaign import parse_moment

FIRST, LAST = datetime.fromisoformat("2011-01-01"), datetime.fromisoformat("2099-12-31T23:59")
SERIAL_EPOCH = datetime.fromisoformat("1899-12-30")
MINUTES = st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(second=0, microsecond=0))


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-12-01T09:00", "2026-12-01T09:00:00+08:00"),
        (" 2026/12/1 9:00 ", "2026-12-01T09:00:00+08:00"),
        ("2026.12.1 09:00:30", "2026-12-01T09:00:30+08:00"),
        ("2026-12-01T09:00+08:00", "2026-12-01T09:00:00+08:00"),
        ("2026-12-01T09:00:00.5+0900", "2026-12-01T09:00:00.500000+09:00"),
        ("2026-12-01T01:00Z", "2026-12-01T01:00:00+00:00"),
        ("2026-12-01 09:00 GMT+8", "2026-12-01T09:00:00+08:00"),
        ("2026/12/1 下午 02:30", "2026-12-01T14:30:00+08:00"),
        ("2026/12/1 上午 12:05", "2026-12-01T00:05:00+08:00"),
        ("2026/12/1 下午 12:05", "2026-12-01T12:05:00+08:00"),
        ("2026/12/1 中午12:00", "2026-12-01T12:00:00+08:00"),
        ("2026/12/1 2:30 PM", "2026-12-01T14:30:00+08:00"),
        ("2026/12/1 02:30:15 p.m.", "2026-12-01T14:30:15+08:00"),
        ("2026/12/1 PM 2:30", "2026-12-01T14:30:00+08:00"),
        ("2026年12月1日 下午2時30分", "2026-12-01T14:30:00+08:00"),
        ("2026年12月1日9點", "2026-12-01T09:00:00+08:00"),
        ("2026/12/1(二) 09:00", "2026-12-01T09:00:00+08:00"),
        ("2026年12月1日 星期二 09:00", "2026-12-01T09:00:00+08:00"),
        ("２０２６／１２／１　９：００", "2026-12-01T09:00:00+08:00"),
        ("115/12/1 9:00", "2026-12-01T09:00:00+08:00"),
        ("民國115年12月1日 上午9:00", "2026-12-01T09:00:00+08:00"),
        ("民國 115 年 12 月 1 日 9:00", "2026-12-01T09:00:00+08:00"),
        ("2026/12/1 上午9點半", "2026-12-01T09:30:00+08:00"),
        ("2026/12/1 中午 11:30", "2026-12-01T11:30:00+08:00"),
        ("2026/12/1 中午 1:00", "2026-12-01T13:00:00+08:00"),
        ("2026/12/1 晚上 8:00", "2026-12-01T20:00:00+08:00"),
        ("2026/12/1 凌晨 12:30", "2026-12-01T00:30:00+08:00"),
        ("202612010900", "2026-12-01T09:00:00+08:00"),
        ("20261201 090030Z", "2026-12-01T09:00:30+00:00"),
        ("46357.375", "2026-12-01T09:00:00+08:00"),
        ("46357.604166666664", "2026-12-01T14:30:00+08:00"),
    ],
)
def test_what_is_read(written: str, moment: str) -> None:
    assert parse_moment(written).isoformat() == moment


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "needs a day and a time, such as"),
        ("soon", "needs a day and a time"),
        ("09:00", "needs a day and a time"),
        ("2026/12/1", "is a day without a time: write 2026-12-01T09:00"),
        ("46357", "a spreadsheet's number of a day without a time: write 2026-12-01T09:00"),
        ("12/1/2026 9:00", "write 2026-12-01T09:00 or 2026-01-12T09:00"),
        ("31-12-2026 9:00", "write 2026-12-31T09:00$"),
        ("26/12/1 9:00", "year of two digits"),
        ("2026/12/1 9", "needs a day and a time"),
        ("2026/2/30 9:00", "no time of the calendar"),
        ("2026/12/1 25:00", "no time of the calendar"),
        ("2026/12/1 上午 14:00", "write it in 24 hours"),
        ("2026/12/1 晚上 12:00", "write it in 24 hours"),
        ("2026/12/1 早上 12:00", "write it in 24 hours"),
        ("2026/12/1 9:00 Mars", "needs a day and a time"),
        ("2026/12/1 9:00 +99:00", "is no zone"),
        ("20261201", "is a day without a time: write 2026-12-01T09:00"),
        ("2026120109", "needs a day and a time"),
        ("12345.5", "needs a day and a time"),
        ("9" * 1000, "needs a day and a time"),
    ],
)
def test_what_is_refused(written: str, words: str) -> None:
    with pytest.raises(InvalidMessage, match=words) as refused:
        parse_moment(written)
    assert refused.value.field == "send_at"


@given(MINUTES)
def test_each_way_to_write_a_minute_means_the_same(moment: datetime) -> None:
    day = f"{moment.year}/{moment.month}/{moment.day}"
    half = ("上午", "下午")[moment.hour >= 12]
    clock = f"{moment.hour % 12 or 12}:{moment.minute:02}"
    serial = (moment - SERIAL_EPOCH) / timedelta(days=1)
    ways = [
        moment.isoformat(),
        f"{day} {moment:%H:%M}",
        f"{day} {half} {clock}",
        f"{day} {clock} {('AM', 'PM')[moment.hour >= 12]}",
        f"民國{moment.year - 1911}年{moment.month}月{moment.day}日 {moment.hour}時{moment.minute}分",
    ]
    if serial % 1:
        ways.append(str(serial))
    assert {parse_moment(way) for way in ways} == {moment.replace(tzinfo=TAIPEI)}


@given(MINUTES, st.integers(-14 * 60, 14 * 60))
def test_a_zone_is_kept(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_moment(aware.isoformat()).astimezone(UTC) == aware


@given(st.one_of(st.text(max_size=40), st.text(alphabet="0123456789/-:年月日時分上下午PM T+.", max_size=30)))
def test_whatever_is_written_it_is_a_moment_or_refused(written: str) -> None:
    try:
        assert parse_moment(written).tzinfo is not None
    except InvalidMessage as error:
        assert error.field == "send_at"


def test_the_option_reads_the_same(sms: Sms) -> None:
    done = sms("preview", "hi", "--to", "0900000001", "--send-at", "2099/12/1 下午 02:30")
    assert done.code == 0
    done = sms("preview", "hi", "--to", "0900000001", "--send-at", "2099/12/1")
    assert (done.code, "write 2099-12-01T09:00" in done.err) == (2, True)
