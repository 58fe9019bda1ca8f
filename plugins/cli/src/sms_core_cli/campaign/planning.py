"""From a file to what is to be put: each row checked by itself, so that a wrong one never stops the others.

Rows go by in chunks, each of which is one plan (`sms_core.Client.plan`), which checks and renders each of them once. What
comes of them is staged on the disk. Where a run goes on, only what it has not put is planned, and what waits in it is
counted.
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol, Self

import attrs
from attrs import define, field, frozen

from sms_core import Plan
from sms_core.client import Client
from sms_core.errors import InvalidMessage, Unsupported
from sms_core.model import Message, Recipient
from sms_core.numbers import to_e164
from sms_core.provider import Capability, template
from sms_core_cli.campaign.estimate import THOUSANDTHS, Estimate, Estimator
from sms_core_cli.campaign.mending import Mending
from sms_core_cli.campaign.message_defaults import MessageDefaults
from sms_core_cli.campaign.placeholders import RowTemplate, check_shown, reader_of_texts
from sms_core_cli.campaign.reading.moments import parse_moment
from sms_core_cli.campaign.reasons import Reasons
from sms_core_cli.campaign.row_results import RowOutcome
from sms_core_cli.campaign.staging import Changes, Kind, StagedRow, Staging, hash_of, identity_of
from sms_core_cli.campaign.table import Row, Table, TableFile

CHUNK = 1000
"""About how many rows are planned and put together: whole requests of them."""
LONGEST_CHUNK = 5000
ROW_FIELDS = ("row", "text", "params", "media.content")
"""What an error may name without a recipient's place and yet be about one row. Another field is about all of them."""
ROW_CAPABILITIES = (Capability.INTERNATIONAL.value, Capability.SCHEDULE.value)
"""What a single row may need and not get."""

_to_json = json.JSONEncoder(ensure_ascii=False).encode
WHERE_THE_TEXT_IS = "name its column with --column text=HEADER, or give one text for all"
RECIPIENT = re.compile(r"to\[(\d+)\]\.", re.ASCII)


@frozen
class KnownRow:
    """What a run has of a row. ``identity`` is the run's hash of it; ``is_put`` is whether it is in the outbox.

    ``can_be_put_again`` where it ended, and was not accepted; ``waits`` where it is still to be sent.
    """

    identity: str
    outcome: RowOutcome
    is_put: bool
    waits: bool = False
    can_be_put_again: bool = False


class KnownRows(Protocol):
    """What planning asks of a run that goes on."""

    @property
    def digest(self) -> str:
        """What tells the file as all of it was put; "" before that."""
        ...

    def hash(self, text: str) -> str:
        """The run's own hash of a text."""
        ...

    def look_up(self, identities: Collection[str]) -> Mapping[tuple[str, int], KnownRow]:
        """Its rows with these plain identities, by identity and occurrence."""
        ...

    def told(self) -> Iterator[list[tuple[str, int, str, int, int | None]]]:
        """All its rows that the file had, in chunks: identity, occurrence, who, place, the outbox's row."""
        ...

    def count_waiting(self, rows: Collection[int]) -> int:
        """How many of these rows of the outbox wait."""
        ...


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
        self.staging.close()

    @property
    def digest(self) -> str:
        """What tells this file, and what is sent of it, from others."""
        return hash_of(f"{self.staging.digest}{json.dumps(self.headers)}")


def chunk_size(client: Client) -> int:
    """How many rows are planned together."""
    size = client.info.limits.recipients
    return min(LONGEST_CHUNK, size * max(1, -(-CHUNK // size)))


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
    planner = _Planner(client, table, defaults or MessageDefaults(), run, again=again, mending=Mending(mend))
    try:
        return planner.plan(progress)
    except BaseException:
        planner.staging.close()
        raise


@define
class Addressee:
    """A recipient as its row has it, with its text. It is one of a message once it is known whether all share a text."""

    number: str
    name: str
    email: str
    text: str
    params: Mapping[str, str]
    reference: str
    send_at: datetime | None

    def recipient(self, *, of_shared_text: bool) -> Recipient:
        """One to whom the message's own text goes, or another."""
        return Recipient(
            self.number,
            self.name,
            self.email,
            None if of_shared_text else self.text,
            self.params,
            self.reference,
            self.send_at,
        )


@define
class _Read:
    """A row and what it says. ``addressee`` is None for one that is wrong, ``why`` says why then."""

    staged: StagedRow
    addressee: Addressee | None
    why: str = ""


@define
class _Planner:
    client: Client
    table: Table | TableFile
    defaults: MessageDefaults
    run: KnownRows | None
    again: bool = field(kw_only=True)
    mending: Mending = field(kw_only=True)
    staging: Staging = field(factory=Staging)
    estimator: Estimator = field(factory=Estimator)
    reasons: Reasons = field(factory=Reasons)
    counts: Counter[RowOutcome] = field(factory=Counter)
    prefix: str = field(factory=lambda: secrets.token_hex(4))
    takes_emails: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.takes_emails = self.client.info.can(Capability.EMAIL)

    def plan(self, progress: Callable[[int], object]) -> Planned:
        columns = self.table.columns
        if self.defaults.text is None and columns.find("text") is None:
            if columns.is_repeated("text"):
                raise InvalidMessage("text", "may be in several columns, called alike: rename all but one")
            named = ", ".join(header.strip() for header in columns.headers if header.strip())
            raise InvalidMessage("text", f"is missing: {WHERE_THE_TEXT_IS}; there are {named}")
        read_text = reader_of_texts(columns)
        if self.defaults.text is not None:
            read_text(self.defaults.text)
        rows = self.table.rows if isinstance(self.table, Table) else self.table.rows()
        count = 0
        source = iter(rows)
        while chunk := list(itertools.islice(source, chunk_size(self.client))):
            self._take([self._read(row, count + place, read_text) for place, row in enumerate(chunk)])
            count += len(chunk)
            progress(len(chunk))
        if not count:
            raise InvalidMessage("file", "holds no rows below its header")
        planned = Planned(
            headers=columns.headers,
            defaults=self.defaults,
            staging=self.staging,
            rows=count,
            new=self.staging.count(Kind.NEW, Kind.AGAIN),
            estimate=self.estimator.result(),
            counts=self.counts,
            reasons=self.reasons,
            notes=tuple(self._notes()),
            changes=None,
        )
        return attrs.evolve(planned, changes=self._changes(planned.digest))

    # Reading

    def _read(self, row: Row, place: int, read_text: Callable[[str], RowTemplate]) -> _Read:
        raw, cells = row.values, _to_json(row.cells)
        row = self.mending.take(row)
        reference = row.values.get("reference", "")
        final = number = ""
        try:
            if row.fault:
                raise InvalidMessage("row", row.fault)
            text, params = self._text(row, read_text)
            final = template.fill(text, params) if params else text
            check_shown("number", row.values.get("number", ""))
            addressee = Addressee(
                row.values.get("number", ""),
                row.values.get("name", ""),
                row.values.get("email", "") if self.takes_emails else "",
                text,
                params,
                reference or f"{self.prefix}-{row.number}",
                _moment(row),
            )
            if addressee.send_at is not None:
                addressee.recipient(of_shared_text=False)  # raises for a time that no calendar has
            number = to_e164(addressee.number)
        except (InvalidMessage, ValueError) as error:
            why = f"{error.field}: {error.reason}" if isinstance(error, InvalidMessage) else f"number: {error}"
            number = self.mending.number_of(row) if final else ""
            identity = identity_of(number, final)
            if not number:  # nothing can be sent to it as it is, so it is told by its cells
                number = raw.get("number", "")
                identity = identity_of(f"?{number}", raw.get("text", ""))
            return _Read(StagedRow(place, row.number, identity, hash_of(number), cells, reference), None, why)
        staged = StagedRow(place, row.number, identity_of(number, final), hash_of(number), cells, reference)
        return _Read(staged, addressee)

    def _text(self, row: Row, read_text: Callable[[str], RowTemplate]) -> tuple[str, dict[str, str]]:
        """The row's text, and what fills its placeholders."""
        text = row.values.get("text", "") if self.defaults.text is None else self.defaults.text
        check_shown("text", text)
        found = read_text(text)
        params = found.params(row)
        if not params:
            return template.fill(found.text, {}), params  # else a template's doubled braces would stay doubled
        return found.text, params

    # Sorting

    def _take(self, read: Sequence[_Read]) -> None:
        """Sort a chunk: what the run has, what can be put, and what is left out."""
        self.staging.number([found.staged for found in read])
        known = self._known(read)
        kept: dict[int, StagedRow] = {}
        candidates: list[_Read] = []
        waiting: list[_Read] = []
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
        self._compare(read, known)

    def _tell_apart(self, rows: Sequence[_Read], kept: Iterable[StagedRow]) -> Iterator[StagedRow]:
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

    def _known(self, rows: Sequence[_Read]) -> Mapping[tuple[str, int], KnownRow]:
        if self.run is None:
            return {}
        return self.run.look_up({found.staged.identity for found in rows})

    def _left_out(self, staged: StagedRow, outcome: RowOutcome, why: str) -> StagedRow:
        self.reasons.add(outcome, why, staged.number)
        self.counts[outcome] += 1
        staged.kind, staged.outcome, staged.error = Kind.LEFT_OUT, outcome, why
        return staged

    def _plan_new(self, candidates: Sequence[_Read], owners: dict[str, int]) -> Iterator[StagedRow]:
        """The rows that can be put, with their prices, and those that cannot, with the reasons.

        ``owners`` are the numbers of the rows that have a reference already.
        """
        unique: list[_Read] = []
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
        addressees = [_addressee_of(found) for found in unique]
        plan = self.client.plan(message_of(self.defaults, addressees), skip_refused=True)
        points = self._estimate(plan, unique)
        for position, found in enumerate(unique):
            if position in plan.refused:
                yield self._left_out(found.staged, RowOutcome.REFUSED_HERE, refusal(plan.refused[position]))
                continue
            self.counts[RowOutcome.NOT_SENT] += 1
            price = points.get(position)
            found.staged.recipient = to_text(addressees[position])
            found.staged.points = None if price is None else int(price * THOUSANDTHS)
            yield found.staged

    def _estimate(self, plan: Plan, rows: Sequence[_Read]) -> Mapping[int, Decimal | None]:
        for position in sorted(plan.refused):
            refusal(plan.refused[position])  # raises what is about all rows
        if not plan.rendered:
            return {}
        return self.estimator.add(self.client, plan, {place: found.staged.number for place, found in enumerate(rows)})

    def _count_waiting(self, waiting: Sequence[_Read]) -> None:
        """Count what waits in the run already, for it is sent too. The time of one may have passed."""
        if waiting:
            addressees = [attrs.evolve(_addressee_of(found), send_at=None) for found in waiting]
            message = message_of(attrs.evolve(self.defaults, send_at=None), addressees)
            plan = self.client.plan(message, skip_refused=True)
            self._estimate(plan, waiting)

    # What has changed

    def _compare(self, rows: Sequence[_Read], known: Mapping[tuple[str, int], KnownRow]) -> None:
        if self.run is None:
            return
        added: list[tuple[str, int]] = []
        seen: list[tuple[str, int]] = []
        for staged in (found.staged for found in rows):
            before = known.get((staged.identity, staged.occurrence))
            if before is None:
                added.append((self.run.hash(staged.who), staged.place))
            else:
                seen.append((before.identity, staged.occurrence))
        self.staging.see(seen)
        self.staging.note_added(added)

    def _changes(self, digest: str) -> Changes | None:
        """How the file differs from what all of the run was put from; None where it does not."""
        if self.run is None or self.run.digest == digest:
            return None
        taken_back = 0
        for known in self.run.told():
            self.staging.miss(known)
        for rows in _in_chunks(row for _, _, row in self.staging.gone() if row is not None):
            taken_back += self.run.count_waiting(rows)
        found = self.staging.compare()
        if self.run.digest == "" and not (found.removed or found.edited):
            return None  # a run that was cut off while it was put has not all of the file yet
        return attrs.evolve(found, taken_back=taken_back)

    def _notes(self) -> Iterator[str]:
        yield from self.table.notes
        yield from self.mending.notes
        columns = self.table.columns
        if columns.find("email") is not None and not self.takes_emails:
            yield f"{self.client.info.title} takes no emails: that column is left out"
        if self.defaults.text is not None and columns.find("text") is not None:
            yield "the text that was given is for all: the column 'text' is left out"


def _in_chunks(rows: Iterable[int]) -> Iterator[list[int]]:
    source = iter(rows)
    while chunk := list(itertools.islice(source, CHUNK)):
        yield chunk


def _addressee_of(found: _Read) -> Addressee:
    if found.addressee is None:
        raise ValueError("this row is wrong, and can be sent to nobody")
    return found.addressee


def _moment(row: Row) -> datetime | None:
    cell = row.values.get("send_at", "")
    return parse_moment(cell) if cell else None


def message_of(defaults: MessageDefaults, addressees: Sequence[Addressee]) -> Message:
    """A message to these rows. A template that all share becomes the message's, so that a vendor with fields can fill them.

    A text without params may look like another's template: ``{{name}}`` has become ``{name}``.
    """
    texts = {(addressee.text, bool(addressee.params)) for addressee in addressees}
    is_shared = len(texts) == 1
    text = addressees[0].text if is_shared else ""
    return defaults.message(text, [addressee.recipient(of_shared_text=is_shared) for addressee in addressees])


def refusal(error: InvalidMessage | Unsupported) -> str:
    """Why a row is refused. Raises the error again if it is about all rows."""
    if isinstance(error, Unsupported):
        if error.capability not in ROW_CAPABILITIES:
            raise error
        return f"not with this provider: {error.capability}"
    field_name = RECIPIENT.sub("", error.field)
    if field_name == error.field and field_name not in ROW_FIELDS:
        raise error
    return f"{field_name}: {error.reason}"


def to_text(addressee: Addressee) -> str:
    """An addressee as JSON."""
    sent = None if addressee.send_at is None else addressee.send_at.isoformat()
    own = (addressee.number, addressee.name, addressee.email, addressee.text, addressee.params, addressee.reference)
    return _to_json([*own, sent])


def from_text(text: str) -> Addressee:
    """The addressee that `to_text` wrote."""
    number, name, email, own, params, reference, sent = json.loads(text)
    send_at = None if sent is None else datetime.fromisoformat(sent)
    return Addressee(number, name, email, own, params, reference, send_at)
