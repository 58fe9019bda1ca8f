"""The clock that counts suspension, and `BeginBefore`, which stands on it and on the wall clock."""

from __future__ import annotations

import sys
import time

from attrs import frozen


def uptime() -> float:
    """Seconds since a moment that is fixed until the machine starts anew; those of a suspension count on Linux.

    `time.monotonic` stands still there while the machine is suspended (clock_gettime(2), CLOCK_BOOTTIME).
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@frozen
class BeginBefore:
    """The moment from which on a request may not begin any more: whichever of two clocks says so first.

    ``wall`` is Unix time in seconds (`time.time`), ``up`` seconds by `uptime`. Either clock alone can be fooled: the wall
    clock is set back, and the other one begins anew with the machine. Two processes of one machine may hand it on.
    """

    wall: float
    up: float

    @classmethod
    def within(cls, seconds: float) -> BeginBefore:
        """So many seconds from now."""
        return cls(time.time() + seconds, uptime() + seconds)

    def has_passed(self) -> bool:
        """Whether it is too late."""
        return time.time() >= self.wall or uptime() >= self.up
