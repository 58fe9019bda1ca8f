"""How long things are kept: `forget` and `purge`, each in transactions that are short enough for others to wait for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sms_core_outbox import forgetting, reports
from sms_core_outbox.puts import to_micros, to_moment
from sms_core_outbox.resources import Resources

Act = Callable[[Connection, int, int], int]
"""Does a chunk of the work up to a time, at a time; gives how many it did."""


def forget(resources: Resources, before: datetime | timedelta) -> int:
    """See `Outbox.forget`."""
    return _in_chunks(
        resources, lambda connection, limit, now: forgetting.forget(connection, before=limit, now=now), before
    )


def purge(resources: Resources, before: datetime | timedelta) -> int:
    """See `Outbox.purge`."""
    with resources.writing(None) as connection:
        reports.forget_unmatched(connection, now=resources.database.now(connection))
    return _in_chunks(resources, lambda connection, limit, _: forgetting.purge(connection, before=limit), before)


def _in_chunks(resources: Resources, act: Act, before: datetime | timedelta) -> int:
    total = 0
    while True:
        with resources.writing(None) as connection:
            now = resources.database.now(connection)
            limit = to_micros(to_moment(now) - before if isinstance(before, timedelta) else before)
            count = act(connection, limit, now)
        total += count
        if count < forgetting.CHUNK:
            return total
