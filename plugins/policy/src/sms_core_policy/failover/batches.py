"""Which vendor took which batch: the process remembers it, and the notes of a result say it anywhere."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from decimal import Decimal

import attrs
from attrs import define, field

from sms_core import Cancellation, NotFound, Outcome, SendResult, SmsError

REMEMBERED = 100_000
"""How many batches a process knows the vendor of. The notes of a result know it for ever."""


class Batches:
    """Who took what, of the vendors of the failover ``name``. Threads may share it."""

    def __init__(self, name: str, vendors: Collection[str]) -> None:
        self._name = name
        self._vendors = tuple(vendors)
        self._took: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, batch: str, vendor: str) -> None:
        """Remember who took a batch."""
        with self._lock:
            self._took[batch] = vendor
            while len(self._took) > REMEMBERED:
                self._took.popitem(last=False)

    def shares(self, batch: str | SendResult) -> dict[str, SendResult | str]:
        """What each vendor has of it: a batch, or a result with that vendor's rows alone. Raises `NotFound`."""
        if isinstance(batch, str):
            return {self._taker(batch, {}): batch}
        told = self._told(batch)
        batches: dict[str, list[str]] = {}
        for name in batch.batches:
            batches.setdefault(self._taker(name, told), []).append(name)
        shares: dict[str, SendResult | str] = {}
        for vendor, names in batches.items():
            rows = tuple(row for row in batch.outcomes if row.batch_id in names)
            shares[vendor] = attrs.evolve(batch, outcomes=rows, batches=tuple(names))
        if not shares:
            raise NotFound("no vendor took any of it")
        return shares

    def unknown_at(self, result: SendResult) -> str:
        """The vendor that the unknown rows are at: the last that was tried, for after an unknown outcome none is."""
        told = self._told(result)
        for row in result.outcomes:
            if row.outcome is Outcome.UNKNOWN and row.batch_id:
                return self._taker(row.batch_id, told)
        for note in result.notes:
            head, _, vendor = note.partition(f"{self._name}: unknown at ")
            if not head and vendor in self._vendors:
                return vendor
        raise NotFound(f"failover {self._name!r} cannot tell which vendor has what is unknown")

    def _told(self, result: SendResult) -> Mapping[str, str]:
        """Who took what, by the notes of a result."""
        found: dict[str, str] = {}
        for note in result.notes:
            head, _, batch = note.partition(" took batch ")
            if batch and head.startswith(f"{self._name}: "):
                found[batch] = head.removeprefix(f"{self._name}: ")
        return found

    def _taker(self, batch: str, told: Mapping[str, str]) -> str:
        if len(self._vendors) == 1:
            return self._vendors[0]
        vendor = told.get(batch) or self._took.get(batch)
        if vendor is None or vendor not in self._vendors:
            raise NotFound(f"failover {self._name!r} cannot tell which vendor took this batch: give it the result")
        return vendor


@define
class Cancelled:
    """What came of cancelling at several vendors, each of which is tried."""

    done: dict[str, Cancellation] = field(factory=dict)
    failures: list[SmsError] = field(factory=list)

    @contextmanager
    def trying(self) -> Generator[None]:
        """Keep what one vendor refuses for the end."""
        try:
            yield
        except SmsError as error:
            self.failures.append(error)

    def conclude(self) -> Cancellation:
        """All of them together; raises the first failure, with a note that says what was taken back."""
        if self.failures:
            failure = self.failures[0]
            for vendor, cancelled in self.done.items():
                failure.add_note(f"{vendor} took back {cancelled.count}")
            raise failure
        refunds = [cancelled.refunded for cancelled in self.done.values() if cancelled.refunded is not None]
        refunded = sum(refunds, Decimal()) if len(refunds) == len(self.done) else None
        return Cancellation(sum(cancelled.count for cancelled in self.done.values()), refunded)
