"""What is still to happen in an exchange, and when: messages that wait for their time, reports that come late."""

from __future__ import annotations

import heapq
import itertools
from datetime import datetime

from attrs import field, frozen

MessageKey = tuple[str, int]
"""A message's batch id and its place in the batch, from 1."""


@frozen(order=True)
class Due:
    """What is to happen at a time: the message is sent (``"send"``), or it is reported (``"report"``)."""

    at: datetime
    order: int
    key: MessageKey = field(order=False)
    action: str = field(order=False)


class Schedule:
    """What is to happen in one `Exchange`, the earliest first; at equal times, what was added first.

    Whoever uses it holds the exchange's lock.
    """

    def __init__(self) -> None:
        self._due: list[Due] = []
        self._order = itertools.count()

    def add(self, at: datetime, key: MessageKey, action: str) -> None:
        """Let something happen to a message at this time."""
        heapq.heappush(self._due, Due(at, next(self._order), key, action))

    def pop(self, now: datetime) -> Due | None:
        """The next that is due by now; None if nothing is."""
        if self._due and self._due[0].at <= now:
            return heapq.heappop(self._due)
        return None

    @property
    def next_at(self) -> datetime | None:
        """When something happens next; None if nothing waits."""
        return self._due[0].at if self._due else None
