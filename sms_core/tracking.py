"""One state for each message and recipient, folded from results, reports and replies in whatever order they come.

A `MessageState` holds what was learned of one message to one number, each fact once; everything else is computed from
those facts. So folding is the union of sets: late, repeated and reordered facts change nothing, and states are facts
themselves: ``fold(fold(some).values(), others) == fold(some, others)``. The status is the reported one that comes last
in `STATUS_ORDER`, so it never goes back.

Which message does a report or a reply belong to?

* Your reference and the number name a message, before there is a batch id and after. So give each message its own
  reference (the library makes one up where you give none). Another send under the same reference is another
  attempt at the same message.
* A report or a reply names a batch and a number. It belongs to the message there that has its reference; else, since
  some vendors make up references of their own, to the one that is the number's only text in the batch.
* While no result names that batch for the number, a report's reference alone finds the message that has no batch id
  yet: so it proves what became of an unknown send. If a result then shows that the batch is another message's (the
  vendor made up just this reference), the report moves to that one.
* What belongs to no message known here waits in a state of its own, which has no ``attempts``: a report that came
  before its result, a reply without a batch id. It goes to its message as soon as that is known.

`fold` is for facts that are at hand, `Tracker` for those that come one by one. The facts of one fold are those of one
account at one vendor: elsewhere the same batch id means another batch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any, TypeAlias, TypeVar

import attrs
from attrs import field, frozen

from sms_core.errors import SendError
from sms_core.masking import mask, mask_numbers
from sms_core.model import DeliveryReport, DeliveryStatus, InboundMessage, Outcome, RecipientOutcome, SendResult

STATUS_ORDER = (
    DeliveryStatus.UNKNOWN,
    DeliveryStatus.ACCEPTED,
    DeliveryStatus.SCHEDULED,
    DeliveryStatus.SENT,
    DeliveryStatus.FAILED,
    DeliveryStatus.NO_CREDIT,
    DeliveryStatus.CANCELLED,
    DeliveryStatus.REJECTED,
    DeliveryStatus.BLOCKED,
    DeliveryStatus.UNDELIVERABLE,
    DeliveryStatus.EXPIRED,
    DeliveryStatus.DELIVERED,
)
"""Of several reported statuses, the one that comes last here counts.

Final statuses come after those that are not. Of two final ones that contradict each other, the one that shows the
message further on its way counts: it stayed at the vendor, the carrier refused it, the handset was tried, the handset
has it. ``FAILED`` does not say where, so it comes first of them. Of two reports with the same status the later one
counts.
"""

OUTCOME_ORDER_WITHIN_ATTEMPT = (Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.REFUSED, Outcome.ACCEPTED)
"""Of several outcomes told of one attempt, the last one here counts: settling turns unknown into known."""

OUTCOME_ORDER_AMONG_ATTEMPTS = (Outcome.NOT_SENT, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.ACCEPTED)
"""Of several attempts, the last one here counts: one that was taken, then one that may have been, lest it is sent twice."""

_STATUS_RANK = {status: rank for rank, status in enumerate(STATUS_ORDER)}
_RANK_WITHIN_ATTEMPT = {outcome: rank for rank, outcome in enumerate(OUTCOME_ORDER_WITHIN_ATTEMPT)}
_RANK_AMONG_ATTEMPTS = {outcome: rank for rank, outcome in enumerate(OUTCOME_ORDER_AMONG_ATTEMPTS)}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_MAY_BE_IN_THE_BATCH = {Outcome.UNKNOWN, Outcome.ACCEPTED}
"""A refusal may name the earlier batch for which the message was held back."""


@frozen
class Key:
    """What a state is kept under.

    Of a message known from a result: its ``number`` (E.164) and your ``reference``. Of what belongs to no such
    message: the ``number``, the ``reference`` and the ``batch_id`` that the vendor gave, "" where it gave none.
    """

    number: str = field(repr=mask)
    reference: str = ""
    batch_id: str = ""


@frozen
class Attempt:
    """What one result told of one recipient.

    ``sent_at`` is when the send began, and tells attempts apart. ``alone`` is True where the number got no other text
    in this batch. ``reason`` is the error's text, numbers masked.
    """

    sent_at: datetime | None
    outcome: Outcome
    batch_id: str | None = None
    alone: bool = False
    reason: str = ""


@frozen
class MessageState:
    """All that is known of one message to one number (E.164); `fold` makes it.

    ``attempts`` are in the order of time, ``reports`` from the one that counts most to the one that counts least,
    ``replies`` in the order of time. Reports and replies are kept without their ``raw``.
    """

    number: str = field(repr=mask)
    reference: str = ""
    attempts: tuple[Attempt, ...] = ()
    reports: tuple[DeliveryReport, ...] = ()
    replies: tuple[InboundMessage, ...] = ()

    @property
    def key(self) -> Key:
        """What this state is kept under."""
        return Key(self.number, self.reference, "" if self.attempts else self.batch_id or "")

    @property
    def batches(self) -> tuple[str, ...]:
        """The vendor's ids for it, the first attempt's first. More than one: it was taken more than once."""
        by_events = (event.batch_id for event in _events(self))
        return tuple(dict.fromkeys(filter(None, (*_batches_of(self.attempts), *by_events))))

    @property
    def batch_id(self) -> str | None:
        """The vendor's id for it, of several the first; None where none is known."""
        return next(iter(self.batches), None)

    @property
    def outcome(self) -> Outcome | None:
        """What became of the send. None where nothing tells: no result, and no report that proves it.

        Any report proves that the vendor took the message, but one that says that credit was lacking.
        """
        if any(report.status is not DeliveryStatus.NO_CREDIT for report in self.reports):
            return Outcome.ACCEPTED
        return self._decisive.outcome if self._decisive else None

    @property
    def reason(self) -> str:
        """Why it was not accepted, numbers masked; "" where it was, or where nothing says why."""
        return self._decisive.reason if self._decisive and self.outcome is not Outcome.ACCEPTED else ""

    @property
    def report(self) -> DeliveryReport | None:
        """The report that counts, None before the first."""
        return next(iter(self.reports), None)

    @property
    def status(self) -> DeliveryStatus | None:
        """Where the message is, as far as was reported; None before the first report."""
        return self.report.status if self.report else None

    @property
    def vendor_code(self) -> str:
        """The vendor's own code for the status, "" where there is none."""
        return self.report.vendor_code if self.report else ""

    @property
    def vendor_text(self) -> str:
        """The vendor's own words for the status, "" where there are none."""
        return self.report.vendor_text if self.report else ""

    @property
    def sent_at(self) -> datetime | None:
        """When the vendor sent it (aware), by the report that counts most among those that say so."""
        return next((report.sent_at for report in self.reports if report.sent_at is not None), None)

    @property
    def done_at(self) -> datetime | None:
        """When it came to its status (aware); None where the vendor does not say."""
        return self.report.done_at if self.report else None

    @property
    def cost(self) -> Decimal | None:
        """Points, by the report that counts most among those that say so."""
        return next((report.cost for report in self.reports if report.cost is not None), None)

    @property
    def _decisive(self) -> Attempt | None:
        """The attempt that decides what became of the send."""
        latest = {attempt.sent_at: attempt for attempt in self.attempts}  # in order, so the last of each time stays
        attempts = _with_unpaid(list(latest.values()), self.reports)
        return max(attempts, key=_rank_among_attempts, default=None)


def _with_unpaid(attempts: list[Attempt], reports: Iterable[DeliveryReport]) -> list[Attempt]:
    """The attempts, with those refused that a report says lacked credit.

    It says so of the unknown attempt in its batch; or, where no attempt names that batch, of the only one that is
    unknown and has no batch.
    """
    unpaid = {report.batch_id: report for report in reports if report.status is DeliveryStatus.NO_CREDIT}
    if not unpaid:
        return attempts
    unnamed = [attempt for attempt in attempts if attempt.outcome is Outcome.UNKNOWN and not attempt.batch_id]
    of_no_attempt = unpaid.keys() - {attempt.batch_id for attempt in attempts}
    decided = []
    for attempt in attempts:
        report = unpaid.get(attempt.batch_id or "")
        if not attempt.batch_id and len(unnamed) == 1 and of_no_attempt:
            report = unpaid[min(of_no_attempt)]
        if report is None or attempt.outcome is not Outcome.UNKNOWN:
            decided.append(attempt)
            continue
        reason = mask_numbers(report.vendor_text) or attempt.reason
        decided.append(attrs.evolve(attempt, outcome=Outcome.REFUSED, reason=reason))
    return decided


def _rank_among_attempts(attempt: Attempt) -> tuple[int, datetime]:
    return _RANK_AMONG_ATTEMPTS[attempt.outcome], attempt.sent_at or _LONG_AGO


Fact: TypeAlias = SendResult | SendError | DeliveryReport | InboundMessage | MessageState
"""What can be learned of messages; a `SendError` stands for its result, a state for all that was folded into it."""


def fold(*facts: Iterable[Fact]) -> dict[Key, MessageState]:
    """One state for each message and recipient, whatever the order and repetition of the facts.

    Each argument holds facts: ``fold([result], sms.reports(result))``. To add facts to states, fold both: of the
    states, those of the `numbers_in` the facts are enough. A state of what belonged to no message is gone once its
    message is known, so replace the old ones by the new. Raises `TypeError` for what is no fact, and `ValueError`
    for an outcome without a reference.
    """
    tracker = Tracker()
    for fact in chain.from_iterable(facts):
        tracker.add(fact)
    return tracker.states()


def numbers_in(*facts: Iterable[Fact]) -> set[str]:
    """The numbers (E.164) that these facts tell of. Raises `TypeError` for what is no fact."""
    return {number for fact in chain.from_iterable(facts) for number in _numbers(fact)}


class Tracker:
    """Facts that come one by one. Its `states` are at every moment what `fold` makes of the facts so far.

    To add a fact or to ask for one state takes no longer when there are many. Threads have to take turns.
    """

    def __init__(self) -> None:
        self._attempts: dict[Key, set[Attempt]] = {}
        # What vendors told, under the key that it names itself: number, reference and batch.
        self._reports: defaultdict[Key, dict[object, DeliveryReport]] = defaultdict(dict)
        self._replies: defaultdict[Key, dict[object, InboundMessage]] = defaultdict(dict)
        # Three indexes: which of those keys name a message or a place, the batches of each message, and who is alone
        # where. A place is a number in a batch.
        self._events: defaultdict[Key, dict[Key, None]] = defaultdict(dict)
        self._batches: dict[Key, set[str]] = {}
        self._alone: dict[Key, dict[Key, None]] = {}

    def add(self, fact: Fact) -> None:
        """Take a fact in. Raises as `fold` does."""
        match fact:
            case DeliveryReport():
                key = Key(fact.number, fact.reference, fact.batch_id)
                self._note_event(key)
                _keep(self._reports[key], fact, _report_order)
            case InboundMessage():
                key = Key(fact.number, "", fact.batch_id)
                self._note_event(key)
                _keep(self._replies[key], fact, _reply_order)
            case MessageState():
                for attempt in fact.attempts:
                    self._add_attempt(fact.key, attempt)
                for event in _events(fact):
                    self.add(event)
            case _:
                for key, attempt in _attempts(_result(fact)):
                    self._add_attempt(key, attempt)

    def expect(self, number: str, reference: str) -> Key:
        """Make a message known before its result is: from now on its reference finds it. Gives its key."""
        key = Key(number, reference)
        self._attempts.setdefault(key, set())
        self._batches.setdefault(key, set())
        return key

    def owners(self, event: DeliveryReport | InboundMessage) -> list[Key]:
        """The keys of the messages that a report or a reply belongs to, by the rules of this module's docstring.

        Mostly one. Where it belongs to no message known so far, the key of the state in which it waits.
        """
        reference = event.reference if isinstance(event, DeliveryReport) else ""
        return self._owners_of(Key(event.number, reference, event.batch_id))

    def state(self, key: Key) -> MessageState:
        """All that is known under this key; a state without facts where nothing is."""
        named = self._events.get(key, {})
        placed = chain.from_iterable(self._events.get(place, {}) for place in self._places_alone(key))
        candidates = dict.fromkeys((key, *named, *placed))
        return self._state(key, [event for event in candidates if key in self._owners_of(event)])

    def states(self) -> dict[Key, MessageState]:
        """One state for each message and recipient."""
        events: dict[Key, list[Key]] = {key: [] for key in self._attempts}
        for event in dict.fromkeys((*self._reports, *self._replies)):
            for owner in self._owners_of(event):
                events.setdefault(owner, []).append(event)
        return {key: self._state(key, found) for key, found in events.items()}

    def _note_event(self, event: Key) -> None:
        self._events[Key(event.number, event.reference)][event] = None
        self._events[_place(event.number, event.batch_id)][event] = None

    def _add_attempt(self, key: Key, attempt: Attempt) -> None:
        self._attempts.setdefault(key, set()).add(attempt)
        batches = self._batches.setdefault(key, set())
        if attempt.batch_id and attempt.outcome in _MAY_BE_IN_THE_BATCH:
            batches.add(attempt.batch_id)
            alone = self._alone.setdefault(_place(key.number, attempt.batch_id), {})
            if attempt.alone:
                alone[key] = None

    def _places_alone(self, key: Key) -> list[Key]:
        places = [_place(key.number, batch) for batch in self._batches.get(key, ())]
        return [place for place in places if key in self._alone[place]]

    def _owners_of(self, event: Key) -> list[Key]:
        place = _place(event.number, event.batch_id)
        named = Key(event.number, event.reference)
        batches = self._batches.get(named)
        if batches is not None and (event.batch_id in batches or (not batches and place not in self._alone)):
            return [named]
        return list(self._alone.get(place, ())) or [event]

    def _state(self, key: Key, events: Iterable[Key]) -> MessageState:
        reports: list[DeliveryReport] = []
        replies: list[InboundMessage] = []
        for event in events:
            reports.extend(self._reports.get(event, {}).values())
            replies.extend(self._replies.get(event, {}).values())
        return MessageState(
            number=key.number,
            reference=key.reference,
            attempts=tuple(sorted(self._attempts.get(key, ()), key=_attempt_order)),
            reports=tuple(sorted(reports, key=_report_order, reverse=True)),
            replies=tuple(sorted(replies, key=_reply_order)),
        )


def _place(number: str, batch_id: str) -> Key:
    """A number in a batch, whatever the reference."""
    return Key(number, "", batch_id)


def _numbers(fact: Fact) -> Iterable[str]:
    match fact:
        case DeliveryReport() | InboundMessage() | MessageState():
            return (fact.number,)
        case _:
            return (row.number for row in _result(fact).outcomes)


def _result(fact: object) -> SendResult:
    match fact:
        case SendResult():
            return fact
        case SendError(result=SendResult() as result):
            return result
        case _:
            raise TypeError(f"{type(fact).__name__} tells nothing of a message")


EventT = TypeVar("EventT", DeliveryReport, InboundMessage)


def _keep(kept: dict[object, EventT], event: EventT, order: Callable[[EventT], tuple[Any, ...]]) -> None:
    """Each event once. Which of two with one key is kept does not depend on which came first."""
    identity = event.key or order(event)
    if identity not in kept or order(kept[identity]) < order(event):
        kept[identity] = attrs.evolve(event, raw={}) if event.raw else event


# Total orders, so that even facts that differ in nothing that matters come in one order.


def _report_order(report: DeliveryReport) -> tuple[Any, ...]:
    times = report.done_at or _LONG_AGO, report.sent_at or _LONG_AGO
    cost = "" if report.cost is None else str(report.cost)
    words = report.vendor_code, report.vendor_text, report.batch_id, report.reference, report.key
    return _STATUS_RANK[report.status], *times, cost, *words


def _reply_order(reply: InboundMessage) -> tuple[Any, ...]:
    return reply.received_at or _LONG_AGO, reply.batch_id, reply.text, reply.key


def _attempt_order(attempt: Attempt) -> tuple[Any, ...]:
    within = _RANK_WITHIN_ATTEMPT[attempt.outcome], attempt.batch_id or "", attempt.alone, attempt.reason
    return attempt.sent_at or _LONG_AGO, *within


def _attempts(result: SendResult) -> Iterator[tuple[Key, Attempt]]:
    texts = Counter((row.number, row.batch_id) for row in result.outcomes if row.outcome in _MAY_BE_IN_THE_BATCH)
    for row in result.outcomes:
        if not row.reference:
            raise ValueError("an outcome without a reference cannot be told from others of its number")
        alone = bool(row.batch_id) and texts[row.number, row.batch_id] == 1
        yield Key(row.number, row.reference), Attempt(result.sent_at, row.outcome, row.batch_id, alone, _reason(row))


def _reason(row: RecipientOutcome) -> str:
    return mask_numbers(str(row.error)) if row.error else ""


def _events(state: MessageState) -> tuple[DeliveryReport | InboundMessage, ...]:
    return (*state.reports, *state.replies)


def _batches_of(attempts: Iterable[Attempt]) -> Iterator[str]:
    return (attempt.batch_id for attempt in attempts if attempt.batch_id and attempt.outcome in _MAY_BE_IN_THE_BATCH)
