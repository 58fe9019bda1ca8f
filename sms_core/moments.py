"""Points in time that can be told in every zone."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime


def is_tellable(moment: datetime) -> bool:
    """Whether every zone can show this point in time. The first and the last year of the calendar have ends that some cannot.

    Vendors write them where they have no time, .NET its ``0001-01-01``, or ``9999-12-31`` for never.
    """
    return MINYEAR < moment.year < MAXYEAR
