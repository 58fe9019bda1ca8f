"""One state for each message and recipient, folded from results, reports and replies in whatever order they come.

A `MessageState` holds what was told of one message to one number, each thing once, and everything else is read
off that. So folding is the union of sets: late, doubled and disordered facts change nothing, and states are facts
themselves: ``fold(fold(some).values(), others) == fold(some, others)``. A status is the highest in `STANDING` that
was reported, so it never goes back.

Whose is it?

* Your reference and the number name a message, before there is a batch id and after. So give each message its own
  reference (the library makes one up where you give none). Another send under the same reference is another
  attempt at the same message.
* A report or a reply names a batch and a number. It belongs to the message there that has its reference; else, since
  some vendors make up references of their own, to the one that is the number's only text in the batch.
* While no result names that batch for the number, a report's reference alone finds the message that has no batch id
  yet: so it proves what became of an unknown send. If a result then shows that the batch is another message's (the
  vendor made up just this reference), the report is laid to that one.
* What belongs to no message known here waits in a state of its own, which has no ``attempts``: a report that came
  before its result, a reply without a batch id. It goes to its message as soon as that is told.

The facts of one fold are those of one account at one vendor: elsewhere the same batch id means another batch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any, TypeAlias, TypeVar

import attrs
from attrs import define, field, frozen

from sms_core.errors import SendError
from sms_core.masking import mask, mask_numbers
from sms_core.model import DeliveryReport, DeliveryStatus, InboundMessage, Outcome, RecipientOutcome, SendResult

STANDING = (
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
"""Each status stands against those before it.

What is final stands against what is not. Of two final ones that contradict each other, the one that shows the message
further on its way stands: it stayed at the vendor, the carrier refused it, the handset was tried, the handset has it.
``FAILED`` does not say where, so any other does better. Of two reports with the same status the later one stands.
"""

WITHIN_AN_ATTEMPT = (Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.REFUSED, Outcome.ACCEPTED)
"""Each outcome of one attempt stands against those before it: settling turns unknown into known."""

AMONG_ATTEMPTS = (Outcome.NOT_SENT, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.ACCEPTED)
"""Of several attempts, one that was taken stands against all; then one that may have been, lest it is sent twice."""

_RANK = {status: rank for rank, status in enumerate(STANDING)}
_RANK_WITHIN = {outcome: rank for rank, outcome in enumerate(WITHIN_AN_ATTEMPT)}
_RANK_AMONG = {outcome: rank for rank, outcome in enumerate(AMONG_ATTEMPTS)}
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
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

    ``attempts`` are in the order of time, ``reports`` from the one that stands to the one that counts least,
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
        told = (one.batch_id for one in _events(self))
        return tuple(dict.fromkeys(filter(None, (*_batches_of(self.attempts), *told))))

    @property
    def batch_id(self) -> str | None:
        """The vendor's id for it, of several the first; None where none is known."""
        return next(iter(self.batches), None)

    @property
    def outcome(self) -> Outcome | None:
        """What became of the send. None where nothing tells: no result, and no report that proves it.

        Any report proves that the vendor took the message, but one that says that credit was lacking.
        """
        if any(one.status is not DeliveryStatus.NO_CREDIT for one in self.reports):
            return Outcome.ACCEPTED
        return self._decisive.outcome if self._decisive else None

    @property
    def reason(self) -> str:
        """Why it was not accepted, numbers masked; "" where it was, or where nothing says why."""
        return self._decisive.reason if self._decisive and self.outcome is not Outcome.ACCEPTED else ""

    @property
    def report(self) -> DeliveryReport | None:
        """The report that stands, None before the first."""
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
        """When the vendor sent it (aware), by the report that stands highest among those that say so."""
        return next((one.sent_at for one in self.reports if one.sent_at is not None), None)

    @property
    def done_at(self) -> datetime | None:
        """When it came to its status (aware); None where the vendor does not say."""
        return self.report.done_at if self.report else None

    @property
    def cost(self) -> Decimal | None:
        """Points, by the report that stands highest among those that say so."""
        return next((one.cost for one in self.reports if one.cost is not None), None)

    @property
    def _decisive(self) -> Attempt | None:
        broke = {one.batch_id for one in self.reports if one.status is DeliveryStatus.NO_CREDIT}
        latest = {one.sent_at: one for one in self.attempts}  # the last of each attempt stands
        settled = (
            attrs.evolve(one, outcome=Outcome.REFUSED)
            if one.outcome is Outcome.UNKNOWN and one.batch_id in broke
            else one
            for one in latest.values()
        )
        return max(settled, key=lambda one: (_RANK_AMONG[one.outcome], one.sent_at or _BEFORE_ALL), default=None)


Fact: TypeAlias = SendResult | SendError | DeliveryReport | InboundMessage | MessageState
"""What can be learned of messages; a `SendError` stands for its result, a state for all that was folded into it."""


def fold(*facts: Iterable[Fact]) -> dict[Key, MessageState]:
    """One state for each message and recipient, whatever the order and repetition of the facts.

    Each argument holds facts: ``fold([result], sms.reports(result))``. To add facts to states, fold both: of the
    states, those of the `numbers_in` the facts are enough. A state of what belonged to no message is gone once its
    message is told, so replace the old ones by the new. Raises `TypeError` for what is no fact, and `ValueError`
    for an outcome without a reference.
    """
    told = _Told()
    for fact in chain.from_iterable(facts):
        told.add(fact)
    return told.states()


def numbers_in(*facts: Iterable[Fact]) -> set[str]:
    """The numbers (E.164) that these facts tell of. Raises `TypeError` for what is no fact."""
    return {number for fact in chain.from_iterable(facts) for number in _numbers(fact)}


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


T = TypeVar("T", DeliveryReport, InboundMessage)


def _standing(report: DeliveryReport) -> tuple[Any, ...]:
    """A total order, so that even reports that differ in nothing that matters stand in one order."""
    times = report.done_at or _BEFORE_ALL, report.sent_at or _BEFORE_ALL
    cost = "" if report.cost is None else str(report.cost)
    words = report.vendor_code, report.vendor_text, report.batch_id, report.reference, report.key
    return _RANK[report.status], *times, cost, *words


def _arrival(reply: InboundMessage) -> tuple[Any, ...]:
    return reply.received_at or _BEFORE_ALL, reply.batch_id, reply.text, reply.key


def _course(attempt: Attempt) -> tuple[Any, ...]:
    within = _RANK_WITHIN[attempt.outcome], attempt.batch_id or "", attempt.alone, attempt.reason
    return attempt.sent_at or _BEFORE_ALL, *within


@define
class _Told:
    """The facts, each once, under the key that they name themselves."""

    attempts: defaultdict[Key, set[Attempt]] = field(factory=lambda: defaultdict(set))
    reports: defaultdict[Key, dict[object, DeliveryReport]] = field(factory=lambda: defaultdict(dict))
    replies: defaultdict[Key, dict[object, InboundMessage]] = field(factory=lambda: defaultdict(dict))

    def add(self, fact: Fact) -> None:
        match fact:
            case DeliveryReport():
                _keep(self.reports[Key(fact.number, fact.reference, fact.batch_id)], fact, _standing)
            case InboundMessage():
                _keep(self.replies[Key(fact.number, "", fact.batch_id)], fact, _arrival)
            case MessageState():
                if fact.attempts:
                    self.attempts[fact.key].update(fact.attempts)
                for event in _events(fact):
                    self.add(event)
            case _:
                for key, attempt in _attempts(_result(fact)):
                    self.attempts[key].add(attempt)

    def states(self) -> dict[Key, MessageState]:
        owners = _Owners(self.attempts)
        reports = _laid_to(owners, self.reports)
        replies = _laid_to(owners, self.replies)
        return {
            key: MessageState(
                number=key.number,
                reference=key.reference,
                attempts=tuple(sorted(self.attempts.get(key, ()), key=_course)),
                reports=tuple(sorted(reports.get(key, ()), key=_standing, reverse=True)),
                replies=tuple(sorted(replies.get(key, ()), key=_arrival)),
            )
            for key in dict.fromkeys((*self.attempts, *reports, *replies))
        }


def _keep(kept: dict[object, T], event: T, order: Callable[[T], tuple[Any, ...]]) -> None:
    """Each event once. Which of two with one key is kept does not depend on which came first."""
    identity = event.key or order(event)
    if identity not in kept or order(kept[identity]) < order(event):
        kept[identity] = attrs.evolve(event, raw={}) if event.raw else event


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
    return (one.batch_id for one in attempts if one.batch_id and one.outcome in _MAY_BE_IN_THE_BATCH)


class _Owners:
    """Which messages an event belongs to: the rules of the module's docstring."""

    def __init__(self, attempts: Mapping[Key, set[Attempt]]) -> None:
        self._batches = {key: set(_batches_of(told)) for key, told in attempts.items()}
        self._alone: dict[Key, list[Key]] = {
            Key(key.number, "", batch): [] for key, batches in self._batches.items() for batch in batches
        }
        for key, told in attempts.items():
            for batch in set(_batches_of(one for one in told if one.alone)):
                self._alone[Key(key.number, "", batch)].append(key)

    def of(self, event: Key) -> list[Key]:
        """The keys of the states that an event of this key is laid to; its own where there is none."""
        place, named = Key(event.number, "", event.batch_id), Key(event.number, event.reference)
        batches = self._batches.get(named)
        if batches is not None and (event.batch_id in batches or (not batches and place not in self._alone)):
            return [named]
        return self._alone.get(place) or [event]


def _laid_to(owners: _Owners, told: Mapping[Key, Mapping[object, T]]) -> dict[Key, list[T]]:
    found: dict[Key, list[T]] = {}
    for key, events in told.items():
        for owner in owners.of(key):
            found.setdefault(owner, []).extend(events.values())
    return found
