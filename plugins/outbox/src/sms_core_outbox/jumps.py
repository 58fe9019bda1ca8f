"""Jumps of the database's clock, as this machine's own clock shows them.

A claim is dead once its age and a call's deadline have passed by the database's clock. Were that clock set forward, a live
claim would look dead. So each machine keeps an anchor in the database: what the database's clock and its own `uptime` said
together. Where they have drifted apart since, the clock has jumped, and for this machine every age counts anew from now.
A machine that looks at the database for the first time since it was started has nothing to compare, and believes the clock.
"""

from __future__ import annotations

import socket
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import Connection, select, update

from sms_core.clocks import uptime
from sms_core_outbox.databases import Database
from sms_core_outbox.holders import boot_id
from sms_core_outbox.schema import meta

SECOND = 1_000_000
TOLERANCE = 1 * SECOND
"""Microseconds by which two clocks may have drifted apart between two looks, beside `DRIFT`."""
DRIFT = 1000
"""One part in so many is what clocks differ by at most, slewing included (adjtimex(2): 500 ppm each)."""
KEEP_EVERY = 10 * SECOND
"""How old an anchor gets: written each second, it would keep the disk busy."""
TIME_NAMESPACE = Path("/proc/self/ns/time")


def ages_count_from(database: Database, connection: Connection) -> int:
    """When the database's clock jumped last as this machine knows it (microseconds by that clock); 0 if it did not.

    What was claimed before is no older than since then, as far as anybody here knows. Belongs into a transaction that writes.
    """
    now, up = database.now(connection), int(uptime() * SECOND)
    name = _name()
    found = connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()
    if found is None:
        connection.execute(database.insert_or_ignore(meta).values(name=name, value=_anchor(0, now, up)))
        return 0
    jumped_at, then, then_up = map(int, found.split())
    passed = up - then_up
    has_jumped = abs((now - then) - passed) > TOLERANCE + abs(passed) // DRIFT
    if has_jumped:
        jumped_at = now
    if has_jumped or passed > KEEP_EVERY:
        connection.execute(update(meta).where(meta.c.name == name).values(value=_anchor(jumped_at, now, up)))
    return jumped_at


def _anchor(jumped_at: int, now: int, up: int) -> str:
    return f"{jumped_at} {now} {up}"


def _name() -> str:
    """The entry of this run of this machine among the outbox's own values: all of it shares one `uptime`."""
    try:
        namespace = str(TIME_NAMESPACE.readlink())  # which may shift the clock (time_namespaces(7))
    except OSError:
        namespace = ""
    run = f"{boot_id() or socket.gethostname()} {namespace}"
    return f"clock:{blake2b(run.encode(), digest_size=16).hexdigest()}"
