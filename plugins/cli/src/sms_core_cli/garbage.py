"""How often the process of a command looks for garbage."""

from __future__ import annotations

import gc

OBJECTS = 20_000
"""How many more objects there may be before the youngest are looked at."""


def collect_rarely() -> None:
    """Let the collector run less often than Python does: after every thousand rows rather than after every few dozen.

    Rows come and go by the thousand, and none of them is part of a cycle. It took a tenth of a campaign's time.
    """
    gc.set_threshold(OBJECTS)
