"""From a file to what is to be put: each row checked by itself, so that a wrong one never stops the others.

Rows go by in chunks, each of which is one plan (`sms_core.Client.plan`), which checks and renders each of them once. What
comes of them is staged on the disk. Where a run goes on, only what it has not put is planned, and what waits in it is
counted.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Self

import attrs
from attrs import define, field, frozen

from sms_core import Plan
from sms_core.client import Client
from sms_core.errors import InvalidMessage
from sms_core_cli.campaign.addressees import message_of, to_bytes
from sms_core_cli.campaign.changes import Comparison
from sms_core_cli.campaign.estimate import THOUSANDTHS, Estimate, Estimator
from sms_core_cli.campaign.known_rows import KnownRow, KnownRows
from sms_core_cli.campaign.mending import Mending
from sms_core_cli.campaign.message_defaults import MessageDefaults
from sms_core_cli.campaign.reasons import Reasons
from sms_core_cli.campaign.refusals import refusal
from sms_core_cli.campaign.row_reading import ReadRow, RowReader, reader_of
from sms_core_cli.campaign.row_results import RowOutcome
from sms_core_cli.campaign.staging import Changes, Kind, StagedRow, Staging, hash_of
from sms_core_cli.campaign.table import Table, TableFile

CHUNK = 1000
"""About how many rows are planned together."""
LONGEST_CHUNK = 5000


@frozen
class Planned:
    """What a file comes to: its rows, staged, and what sending them would take. As a context manager it forgets them.

    ``counts`` are rows by outcome, those of the run that goes on as they are now. ``reasons`` are why rows are not to be
    sent. ``changes`` is None unless the file differs from what its run has put. ``new`` are the rows to be put.
    """

    headers: tuple[str, ...]
    defaults: MessageDefaults
    staging: Staging = field(repr=False)
    rows: int
    new: int
    estimate: Estimate
    counts: Counter[RowOutcome]
    reasons: Reasons = field(repr=False)
    notes: tuple[str, ...]
    changes: Changes | None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the rows, and give back their memory and their place on the disk."""
        self.staging.close()

    @property
    def digest(self) -> str:
        """What tells this file, and what is sent of it, from others."""
        return hash_of(f"{self.staging.digest}{json.dumps(self.headers)}")


def chunk_size(client: Client, about: int = CHUNK) -> int:
    """How many rows make about so many that are whole requests of the vendor's."""
    size = client.info.limits.recipients
    return min(LONGEST_CHUNK, size * max(1, -(-about // size)))


def plan_campaign(
    client: Client,
    table: Table | TableFile,
    defaults: MessageDefaults | None = None,
    *,
    run: KnownRows | None = None,
    again: bool = False,
    mend: bool = False,
    progress: Callable[[int], object] = lambda _: None,
) -> Planned:
    """Check every row, and stage what is to be put. Sends nothing, asks nobody.

    ``run`` is one that goes on with this file; with ``again`` what was refused or ended unsent in it is to be put once
    more. ``mend`` puts a lost zero in front of numbers. ``progress`` is told how many rows have been planned since it was
    told last. Raises `InvalidMessage` or `Unsupported` for what is wrong with all rows.
    """
    reader = reader_of(client, table.columns, defaults or MessageDefaults(), Mending(mend))
    planner = _Planner(client, table, reader, run, again=again)
    try:
        return planner.plan(progress)
    except BaseException:
        planner.staging.close()
        raise


@define
class _Planner:
    client: Client
    table: Table | TableFile
    reader: RowReader
    run: KnownRows | None
    again: bool = field(kw_only=True)
    staging: Staging = field(factory=Staging)
    estimator: Estimator = field(factory=Estimator)
    reasons: Reasons = field(factory=Reasons)
    counts: Counter[RowOutcome] = field(factory=Counter)

    def plan(self, progress: Callable[[int], object]) -> Planned:
        rows = self.table.rows if isinstance(self.table, Table) else self.table.rows()
        comparison = None if self.run is None else Comparison(self.run, self.staging)
        count = 0
        source = iter(rows)
        while chunk := list(itertools.islice(source, chunk_size(self.client))):
            read = [self.reader.read(row, count + place) for place, row in enumerate(chunk)]
            self.staging.number([found.staged for found in read])
            known = self._known(read)
            self._take(read, known)
            if comparison is not None:
                comparison.see([found.staged for found in read], known)
            count += len(chunk)
            progress(len(chunk))
        if not count:
            raise InvalidMessage("file", "holds no rows below its header")
        planned = Planned(
            headers=self.table.columns.headers,
            defaults=self.reader.defaults,
            staging=self.staging,
            rows=count,
            new=self.staging.count(Kind.NEW, Kind.AGAIN),
            estimate=self.estimator.result(),
            counts=self.counts,
            reasons=self.reasons,
            notes=tuple(self._notes()),
            changes=None,
        )
        if comparison is None:
            return planned
        return attrs.evolve(planned, changes=comparison.changes(planned.digest))

    def _known(self, rows: Sequence[ReadRow]) -> Mapping[tuple[str, int], KnownRow]:
        if self.run is None:
            return {}
        return self.run.look_up({found.staged.identity for found in rows})

    def _take(self, read: Sequence[ReadRow], known: Mapping[tuple[str, int], KnownRow]) -> None:
        """Sort a chunk: what the run has, what can be put, and what is left out."""
        kept: dict[int, StagedRow] = {}
        candidates: list[ReadRow] = []
        waiting: list[ReadRow] = []
        for found in read:
            staged = found.staged
            before = known.get((staged.identity, staged.occurrence))
            if before is not None and before.is_put and not (self.again and before.can_be_put_again):
                staged.kind = Kind.KNOWN
                kept[staged.place] = staged
                self.counts[before.outcome] += 1
                if before.waits and found.addressee is not None:
                    waiting.append(found)
            elif found.addressee is None:
                kept[staged.place] = self._left_out(staged, RowOutcome.REFUSED_HERE, found.why)
            else:
                staged.kind = Kind.AGAIN if before is not None and before.is_put else Kind.NEW
                candidates.append(found)
        for staged in self._tell_apart(candidates, kept.values()):
            kept[staged.place] = staged
        self._count_waiting(waiting)
        self.staging.add(kept[place] for place in sorted(kept))

    def _tell_apart(self, rows: Sequence[ReadRow], kept: Iterable[StagedRow]) -> Iterator[StagedRow]:
        """Plan the first of the rows with the same number and text that can be sent. The others repeat it."""
        numbers = self.staging.sent_by({found.staged.identity for found in rows})
        owners = self.staging.owners_of({found.staged.reference for found in rows})
        for staged in kept:
            if staged.kind is Kind.KNOWN:
                numbers.setdefault(staged.identity, staged.number)
                owners.setdefault(staged.reference, staged.number)
        while rows:
            firsts = {found.staged.identity: found for found in reversed(rows)}
            candidates = [found for identity, found in firsts.items() if identity not in numbers]
            planned = list(self._plan_new(sorted(candidates, key=lambda found: found.staged.place), owners))
            yield from planned
            numbers.update({staged.identity: staged.number for staged in planned if staged.kind is not Kind.LEFT_OUT})
            done = {staged.place for staged in planned}
            rest = [found for found in rows if found.staged.place not in done]
            for found in rest:
                if found.staged.identity in numbers:
                    why = f"repeats row {numbers[found.staged.identity]}, number and text"
                    yield self._left_out(found.staged, RowOutcome.DUPLICATE, why)
            rows = [found for found in rest if found.staged.identity not in numbers]

    def _left_out(self, staged: StagedRow, outcome: RowOutcome, why: str) -> StagedRow:
        self.reasons.add(outcome, why, staged.number)
        self.counts[outcome] += 1
        staged.kind, staged.outcome, staged.error = Kind.LEFT_OUT, outcome, why
        return staged

    def _plan_new(self, candidates: Sequence[ReadRow], owners: dict[str, int]) -> Iterator[StagedRow]:
        """The rows that can be put, with their prices, and those that cannot, with the reasons.

        ``owners`` are the numbers of the rows that have a reference already.
        """
        unique: list[ReadRow] = []
        for found in candidates:
            reference = found.staged.reference
            owner = owners.setdefault(reference, found.staged.number) if reference else found.staged.number
            if owner == found.staged.number:
                unique.append(found)
            else:
                why = f"reference: row {owner} has this one, so reports could not be told apart"
                yield self._left_out(found.staged, RowOutcome.REFUSED_HERE, why)
        if not unique:
            return
        plan = self.client.plan(message_of(self.reader.defaults, [found.to for found in unique]), skip_refused=True)
        points = self._estimate(plan, unique)
        for position, found in enumerate(unique):
            if position in plan.refused:
                yield self._left_out(found.staged, RowOutcome.REFUSED_HERE, refusal(plan.refused[position]))
                continue
            self.counts[RowOutcome.NOT_SENT] += 1
            price = points.get(position)
            found.staged.addressee = to_bytes(found.to)
            found.staged.points = None if price is None else int(price * THOUSANDTHS)
            yield found.staged

    def _estimate(self, plan: Plan, rows: Sequence[ReadRow]) -> Mapping[int, Decimal | None]:
        for position in sorted(plan.refused):
            refusal(plan.refused[position])  # raises what is about all rows
        if not plan.rendered:
            return {}
        return self.estimator.add(self.client, plan, [found.staged.number for found in rows])

    def _count_waiting(self, waiting: Sequence[ReadRow]) -> None:
        """Count what waits in the run already, for it is sent too. The time of one may have passed."""
        if waiting:
            addressees = [attrs.evolve(found.to, send_at=None) for found in waiting]
            message = message_of(attrs.evolve(self.reader.defaults, send_at=None), addressees)
            plan = self.client.plan(message, skip_refused=True)
            self._estimate(plan, waiting)

    def _notes(self) -> Iterator[str]:
        yield from self.table.notes
        yield from self.reader.mending.notes
        columns = self.table.columns
        if columns.find("email") is not None and not self.reader.takes_emails:
            yield f"{self.client.info.title} takes no emails: that column is left out"
        if self.reader.defaults.text is not None and columns.find("text") is not None:
            yield "the text that was given is for all: the column 'text' is left out"
