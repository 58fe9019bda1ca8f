"""Too late to begin: whichever clock says so."""

from __future__ import annotations

import pickle
import time

import pytest

from sms_core.clocks import BeginBefore, uptime


def test_uptime_goes_forward_and_at_the_pace_of_the_wall_clock() -> None:
    wall, up = time.time(), uptime()
    time.sleep(0.05)
    assert 0.04 < uptime() - up < time.time() - wall + 0.5


@pytest.mark.parametrize(
    ("wall", "up", "passed"),
    [(60, 60, False), (-60, 60, True), (60, -60, True), (-60, -60, True), (0, 60, True), (60, 0, True)],
    ids=["neither", "wall", "up", "both", "wall, now", "up, now"],
)
def test_it_is_too_late_when_either_clock_says_so(wall: float, up: float, passed: bool) -> None:
    limit = BeginBefore(time.time() + wall, uptime() + up)
    assert limit.has_passed() is passed


def test_within_counts_from_now_and_may_be_handed_on() -> None:
    assert not BeginBefore.within(60).has_passed()
    assert BeginBefore.within(0).has_passed()
    limit = BeginBefore.within(5)
    assert pickle.loads(pickle.dumps(limit)) == limit
