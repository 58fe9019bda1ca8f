"""A clock that tests can move, so that a message for tomorrow takes no day to test."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sms_core.moments import is_tellable


class Clock:
    """Real time, moved forward by `advance`. With ``start`` (aware) it stands there and moves by `advance` only.

    Threads may share it. Give `now` to a client too, and both live in the same time:
    ``connect(dsn, clock=clock.now)``.
    """

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.utcoffset() is None:
            raise ValueError("start needs an aware datetime")
        self._start = start
        self._ahead = timedelta()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], object]] = []

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        with self._lock:
            return (self._start or datetime.now(UTC)).astimezone(UTC) + self._ahead

    def advance(self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0) -> datetime:
        """Move forward by the sum of the arguments; gives the new time. Raises `ValueError` for a step back, and beyond the calendar.

        `OverflowError` is raised for a step that no `timedelta` holds.
        """
        step = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
        if step < timedelta():
            raise ValueError("a clock does not go back")
        with self._lock:
            ahead = self._ahead + step
            if not is_tellable((self._start or datetime.now(UTC)) + ahead):
                raise ValueError("a clock does not go beyond the calendar")
            self._ahead = ahead
        for listener in tuple(self._listeners):
            listener()
        return self.now()

    def on_advance(self, listener: Callable[[], object]) -> None:
        """Have ``listener()`` called after each `advance`, in the thread that moved the clock."""
        self._listeners.append(listener)
