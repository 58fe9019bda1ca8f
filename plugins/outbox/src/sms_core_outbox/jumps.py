"""Jumps of the database's clock, as this machine's own clock shows them.

A claim is dead once its age and a call's deadline have passed by the database's clock. Were that clock set forward, a live
claim would look dead. So each machine keeps an anchor in the database: what the database's clock and its own `uptime` said
together. Where they have drifted apart since, the clock has jumped, and for this machine every age counts anew from now.
Of a clock that was set back it knows that too: what it shows twice proves no age, so no absence and no key is judged by it.
A machine that looks at the database for the first time since it was started has nothing to compare, and believes the clock.
"""

from __future__ import annotations

import socket
from hashlib import blake2b
from pathlib import Path

from attrs import evolve, frozen
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


@frozen
class Anchor:
    """What a machine knows of the database's clock. All times are its microseconds, but ``up``, which is the machine's own.

    ``jumped_at`` is when it jumped last, 0 if it did not: what was claimed before is no older than since then, as far as
    anybody here knows. ``unsure_until`` is how far it had come when it was set back. It shows those hours once more, so of
    what was written down in them nobody knows the age.
    """

    jumped_at: int
    now: int
    up: int
    unsure_until: int = 0

    @classmethod
    def parse(cls, value: str) -> Anchor:
        """What `__str__` wrote."""
        return cls(*map(int, value.split()))

    def __str__(self) -> str:
        return f"{self.jumped_at} {self.now} {self.up} {self.unsure_until}"

    def knows_age_of(self, moment: int, now: int) -> bool:
        """Whether what was written down at this moment is as old as it looks, or younger."""
        return self.unsure_until < moment <= now or not self.unsure_until


def look(database: Database, connection: Connection) -> Anchor:
    """Look at both clocks, and keep what they say. Belongs into a transaction that writes."""
    now, up = database.now(connection), int(uptime() * SECOND)
    name = _name()
    found = connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()
    if found is None:
        anchor = Anchor(0, now, up, 0)
        connection.execute(database.insert_or_ignore(meta).values(name=name, value=str(anchor)))
        return anchor
    anchor = Anchor.parse(found)
    passed = up - anchor.up
    expected = anchor.now + passed
    has_jumped = abs(now - expected) > TOLERANCE + abs(passed) // DRIFT
    if has_jumped:
        was_set_back = now < expected
        unsure_until = max(anchor.unsure_until, expected) if was_set_back else anchor.unsure_until
        anchor = Anchor(now, now, up, unsure_until)
    elif passed > KEEP_EVERY:
        anchor = evolve(anchor, now=now, up=up)
    else:
        return anchor
    connection.execute(update(meta).where(meta.c.name == name).values(value=str(anchor)))
    return anchor


def _name() -> str:
    """The entry of this run of this machine among the outbox's own values: all of it shares one `uptime`."""
    try:
        namespace = str(TIME_NAMESPACE.readlink())  # which may shift the clock (time_namespaces(7))
    except OSError:
        namespace = ""
    run = f"{boot_id() or socket.gethostname()} {namespace}"
    return f"clock:{blake2b(run.encode(), digest_size=16).hexdigest()}"
