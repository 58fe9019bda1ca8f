"""Putting many messages, chunk by chunk: each is prepared and stored, in one transaction for all."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection

from sms_core.errors import InvalidMessage, Unsupported
from sms_core_outbox import puts, queries
from sms_core_outbox.model import Put, Ticket
from sms_core_outbox.preparing import Preparation, PreparedPut, check_all
from sms_core_outbox.resources import Resources

CHUNK = 1000
"""How many puts are stored at once."""


class Putting:
    """One call of `Outbox.put_many`, in its transaction."""

    def __init__(self, resources: Resources, connection: Connection) -> None:
        self._database = resources.database
        self._hashes = resources.hashes
        self._connection = connection
        self._preparation = Preparation(resources.accounts, resources.hashes)
        self._trace = resources.traces.current()

    def put(self, given: Iterable[Put]) -> list[Ticket]:
        """Put all of them, and give their tickets in the same order."""
        tickets: list[Ticket] = []
        source = iter(given)
        while chunk := list(itertools.islice(source, CHUNK)):
            tickets.extend(self._put_chunk(chunk))
        return tickets

    def _put_chunk(self, given: Sequence[Put]) -> Iterator[Ticket]:
        check_all(given)
        standing: dict[int, str] = {}
        try:
            prepared = self._preparation.prepare(given)
        except (InvalidMessage, Unsupported):
            # A limit may have no room now for the very message that was put before, and that is not sent again.
            standing = self._standing(given)
            if not standing:
                raise
            prepared = self._preparation.prepare([item for place, item in enumerate(given) if place not in standing])
        stored = iter(self._store(prepared))
        for place, item in enumerate(given):
            ticket = None if place in standing else next(stored)
            if ticket is None or not ticket.is_new:
                account = standing[place] if ticket is None else ticket.account
                ticket = queries.ticket(self._connection, account, item.key)
            yield ticket

    def _store(self, prepared: Sequence[PreparedPut]) -> list[Ticket]:
        if not prepared:
            return []
        return puts.store(self._database, self._connection, prepared, self._hashes, self._trace)

    def _standing(self, given: Sequence[Put]) -> dict[int, str]:
        """Which of these very messages were put under their keys before: the place of each, and its account."""
        names = [self._preparation.account_of(item) for item in given]
        known = puts.known(self._connection, [(name, item.key) for name, item in zip(names, given, strict=True)])
        standing = {}
        for place, (name, item) in enumerate(zip(names, given, strict=True)):
            _, fingerprint = known.get((name, item.key), (0, ""))
            if fingerprint == self._preparation.fingerprint(item.message):
                standing[place] = name
        return standing
