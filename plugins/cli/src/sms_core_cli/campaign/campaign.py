"""A campaign under way: hands out batches, writes down what came of each, and takes delivery reports.

What a row's standing says is true at every moment, so that whoever looks, after whatever went wrong, is told no lie: a
row is ``UNKNOWN`` from the moment its batch is handed out until the outcome is known.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import attrs
from attrs import field, frozen

from sms_core.client import Client
from sms_core.errors import AuthenticationFailed, InsufficientCredit, SmsError, TransportError
from sms_core.model import DeliveryReport, DeliveryStatus, Outcome, RecipientOutcome, SendResult
from sms_core_cli.campaign.batches import Batch
from sms_core_cli.campaign.standing import RowOutcome, Standing
from sms_core_cli.campaign.table import Table

CONCURRENCY = 4
"""Batches side by side. As many again are in line when somebody wants to stop."""
FEWEST_AHEAD, MOST_CHECKPOINTS = 32, 50
"""A checkpoint covers at least so many batches, and there are no more checkpoints than that."""
HOPELESS = (AuthenticationFailed, InsufficientCredit)
"""After one of these the vendor would refuse every further batch, so none is handed out."""
ON_THE_WAY = "handed to the vendor; the run ended before its answer was known"
CUT_OFF = "the run was cut off; this row may have been handed to the vendor"
INTERRUPTED = "interrupted before this row's turn"

_BEFORE_THE_END = (
    DeliveryStatus.UNKNOWN,
    DeliveryStatus.ACCEPTED,
    DeliveryStatus.SCHEDULED,
    DeliveryStatus.SENT,
)
"""Statuses that are not final, in their order. A late report never takes a row back."""

_MAY_BE_REPORTED = {RowOutcome.ACCEPTED, RowOutcome.UNKNOWN, RowOutcome.NOT_SENT}


@frozen
class Estimate:
    """What is to be sent would come to. ``points`` is None where the vendor publishes no prices."""

    messages: int
    requests: int
    segments: int
    points: Decimal | None
    warnings: tuple[str, ...]


@frozen
class Step:
    """One batch whose outcome has become known, or could not be settled."""

    batch: Batch
    result: SendResult | None = field(repr=False)
    error: SmsError | None


class Campaign:
    """The rows of a table and what is known of each. `prepare` makes it.

    ``doubtful`` are the batches of rows that an earlier run left unknown, ``numbers`` (E.164) whom each place may be
    reported for. Threads may share it: reports may come in (`note`) while others still go out (`send`). ``cost`` and
    ``balance`` are points as far as the vendor told; ``interrupted`` says whether a `send` was stopped early.
    """

    def __init__(
        self,
        table: Table,
        standings: Sequence[Standing],
        batches: Sequence[Batch],
        doubtful: Sequence[Batch],
        numbers: Mapping[int, str],
        estimate: Estimate,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.table = table
        self.estimate = estimate
        self.notes = notes
        self.cost: Decimal | None = None
        self.balance: Decimal | None = None
        self.interrupted = False
        self._changed = threading.Condition(threading.RLock())
        self._standings = list(standings)
        self._waiting = deque(batches)
        self._covered: set[int] = set()
        self._hopeless: SmsError | None = None
        self._unknown = [(batch, self._remembered(batch)) for batch in doubtful]
        self._by_reference: dict[tuple[str, str], int] = {}
        self._by_batch: dict[tuple[str, str], list[int]] = {}
        self._early: dict[tuple[str, str], list[DeliveryReport]] = {}
        for place, number in numbers.items():
            standing = standings[place]
            if standing.outcome in _MAY_BE_REPORTED:
                self._by_reference.setdefault((number, standing.reference), place)
                self._by_batch.setdefault((standing.batch_id, number), []).append(place)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """One for each row of the table, in its order."""
        with self._changed:
            return tuple(self._standings)

    @property
    def standings_if_cut_off(self) -> tuple[Standing, ...]:
        """What is to stand on the disk in case that this process dies before the next checkpoint."""
        with self._changed:
            standings = list(self._standings)
            for place in self._covered:
                standings[place] = attrs.evolve(standings[place], outcome=RowOutcome.UNKNOWN, error=CUT_OFF)
            return tuple(standings)

    @property
    def counts(self) -> Counter[RowOutcome]:
        """How many rows have each outcome."""
        return Counter(one.outcome for one in self.standings)

    def send(
        self,
        client: Client,
        *,
        concurrency: int = CONCURRENCY,
        stop: Callable[[], bool] = lambda: False,
        checkpoint: Callable[[], object] = lambda: None,
    ) -> Iterator[Step]:
        """Send what waits; gives each batch as it becomes known. What was sent once is not sent by a second call.

        When ``stop()`` is true no further batch is handed out; those under way still come. ``checkpoint()`` is called
        before batches are handed out, for the caller to keep `standings_if_cut_off` where it outlives the process.
        """
        under_way: deque[Batch] = deque()
        messages = (batch.message for batch in self._hand_out(under_way, stop, checkpoint))
        for result, error in client.send_many(messages, concurrency=concurrency):
            batch = under_way.popleft()
            self._take(batch, result, error)
            yield Step(batch, result, error)

    def settle(self, client: Client, *, known_batches: Collection[str] = ()) -> Iterator[Step]:
        """Ask the vendor about each batch with unknown rows (`Client.settle`); what stays unknown can be asked again.

        ``known_batches`` are batch ids of other sends of these texts to these people.
        """
        with self._changed:
            unknown, self._unknown = self._unknown, []
        for batch, before in unknown:
            try:
                result = client.settle(before, known_batches=known_batches)
            except SmsError as error:
                self._unknown.append((batch, before))
                yield Step(batch, before, error)
            else:
                self._note_outcomes(batch, result)
                yield Step(batch, result, None)

    def note(self, report: DeliveryReport) -> bool:
        """Write down a delivery report, whichever way it came, and however early. False for one of nobody here."""
        with self._changed:
            place = self._place_of(report)
            if place is None:
                self._early.setdefault((report.batch_id, report.number), []).append(report)
                return False
            self._standings[place] = _told(self._standings[place], report)
            self._changed.notify_all()
            return True

    def fetch_reports(self, client: Client) -> None:
        """Ask the vendor for the reports of every batch with a row that has no final one. Raises as reads do."""
        awaited: dict[str, list[str]] = {one.batch_id: [] for one in self.standings if _awaits_report(one)}
        with self._changed:
            for batch_id, number in self._by_batch:
                if batch_id in awaited:
                    awaited[batch_id].append(number)
        for report in client.reports(awaited):
            self.note(report)

    def wait_reported(self, timeout: float, quiet: float | None = None) -> bool:
        """Wait until every accepted row has a final report: True; False after ``timeout`` seconds.

        It gives up earlier if nothing was reported for ``quiet`` seconds: some handsets never answer.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while any(_awaits_report(one) for one in self._standings):
                left = deadline - time.monotonic()
                patience = left if quiet is None else min(left, quiet)
                if patience <= 0 or not self._changed.wait(patience):
                    return not any(_awaits_report(one) for one in self._standings)
            return True

    def _hand_out(
        self, under_way: deque[Batch], stop: Callable[[], bool], checkpoint: Callable[[], object]
    ) -> Iterator[Batch]:
        """The batches that wait, each marked before it goes. `send_many` asks for the next one in this same thread."""
        ahead = max(FEWEST_AHEAD, -(-len(self._waiting) // MOST_CHECKPOINTS))
        while self._waiting:
            if self._hopeless is None and not stop() and not self._covered:
                self._cover(itertools.islice(self._waiting, ahead))
                checkpoint()
            if self._hopeless is not None or stop():
                self._leave_out()
                return
            batch = self._waiting.popleft()
            self._mark(batch)
            under_way.append(batch)
            yield batch

    def _cover(self, batches: Iterable[Batch]) -> None:
        with self._changed:
            self._covered = {letter.position for batch in batches for letter in batch.letters}

    def _mark(self, batch: Batch) -> None:
        with self._changed:
            for letter in batch.letters:
                self._covered.discard(letter.position)
                standing = self._standings[letter.position]
                self._standings[letter.position] = attrs.evolve(
                    standing, outcome=RowOutcome.UNKNOWN, error=ON_THE_WAY, sent_at=datetime.now(UTC)
                )

    def _leave_out(self) -> None:
        """Say of the rows that wait why they were not sent. They wait on, for a further `send`."""
        reason = INTERRUPTED
        if self._hopeless is not None:
            reason = f"not tried after an earlier row's failure: {self._hopeless}"
        with self._changed:
            self.interrupted = self._hopeless is None
            self._covered = set()
            for letter in (letter for batch in self._waiting for letter in batch.letters):
                self._standings[letter.position] = attrs.evolve(self._standings[letter.position], error=reason)

    def _take(self, batch: Batch, result: SendResult | None, error: SmsError | None) -> None:
        if result is None:  # refused before anything was sent
            with self._changed:
                for letter in batch.letters:
                    reference = letter.recipient.reference
                    refused = Standing(RowOutcome.REFUSED_HERE, reference=reference, error=str(error))
                    self._standings[letter.position] = refused
            return
        self._note_outcomes(batch, result)
        with self._changed:
            errors = (row.error for row in result.outcomes if isinstance(row.error, HOPELESS))
            self._hopeless = self._hopeless or next(errors, None)
            if result.cost is not None:
                self.cost = (self.cost or Decimal()) + result.cost
            if result.balance is not None:  # batches side by side may answer out of turn, and points only go down
                self.balance = min(self.balance, result.balance) if self.balance is not None else result.balance

    def _note_outcomes(self, batch: Batch, result: SendResult) -> None:
        rows = {row.reference: row for row in result.outcomes}
        with self._changed:
            for letter in batch.letters:
                reference = letter.recipient.reference
                row = rows.get(reference) or _whole([rows[one] for one in rows if one.startswith(f"{reference}/")])
                place = letter.position
                self._standings[place] = _after(self._standings[place], row, result.sent_at)
                if row.batch_id:
                    key = (row.batch_id, row.number)
                    self._by_batch.setdefault(key, []).append(place)
                    for report in self._early.pop(key, ()):
                        self.note(report)
            if any(row.outcome is Outcome.UNKNOWN for row in result.outcomes):
                self._unknown.append((batch, result))
            self._changed.notify_all()

    def _place_of(self, report: DeliveryReport) -> int | None:
        """Whose report this is: by number and our reference, or by number and batch.

        Some requests carry no reference, and then a vendor makes up its own, which may look like another row's.
        """
        place = self._by_reference.get((report.number, report.reference))
        if place is not None and self._standings[place].batch_id in {"", report.batch_id}:
            return place
        candidates = self._by_batch.get((report.batch_id, report.number), [])
        return candidates[0] if len(candidates) == 1 else None

    def _remembered(self, batch: Batch) -> SendResult:
        """What an earlier run knew of rows that it left unknown.

        How they failed is forgotten. They count as timed out, the failure that leaves most open, so that no one's
        silence is taken for proof too early.
        """
        rows = []
        for letter in batch.letters:
            standing = self._standings[letter.position]
            error = TransportError(standing.error, sent=True, timed_out=True)
            batch_id = standing.batch_id or None
            reference = letter.recipient.reference
            rows.append(RecipientOutcome(letter.preview.number, Outcome.UNKNOWN, batch_id, reference, error))
        times = [self._standings[letter.position].sent_at for letter in batch.letters]
        # With one time missing, nothing tells how long the vendor has to remember.
        known = [one for one in times if one is not None]
        sent_at = min(known) if len(known) == len(times) else None
        return SendResult(tuple(rows), message=batch.message, sent_at=sent_at)


def _whole(parts: Sequence[RecipientOutcome]) -> RecipientOutcome:
    """One outcome for a text that a provider sent as several (`sms_prepare`).

    If some parts went out and others not, the row counts as accepted, since sending it again would repeat those; its
    error says that something is missing.
    """
    by_outcome = {part.outcome: part for part in reversed(parts)}
    accepted = by_outcome.get(Outcome.ACCEPTED)
    if Outcome.UNKNOWN in by_outcome or accepted is None:
        return by_outcome.get(Outcome.UNKNOWN, parts[0])
    missing = next((part for part in parts if part.outcome is not Outcome.ACCEPTED), None)
    return accepted if missing is None else attrs.evolve(accepted, error=missing.error)


def _after(before: Standing, row: RecipientOutcome, sent_at: datetime | None) -> Standing:
    """The standing of a row once its send is answered. A report may have come before that answer."""
    if row.outcome is Outcome.UNKNOWN and before.status is not None:
        return before
    return attrs.evolve(
        before,
        outcome=RowOutcome.of(row.outcome),
        batch_id=row.batch_id or before.batch_id,
        error=str(row.error) if row.error else "",
        sent_at=None if row.outcome is Outcome.NOT_SENT else sent_at,
    )


def _told(standing: Standing, report: DeliveryReport) -> Standing:
    """The standing with a report folded in. A report proves that the vendor took the row."""
    if standing.status is not None and standing.status.is_final:
        return standing
    if not report.status.is_final and _rank(report.status) < _rank(standing.status):
        return standing
    outcome, error = standing.outcome, standing.error
    if outcome is RowOutcome.UNKNOWN:
        unpaid = report.status is DeliveryStatus.NO_CREDIT
        outcome, error = (RowOutcome.REFUSED, report.vendor_text) if unpaid else (RowOutcome.ACCEPTED, "")
    return attrs.evolve(
        standing,
        outcome=outcome,
        error=error,
        batch_id=standing.batch_id or report.batch_id,
        status=report.status,
        vendor_code=report.vendor_code,
        vendor_text=report.vendor_text,
        done_at=report.done_at,
    )


def _rank(status: DeliveryStatus | None) -> int:
    return -1 if status is None else _BEFORE_THE_END.index(status)


def _awaits_report(standing: Standing) -> bool:
    return standing.outcome is RowOutcome.ACCEPTED and not (standing.status and standing.status.is_final)
