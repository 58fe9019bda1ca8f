"""What belongs to the event loop that made it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from sms_core.processes import PerProcess

T = TypeVar("T")


class PerLoop(Generic[T]):
    """A value of which each event loop of each process has its own: what ``make`` gives at the first use."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: PerProcess[dict[asyncio.AbstractEventLoop, T]] = PerProcess({}, lambda _: {})

    def get(self) -> T:
        """The running loop's value."""
        values = self._values.get()
        loop = asyncio.get_running_loop()
        found = values.get(loop)
        if found is None:
            for other in tuple(values):
                if other.is_closed():
                    values.pop(other, None)
            found = values.setdefault(loop, self._make())
        return found
