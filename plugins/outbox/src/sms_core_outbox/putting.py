"""Putting many messages, chunk by chunk: what is prepared is stored in one transaction, all or nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from attrs import field, frozen
from sqlalchemy import Connection

from sms_core.errors import ConfigurationError, InvalidMessage, Unsupported
from sms_core_outbox import puts, queries
from sms_core_outbox.hashing import Hashes
from sms_core_outbox.model import Put, Ticket
from sms_core_outbox.preparing import Preparation, PreparedPut, check_all
from sms_core_outbox.resources import Resources

CHUNK = 1000
"""How many puts are stored at once."""


@frozen
class Chunk:
    """Puts in their order. They are prepared, but for those that stand under their keys: ``standing`` has their accounts."""

    given: Sequence[Put] = field(repr=False)
    prepared: Sequence[PreparedPut] = field(repr=False)
    standing: Mapping[int, str] = field(factory=dict)
    """By place."""


@frozen
class PreparedPuts:
    """What `Outbox.prepare` made of puts, for `Outbox.put_many` of the same outbox."""

    _chunks: Sequence[Chunk] = field(repr=False)
    _hashes: Hashes = field(repr=False)

    def chunks(self, hashes: Hashes) -> Sequence[Chunk]:
        """What an outbox with these hashes stores. Raises `ConfigurationError` where another one has prepared it."""
        if hashes is not self._hashes:
            raise ConfigurationError("these puts were prepared by another outbox: prepare them with this one")
        return self._chunks


def prepare(resources: Resources, given: Iterable[Put]) -> PreparedPuts:
    """Check and plan puts, without the database."""
    preparation = Preparation(resources.accounts, resources.hashes)
    chunks = []
    for chunk in _in_chunks(given):
        check_all(chunk)
        chunks.append(Chunk(chunk, preparation.prepare(chunk)))
    return PreparedPuts(chunks, resources.hashes)


class Putting:
    """One call of `Outbox.put_many`, in its transaction."""

    def __init__(self, resources: Resources, connection: Connection) -> None:
        self._database = resources.database
        self._hashes = resources.hashes
        self._connection = connection
        self._preparation = Preparation(resources.accounts, resources.hashes)
        self._trace = resources.traces.current()

    def put_prepared(self, given: PreparedPuts) -> list[Ticket]:
        """Store what was prepared before."""
        return [ticket for chunk in given.chunks(self._hashes) for ticket in self._store(chunk)]

    def put(self, given: Iterable[Put]) -> list[Ticket]:
        """Prepare and store chunk after chunk."""
        tickets: list[Ticket] = []
        for chunk in _in_chunks(given):
            tickets.extend(self._store(self._prepare(chunk)))
        return tickets

    def put_side_by_side(self, given: Iterable[Put]) -> list[Ticket]:
        """The same, where threads may hand the connection over: another one stores a chunk while this one prepares the next.

        The drivers let go of the interpreter while the database works.
        """
        tickets: list[Ticket] = []
        prepared: Chunk | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="sms-outbox-put") as other_thread:
            for chunk in _in_chunks(given):
                storing = None if prepared is None else other_thread.submit(self._store, prepared)
                try:
                    prepared = self._prepare(chunk, storing)
                finally:  # what is wrong with an earlier chunk is told first
                    tickets.extend(storing.result() if storing else ())
        if prepared is not None:
            tickets.extend(self._store(prepared))
        return tickets

    def _prepare(self, given: Sequence[Put], storing: Future[list[Ticket]] | None = None) -> Chunk:
        """Check and plan. ``storing`` uses the connection until it is done."""
        check_all(given)
        try:
            return Chunk(given, self._preparation.prepare(given))
        except (InvalidMessage, Unsupported):
            # A limit may have no room now for the very message that was put before, and that is not sent again.
            if storing is not None:
                storing.result()
            standing = self._standing(given)
            if not standing:
                raise
            new = [item for place, item in enumerate(given) if place not in standing]
            return Chunk(given, self._preparation.prepare(new), standing)

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

    def _store(self, chunk: Chunk) -> list[Ticket]:
        """Store what is new of a chunk, and give the ticket of each put."""
        stored: Iterator[Ticket] = iter(())
        if chunk.prepared:
            stored = iter(puts.store(self._database, self._connection, chunk.prepared, self._hashes, self._trace))
        tickets: list[Ticket] = []
        for place, given in enumerate(chunk.given):
            ticket = None if place in chunk.standing else next(stored)
            if ticket is None or not ticket.is_new:
                account = chunk.standing[place] if ticket is None else ticket.account
                ticket = queries.ticket(self._connection, account, given.key)
            tickets.append(ticket)
        return tickets


def _in_chunks(given: Iterable[Put]) -> Iterator[list[Put]]:
    source = iter(given)
    while chunk := list(itertools.islice(source, CHUNK)):
        yield chunk
