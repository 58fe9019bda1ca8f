"""How long things are kept: `forget` and `purge`, each in transactions that are short enough for others to wait for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sms_core.errors import ConfigurationError
from sms_core_outbox import forgetting, recovery, reports
from sms_core_outbox.puts import to_micros, to_moment
from sms_core_outbox.resources import Resources

Act = Callable[[Connection, int, int], int]
"""Does a chunk of the work up to a time, at a time; gives how many it did."""


def forget(resources: Resources, before: datetime | timedelta, account: str | None) -> int:
    """See `Outbox.forget`."""

    def act(connection: Connection, limit: int, now: int) -> int:
        return forgetting.forget(connection, before=limit, now=now, account=account)

    return _in_chunks(resources, act, before)


def purge(resources: Resources, before: datetime | timedelta) -> int:
    """See `Outbox.purge`."""
    with resources.writing(None) as connection:
        now = resources.database.now(connection)
        reports.forget_unmatched(connection, now=now)
        left_behind = recovery.forget_workers(connection, before=_limit(before, now))
    for path in left_behind:
        path.unlink(missing_ok=True)
    return _in_chunks(resources, lambda connection, limit, _: forgetting.purge(connection, before=limit), before)


def _limit(before: datetime | timedelta, now: int) -> int:
    is_aware = isinstance(before, datetime) and before.utcoffset() is not None
    if not is_aware and not isinstance(before, timedelta):
        raise ConfigurationError("before= is an aware datetime, or a timedelta")
    return to_micros(to_moment(now) - before if isinstance(before, timedelta) else before)


def _in_chunks(resources: Resources, act: Act, before: datetime | timedelta) -> int:
    total = 0
    while True:
        with resources.writing(None) as connection:
            now = resources.database.now(connection)
            count = act(connection, _limit(before, now), now)
        total += count
        if count < forgetting.CHUNK:
            return total
