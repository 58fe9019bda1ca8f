"""Which vendor carries which recipients: the decisions of a failover, as a conversation that does no I/O.

The next vendor is tried for those alone of whom the last one surely took nothing. A recipient whose outcome is unknown is
nobody's to send to again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic

import attrs
from attrs import define, field, frozen

from sms_core import (
    Duplicate,
    InvalidMessage,
    Message,
    NotSent,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    Plan,
    RecipientOutcome,
    SendResult,
    SmsError,
    TransportError,
    Unsupported,
    VendorError,
)
from sms_core.clocks import BeginBefore
from sms_core.errors import result_of
from sms_core.provider import Destination, Send
from sms_core_policy.vendors import ClientT, Vendor


@frozen
class AskPlan(Generic[ClientT]):
    """Ask a vendor whom of these it can carry. Answered with a `Plan`, or an `SmsError`."""

    vendor: Vendor[ClientT]
    message: Message


@frozen
class AskSend(Generic[ClientT]):
    """Send by a vendor. Answered with the `SendResult`, or the `SmsError` that was raised."""

    vendor: Vendor[ClientT]
    plan: Plan


Ask = AskPlan[Any] | AskSend[Any]


class Sending:
    """A conversation under way: ``ask`` is what its driver has to do next, None once ``result`` is there.

    ::

        while sending.ask is not None:
            with sending.answering() as answer:
                answer(…)

    What is raised within the block is the answer, too: an `SmsError` for the conversation to judge, and an interruption for
    it to tell what was sent before.
    """

    ask: Ask | None
    result: SendResult | None = None

    def __init__(self, steps: Generator[Ask, Any, SendResult]) -> None:
        self._steps = steps
        self._answer: object = None
        self._advance(steps.send, None)

    @contextmanager
    def answering(self) -> Generator[Callable[[object], None]]:
        """Go on with what is answered, or raised, within."""
        try:
            yield self._hear
        except SmsError as error:
            self._advance(self._steps.send, error)
        except BaseException as interruption:  # noqa: BLE001 - the conversation raises it again
            self._advance(self._steps.throw, interruption)
        else:
            self._advance(self._steps.send, self._answer)

    def _hear(self, answer: object) -> None:
        self._answer = answer

    def _advance(self, step: Callable[[Any], Ask], given: object) -> None:
        try:
            self.ask = step(given)
        except StopIteration as stop:
            self.ask, self.result = None, stop.value

    def conclude(self) -> SendResult:
        """The result, when nothing is asked any more."""
        assert self.result is not None
        return self.result


@frozen
class Part(Generic[ClientT]):
    """What one vendor would carry of a message. ``places`` are those in the message of the plan's own recipients."""

    vendor: Vendor[ClientT]
    plan: Plan
    places: tuple[int, ...]


@frozen
class Division(Generic[ClientT]):
    """Who would carry whom. ``refused`` are those whom nobody can carry, by their place, with the last vendor's reason."""

    message: Message
    parts: tuple[Part[ClientT], ...]
    refused: Mapping[int, SmsError]

    def plan(self) -> Plan:
        """All parts as one plan, which a failover sends."""
        rendered: list[Destination] = []
        destinations: list[Destination] = []
        sends: list[Send] = []
        duplicates: list[Duplicate] = []
        for part in self.parts:
            rendered += _moved(part.plan.rendered, part.places)
            destinations += _moved(part.plan.destinations, part.places)
            for request in part.plan.sends:
                moved = tuple(_moved(request.destinations, part.places))
                sends.append(attrs.evolve(request, message=self.message, destinations=moved))
            duplicates += [
                Duplicate(part.places[again.position], part.places[again.of]) for again in part.plan.duplicates
            ]
        return Plan(
            message=self.message,
            rendered=tuple(sorted(rendered, key=lambda destination: destination.position)),
            destinations=tuple(sorted(destinations, key=lambda destination: destination.position)),
            sends=tuple(sends),
            duplicates=tuple(duplicates),
            refused={
                place: error for place, error in self.refused.items() if isinstance(error, InvalidMessage | Unsupported)
            },
        )


def _moved(destinations: Iterable[Destination], places: Sequence[int]) -> list[Destination]:
    return [attrs.evolve(destination, position=places[destination.position]) for destination in destinations]


def divide(message: Message, vendors: Sequence[Vendor[ClientT]]) -> Division[ClientT]:
    """Ask each vendor in turn whom it would carry, of those that are left. Sends nothing."""
    message = with_references(message)
    left = list(range(len(message.to)))
    parts: list[Part[ClientT]] = []
    refused: dict[int, SmsError] = {}
    for vendor in vendors:
        if not left:
            break
        part = attrs.evolve(message, to=[message.to[place] for place in left])
        try:
            plan = vendor.client.plan(part, skip_refused=True)
        except (InvalidMessage, Unsupported) as error:
            refused.update(dict.fromkeys(left, error))
            continue
        if plan.sends:
            parts.append(Part(vendor, plan, tuple(left)))
        refused = {left[position]: error for position, error in plan.refused.items()}
        left = list(refused)
    return Division(message, tuple(parts), {place: refused[place] for place in left if place in refused})


@frozen
class Rules:
    """What a failover was told. ``refusals`` are errors of a vendor's refusal after which the next one is tried."""

    name: str
    refusals: tuple[type[VendorError], ...]
    rest: float
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]


@define(eq=False)
class _Journey:
    """What became of each recipient so far, by its place in the message; a text in pieces has several rows.

    ``places`` are those of the recipients who are to be sent to, and ``begin_before`` is when no request may begin any more.
    """

    message: Message
    places: tuple[int, ...]
    begin_before: BeginBefore | None = None
    rows: dict[int, list[RecipientOutcome]] = field(factory=dict)
    parts: list[SendResult] = field(factory=list)
    notes: list[str] = field(factory=list)
    taken: dict[str, str] = field(factory=dict)
    duplicates: tuple[Duplicate, ...] = ()
    refusals: dict[int, SmsError] = field(factory=dict)
    reason: SmsError | None = None


def with_references(message: Message) -> Message:
    """The message with a reference for each recipient, the same at each vendor, as a client would make them."""
    reference = message.reference or secrets.token_hex(8)
    several = len(message.to) > 1
    to = [
        recipient
        if recipient.reference
        else attrs.evolve(recipient, reference=f"{reference}-{place}" if several else reference)
        for place, recipient in enumerate(message.to)
    ]
    return attrs.evolve(message, reference=reference, to=to)


def send(
    message: Message | Plan, vendors: Sequence[Vendor[ClientT]], rules: Rules, took: Callable[[str, str], object]
) -> Generator[Ask, Any, SendResult]:
    """Send by the first vendor that can; what it surely did not take, by the next. Raises as `sms_core.Client.send`.

    ``took`` hears each batch id with its vendor's name.
    """
    sent_at = rules.clock()
    journey = _journey(message)
    left = list(journey.places)
    try:
        for vendor in vendors:
            if not left:
                break
            if not vendor.may_be_tried(rules.monotonic()):
                journey.notes.append(f"{rules.name}: {vendor.name} rests")
                continue
            left = yield from _by(vendor, journey, left, rules, took)
    except BaseException as interruption:
        known = result_of(interruption)
        if known is None and isinstance(interruption, SmsError):
            raise
        if known is not None:
            journey.parts.append(known)
        _attach(interruption, _result(journey, sent_at, known))
        raise
    return _concluded(journey, sent_at)


def _journey(message: Message | Plan) -> _Journey:
    if isinstance(message, Message):
        return _Journey(with_references(message), tuple(range(len(message.to))))
    reference_of = {destination.position: destination.reference for destination in message.rendered}
    to = [
        attrs.evolve(recipient, reference=reference_of.get(place, recipient.reference))
        for place, recipient in enumerate(message.message.to)
    ]
    limit = next((send.begin_before for send in message.sends), None)
    whole = attrs.evolve(message.message, to=to)
    return _Journey(whole, tuple(reference_of), limit, duplicates=message.duplicates)


def _by(
    vendor: Vendor[ClientT],
    journey: _Journey,
    left: list[int],
    rules: Rules,
    took: Callable[[str, str], object],
) -> Generator[Ask, Any, list[int]]:
    """Try one vendor; gives those who are left for the next."""
    connected: bool | None = None
    try:
        part = attrs.evolve(journey.message, to=[journey.message.to[place] for place in left])
        plan = yield AskPlan(vendor, part)
        if isinstance(plan, SmsError):
            journey.refusals.update(dict.fromkeys(left, plan))
            journey.reason = plan
            return left
        _note_plan(journey, plan, left)
        repeated = {duplicate.position for duplicate in plan.duplicates}
        refused = [left[position] for position in plan.refused]
        if not plan.sends:
            return refused
        if journey.begin_before is not None:
            plan = plan.begin_before(journey.begin_before)
        answer = yield AskSend(vendor, plan)
        result = _result_of(answer, plan)
        if not isinstance(answer, InvalidMessage | Unsupported):
            connected = not _is_out_of_reach(result)
        for batch in result.batches:
            took(batch, vendor.name)
            journey.notes.append(f"{rules.name}: {vendor.name} took batch {batch}")
        if any(row.outcome is Outcome.UNKNOWN for row in result.outcomes):
            journey.notes.append(f"{rules.name}: unknown at {vendor.name}")
        if isinstance(answer, SmsError):
            if hasattr(answer, "sms_result"):  # a plugin's error broke the send off: it goes on its way
                raise answer
            journey.reason = answer
        again = _note_rows(journey, result, plan, left, rules.refusals)
        return sorted({*refused, *again} - {left[position] for position in repeated})
    finally:
        vendor.note(rules.monotonic(), rules.rest, connected=connected)


def _note_plan(journey: _Journey, plan: Plan, left: Sequence[int]) -> None:
    journey.refusals.update({left[position]: error for position, error in plan.refused.items()})
    known = {duplicate.position for duplicate in journey.duplicates}
    for repeated in plan.duplicates:
        if left[repeated.position] not in known:
            again = Duplicate(left[repeated.position], left[repeated.of])
            journey.duplicates = (*journey.duplicates, again)


def _result_of(answer: SendResult | SmsError, plan: Plan) -> SendResult:
    if isinstance(answer, SendResult):
        return answer
    found = result_of(answer)
    if found is not None:
        return found
    # Raised before anything was sent: what a limit or the vendor's own code refuses.
    is_before = isinstance(answer, InvalidMessage | Unsupported)
    outcome = Outcome.NOT_SENT if is_before else Outcome.UNKNOWN
    return SendResult(tuple(_row(destination, outcome, answer) for destination in plan.destinations))


def _row(destination: Destination, outcome: Outcome, error: SmsError) -> RecipientOutcome:
    return RecipientOutcome(destination.number, outcome, None, destination.reference, error)


def _is_out_of_reach(result: SendResult) -> bool:
    return any(
        row.outcome is Outcome.NOT_SENT and isinstance(row.error, TransportError) and not row.error.sent
        for row in result.outcomes
    )


def _note_rows(
    journey: _Journey, result: SendResult, plan: Plan, left: Sequence[int], refusals: tuple[type[VendorError], ...]
) -> list[int]:
    """Keep the rows; gives those recipients who may be sent to again."""
    position_of = {destination.reference: destination.position for destination in plan.destinations}
    rows: dict[int, list[RecipientOutcome]] = {}
    for row in result.outcomes:
        rows.setdefault(left[position_of[row.reference]], []).append(row)
    journey.rows.update(rows)
    journey.parts.append(result)
    return [place for place, several in rows.items() if all(_is_free(row, refusals) for row in several)]


def _is_free(row: RecipientOutcome, refusals: tuple[type[VendorError], ...]) -> bool:
    """Whether this vendor surely took nothing, so that the next may be asked."""
    if row.outcome is Outcome.NOT_SENT:
        return True
    return row.outcome is Outcome.REFUSED and isinstance(row.error, refusals)


def _result(journey: _Journey, sent_at: datetime, interrupted: SendResult | None = None) -> SendResult:
    """All parts together, a row for each recipient that was told apart."""
    by_reference = {row.reference: row for row in interrupted.outcomes} if interrupted else {}
    repeated = {duplicate.position for duplicate in journey.duplicates}
    rows: list[RecipientOutcome] = []
    for place in journey.places:
        if place in repeated:
            continue
        recipient = journey.message.to[place]
        known = journey.rows.get(place) or []
        if recipient.reference in by_reference:
            known = [by_reference[recipient.reference]]
        rows.extend(
            known
            or [
                RecipientOutcome(
                    recipient.number, Outcome.NOT_SENT, None, recipient.reference, journey.refusals.get(place)
                )
            ]
        )
    costs = [part.cost for part in journey.parts if part.cost is not None]
    return SendResult(
        outcomes=tuple(rows),
        accepted=sum(part.accepted for part in journey.parts),
        unsent=sum(row.outcome in (Outcome.REFUSED, Outcome.NOT_SENT) for row in rows),
        cost=sum(costs, Decimal()) if costs else None,
        batches=tuple(batch for part in journey.parts for batch in part.batches),
        duplicates=journey.duplicates,
        message=journey.message,
        sent_at=sent_at,
        raw=tuple(answer for part in journey.parts for answer in part.raw),
        notes=tuple(dict.fromkeys([*journey.notes, *(note for part in journey.parts for note in part.notes)])),
    )


def _concluded(journey: _Journey, sent_at: datetime) -> SendResult:
    """The result where every recipient was accepted; else what its outcomes come to, as after any send."""
    result = _result(journey, sent_at)
    found = {row.outcome for row in result.outcomes}
    reason = f": {journey.reason}" if journey.reason else ""
    if found == {Outcome.ACCEPTED}:
        return result
    if Outcome.UNKNOWN in found:
        raise OutcomeUnknown(f"some may have been sent{reason}; settle() asks the vendor that has them", result)
    if Outcome.ACCEPTED in found:
        raise PartiallySent(f"some were sent, the others surely not{reason}", result)
    if isinstance(journey.reason, VendorError):
        raise journey.reason.with_result(result)
    if not journey.parts and isinstance(journey.reason, InvalidMessage | Unsupported):
        raise journey.reason
    if not journey.parts and journey.refusals:
        raise journey.refusals[min(journey.refusals)]
    raise NotSent(f"no vendor took it{reason}", result)


def _attach(interruption: BaseException, result: SendResult) -> None:
    interruption.sms_result = result  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
