"""A campaign under way: hands out requests, notes what came of each, and takes delivery reports.

What a row's result says is true at every moment, so that the file is right whatever goes wrong: a row is ``UNKNOWN``
from the moment its request is handed out until its outcome is known.

What became of a message, and whose report is whose, `sms_core.tracking` decides. A row has one message, or several where
the provider sends its text as several.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import attrs
from attrs import field, frozen

from sms_core import Plan, Sent
from sms_core.client import Client
from sms_core.errors import AuthenticationFailed, InsufficientCredit, InvalidMessage, SmsError
from sms_core.model import DeliveryReport, Outcome, SendResult
from sms_core.tracking import Fact, Key, Tracker
from sms_core_cli.campaign.estimate import Estimate
from sms_core_cli.campaign.row_results import RowOutcome, RowResult, with_states
from sms_core_cli.campaign.table import Table

CONCURRENCY = 4
"""Requests side by side. When a campaign is stopped these are still sent."""
MOST_CHECKPOINTS = 50
"""A checkpoint covers as many requests as are side by side, or more where there would be more checkpoints than that."""
ENDS_THE_CAMPAIGN = (AuthenticationFailed, InsufficientCredit)
"""After one of these the vendor would refuse every further request, so none is handed out."""
HANDED_OUT = "may have been handed to the vendor; the run ended before its answer was known"
CUT_OFF = "the run was cut off; this row may have been handed to the vendor"
INTERRUPTED = "interrupted before this row's turn"

_RECIPIENT = re.compile(r"to\[(\d+)\]\.", re.ASCII)


@frozen
class RequestDone:
    """A request that was answered, or that failed; of a long text, the several that carry it.

    ``places`` are its rows in the table, counted from 0. ``result`` is None for what was refused before it was sent.
    """

    places: tuple[int, ...]
    plan: Plan = field(repr=False)
    result: SendResult | None = field(repr=False)
    error: BaseException | None


Keep = Callable[[Mapping[int, RowResult]], object]
"""Takes the results of some rows, by their places in the table."""


class Campaign:
    """The rows of a table and what is known of each. `plan_campaign` makes it.

    Threads may share it: reports may come in (`note`) while others still go out (`send`). ``cost`` and ``balance`` are
    points as far as the vendor told; ``interrupted`` says whether a `send` was stopped early.
    """

    def __init__(
        self,
        table: Table,
        results: Sequence[RowResult],
        plans: Sequence[Plan],
        places: Mapping[str, int],
        estimate: Estimate,
        *,
        unknown: Sequence[tuple[Plan, SendResult]] = (),
        earlier: Iterable[tuple[int, Key]] = (),
        facts: Iterable[Fact] = (),
        notes: Sequence[str] = (),
    ) -> None:
        """``plans`` are to be sent, one after another, and ``places`` are the rows by their references.

        Of an earlier run: ``unknown`` are plans to settle, each with what was known of it; ``earlier`` are the places
        and keys of rows that it sent, and ``facts`` what it learned of them.
        """
        self.table = table
        self.estimate = estimate
        self.cost: Decimal | None = None
        self.balance: Decimal | None = None
        self.interrupted = False
        self._notes = dict.fromkeys(notes)
        self._changed = threading.Condition(threading.RLock())
        self._results = list(results)
        self._without_states = list(results)
        self._awaiting = {place for place, result in enumerate(results) if result.awaits_report}
        self._waiting = deque(plans)
        self._covered: set[int] = set()
        self._ended_by: SmsError | None = None
        self._bug: BaseException | None = None
        self._unknown = list(unknown)
        self._places = places
        self._tracker = Tracker()
        self._keys: dict[int, list[Key]] = {}
        self._place_of: dict[Key, int] = {}
        self._places_of_number: dict[str, dict[int, None]] = {}
        self._batches: dict[int, tuple[str, ...]] = {}
        for place, result in enumerate(results):
            if result.outcome is RowOutcome.ACCEPTED and result.batch_id:
                self._batches[place] = (result.batch_id,)
        for place, key in earlier:
            self._expect(place, key)
        for plan, remembered in self._unknown:
            self._expect_all(plan)
            self._tracker.add(remembered)
        for fact in facts:
            self._tracker.add(fact)

    @property
    def results(self) -> tuple[RowResult, ...]:
        """One for each row of the table, in its order."""
        with self._changed:
            return tuple(self._results)

    @property
    def results_if_cut_off(self) -> tuple[RowResult, ...]:
        """What the file has to say in case that this process dies before the next checkpoint."""
        with self._changed:
            results = list(self._results)
            for place in self._covered:
                results[place] = attrs.evolve(results[place], outcome=RowOutcome.UNKNOWN, error=CUT_OFF)
            return tuple(results)

    @property
    def counts(self) -> Counter[RowOutcome]:
        """How many rows have each outcome."""
        return Counter(result.outcome for result in self.results)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader of the table guessed, what is left out, and what the vendor could not do quite as asked."""
        with self._changed:
            return tuple(self._notes)

    def send(
        self,
        client: Client,
        *,
        concurrency: int = CONCURRENCY,
        stop: Callable[[], bool] = lambda: False,
        checkpoint: Callable[[], object] = lambda: None,
        keep: Keep = lambda _: None,
    ) -> Iterator[RequestDone]:
        """Send what waits; gives each request as soon as it is done. What was sent once is not sent by a second call.

        When ``stop()`` is true no further request is handed out; those under way still come. For the caller to keep
        what is known where it outlives the process, ``checkpoint()`` is called now and then before requests are handed
        out (then `results_if_cut_off` is what to keep), and ``keep(rows)`` with the results of a request's rows, by
        their places, before it is handed out and when it is done.

        Raises what these raise, and what is no `SmsError` (a bug in a provider or a middleware), each after the
        requests under way are done. However it ends, `results` knows what became of them.
        """
        bulk = client.send_many(self._hand_out(stop, checkpoint, keep, concurrency), concurrency=concurrency)
        try:
            with bulk:
                for sent in bulk:
                    done = self._take(sent)
                    keep(self._rows(done.places))
                    yield done
        finally:
            unheard = [self._take(sent) for sent in bulk.results]
            if unheard:
                keep(self._rows(place for done in unheard for place in done.places))
        if self._bug is not None:
            raise self._bug

    def settle(
        self, client: Client, *, known_batches: Collection[str] = (), keep: Keep = lambda _: None
    ) -> Iterator[RequestDone]:
        """Ask the vendor about each request with unknown rows (`Client.settle`); what stays unknown can be asked again.

        ``known_batches`` are batch ids of other sends of these texts to these people; ``keep`` is as for `send`.
        """
        with self._changed:
            unknown, self._unknown = self._unknown, []
        for plan, before in unknown:
            places = self._places_of(plan)
            try:
                result = client.settle(before, known_batches=known_batches)
            except SmsError as error:
                with self._changed:
                    self._unknown.append((plan, before))
                yield RequestDone(places, plan, before, error)
            else:
                self._take_outcomes(plan, result)
                keep(self._rows(places))
                yield RequestDone(places, plan, result, None)

    def note(self, report: DeliveryReport) -> bool:
        """Take a delivery report, whichever way it came, and however early. False for one of no row known so far."""
        with self._changed:
            self._tracker.add(report)
            owners = self._tracker.owners(report)
            places = [self._place_of[owner] for owner in owners if owner in self._place_of]
            self._refresh(places)
            if places:
                self._changed.notify_all()
            return bool(places)

    def fetch_reports(self, client: Client) -> None:
        """Ask the vendor for the reports of every batch with a row that has no final one. Raises as reads do."""
        with self._changed:
            awaited = self._awaited_batches()
        for report in client.reports(awaited):
            self.note(report)

    def wait_reported(self, timeout: float, quiet: float | None = None) -> bool:
        """Wait until every accepted row has a final report: True; False after ``timeout`` seconds.

        It gives up earlier if nothing was reported for ``quiet`` seconds: some handsets never answer.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._awaiting:
                left = deadline - time.monotonic()
                patience = left if quiet is None else min(left, quiet)
                if patience <= 0 or not self._changed.wait(patience):
                    return not self._awaiting
            return True

    def _hand_out(
        self, stop: Callable[[], bool], checkpoint: Callable[[], object], keep: Keep, concurrency: int
    ) -> Iterator[Plan]:
        """The plans that wait, each marked before it goes. `send_many` asks for the next one in this same thread."""
        ahead = max(concurrency, -(-len(self._waiting) // MOST_CHECKPOINTS))
        try:
            while self._waiting:
                if not self._covered and not self._ends(stop):
                    self._cover(itertools.islice(self._waiting, ahead))
                    keep(self._rows(self._covered))
                    checkpoint()
                if self._ends(stop):
                    self._leave_out(self._why_it_ends())
                    return
                marked = self._marked(self._waiting[0])
                keep(marked)
                yield self._go(marked)
        except Exception as error:
            self._leave_out(f"not tried: {error}")
            raise

    def _ends(self, stop: Callable[[], bool]) -> bool:
        return self._ended_by is not None or self._bug is not None or stop()

    def _why_it_ends(self) -> str:
        if self._ended_by is not None:
            return f"not tried after an earlier row's failure: {self._ended_by}"
        if self._bug is not None:
            return f"not tried after an earlier row's failure: {_in_words(self._bug)}"
        return INTERRUPTED

    def _cover(self, plans: Iterable[Plan]) -> None:
        with self._changed:
            self._covered = {place for plan in plans for place in self._places_of(plan)}

    def _marked(self, plan: Plan) -> dict[int, RowResult]:
        """What is to be said of a plan's rows while it is under way."""
        now = datetime.now(UTC)
        return {
            place: attrs.evolve(self._without_states[place], outcome=RowOutcome.UNKNOWN, error=HANDED_OUT, sent_at=now)
            for place in self._places_of(plan)
        }

    def _go(self, marked: Mapping[int, RowResult]) -> Plan:
        """The next plan, with its rows marked."""
        with self._changed:
            plan = self._waiting.popleft()
            self._expect_all(plan)
            for place, result in marked.items():
                self._covered.discard(place)
                self._without_states[place] = self._results[place] = result
        return plan

    def _leave_out(self, reason: str) -> None:
        """Say of the rows that wait why they were not sent. They go on waiting, for a further `send`."""
        with self._changed:
            self.interrupted = self._ended_by is None and self._bug is None
            self._covered = set()
            for plan in self._waiting:
                for place in self._places_of(plan):
                    self._set(place, error=reason)

    def _rows(self, places: Iterable[int]) -> dict[int, RowResult]:
        with self._changed:
            return {place: self._results[place] for place in places}

    def _take(self, sent: Sent) -> RequestDone:
        plan, result, error = cast("Plan", sent.message), sent.result, sent.error
        if error is not None and not isinstance(error, SmsError):
            self._bug = self._bug or error
            self._say(plan, _in_words(error))
        if result is not None:
            self._take_outcomes(plan, result)
            self._take_points(result)
        elif error is not None:
            self._refuse(plan, error)
        return RequestDone(self._places_of(plan), plan, result, error)

    def _take_points(self, result: SendResult) -> None:
        with self._changed:
            ends = (row.error for row in result.outcomes if isinstance(row.error, ENDS_THE_CAMPAIGN))
            self._ended_by = self._ended_by or next(ends, None)
            if result.cost is not None:
                self.cost = (self.cost or Decimal()) + result.cost
            balances = [points for points in (self.balance, result.balance) if points is not None]
            if balances:  # requests side by side may be answered out of turn, and points only go down
                self.balance = min(balances)

    def _say(self, plan: Plan, reason: str) -> None:
        with self._changed:
            for place in self._places_of(plan):
                self._set(place, error=reason)

    def _refuse(self, plan: Plan, error: BaseException) -> None:
        """A request that was refused before it was sent, such as one with a time that has passed meanwhile.

        If the error is about one row, the others only shared its request. A bug is about none of them.
        """
        reason, culprit = str(error), None
        outcome = RowOutcome.REFUSED_HERE
        if not isinstance(error, SmsError):
            reason, outcome = _in_words(error), RowOutcome.NOT_SENT
        if isinstance(error, InvalidMessage) and (named := _RECIPIENT.match(error.field)):
            culprit = self._places_of(plan)[int(named[1])]
            reason = f"{error.field[named.end() :]}: {error.reason}"
        with self._changed:
            for place in self._places_of(plan):
                if culprit is None or place == culprit:
                    self._set(place, outcome=outcome, error=reason, sent_at=None)
                else:
                    number = self.table.rows[culprit].number
                    shared = f"not sent, for it shared a request with row {number}, which was refused"
                    self._set(place, outcome=RowOutcome.NOT_SENT, error=shared, sent_at=None)

    def _take_outcomes(self, plan: Plan, result: SendResult) -> None:
        with self._changed:
            self._tracker.add(result)
            self._notes.update(dict.fromkeys(result.notes))
            if any(row.outcome is Outcome.UNKNOWN for row in result.outcomes):
                self._unknown.append((plan, result))
            # Where a batch is known, a report may turn out to be another row's of the same number.
            numbers = dict.fromkeys(destination.number for destination in plan.destinations)
            self._refresh(place for number in numbers for place in self._places_of_number[number])
            self._changed.notify_all()

    def _places_of(self, plan: Plan) -> tuple[int, ...]:
        """The rows of a plan, in the order of its message's recipients."""
        return tuple(self._places[destination.reference] for destination in plan.rendered)

    def _expect_all(self, plan: Plan) -> None:
        places = self._places_of(plan)
        for destination in plan.destinations:
            self._expect(places[destination.position], Key(destination.number, destination.reference))

    def _expect(self, place: int, key: Key) -> None:
        """From now on reports of this key are the row's."""
        self._tracker.expect(key.number, key.reference)
        self._keys.setdefault(place, []).append(key)
        self._place_of[key] = place
        self._places_of_number.setdefault(key.number, {})[place] = None

    def _set(self, place: int, **changes: Any) -> None:
        """Say of a row what no state of its messages says."""
        result = attrs.evolve(self._without_states[place], **changes)
        self._without_states[place] = self._results[place] = result

    def _refresh(self, places: Iterable[int]) -> None:
        for place in places:
            states = [self._tracker.state(key) for key in self._keys[place]]
            result = with_states(self._without_states[place], states)
            self._results[place] = result
            self._batches[place] = tuple(batch for state in states for batch in state.batches)
            if result.awaits_report:
                self._awaiting.add(place)
            else:
                self._awaiting.discard(place)

    def _awaited_batches(self) -> dict[str, list[str]]:
        """The batches of the rows that await a report, each with the numbers of all its rows."""
        awaited: dict[str, dict[str, None]] = {}
        for place in sorted(self._awaiting):
            awaited.update({batch: {} for batch in self._batches.get(place, ())})
        for place, batches in self._batches.items():
            numbers = dict.fromkeys(key.number for key in self._keys.get(place, ()))
            for batch in batches:
                if batch in awaited:
                    awaited[batch].update(numbers)
        return {batch: list(numbers) for batch, numbers in awaited.items()}


def _in_words(bug: BaseException) -> str:
    """What a row says of an error that is none of ours; its own text might hold anything."""
    return f"{type(bug).__name__}, which is a bug in the provider or in a middleware"
