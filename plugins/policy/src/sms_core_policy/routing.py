"""Which vendor carries which recipients: the decisions of a failover, as a conversation that does no I/O.

The next vendor is tried for those alone of whom the last one surely took nothing. A recipient whose outcome is unknown is
nobody's to send to again.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import attrs
from attrs import define, field, frozen

from sms_core import (
    AsyncClient,
    Client,
    Duplicate,
    InvalidMessage,
    Message,
    NotSent,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    Plan,
    RecipientOutcome,
    SendError,
    SendResult,
    SmsError,
    TransportError,
    Unsupported,
    VendorError,
)
from sms_core.provider import Destination

ClientT = TypeVar("ClientT", bound=Client | AsyncClient)


@define(eq=False)
class Vendor(Generic[ClientT]):
    """One of the clients, and whether it rests. ``name`` tells it from the others."""

    name: str
    client: ClientT
    rests_until: float = 0.0
    is_tried: bool = False
    lock: threading.Lock = field(factory=threading.Lock, repr=False)

    def may_be_tried(self, now: float) -> bool:
        """Whether it does not rest. After its rest one send alone tries it, until that has ended (half-open)."""
        with self.lock:
            if not self.rests_until:
                return True
            if now < self.rests_until or self.is_tried:
                return False
            self.is_tried = True
            return True

    def note(self, now: float, rest: float, *, connected: bool | None) -> None:
        """Note whether it could be reached; None where nobody tried."""
        with self.lock:
            self.is_tried = False
            if connected is not None:
                self.rests_until = 0.0 if connected else now + rest


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
    """What became of each recipient so far, by its place in the message; a text in pieces has several rows."""

    message: Message
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
    message: Message, vendors: Sequence[Vendor[ClientT]], rules: Rules, took: Callable[[str, str], object]
) -> Generator[Ask, Any, SendResult]:
    """Send by the first vendor that can; what it surely did not take, by the next. Raises as `sms_core.Client.send`.

    ``took`` hears each batch id with its vendor's name.
    """
    sent_at = rules.clock()
    journey = _Journey(with_references(message))
    left = list(range(len(message.to)))
    try:
        for vendor in vendors:
            if not left:
                break
            if not vendor.may_be_tried(rules.monotonic()):
                journey.notes.append(f"{rules.name}: {vendor.name} rests")
                continue
            left = yield from _by(vendor, journey, left, rules, took)
    except SmsError:
        raise
    except BaseException as interruption:
        known = getattr(interruption, "sms_result", None)
        if isinstance(known, SendResult):
            journey.parts.append(known)
        _attach(interruption, _result(journey, sent_at, known))
        raise
    return _concluded(journey, sent_at)


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
    if isinstance(answer, SendError) and answer.result.outcomes:
        return answer.result
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
    for place, recipient in enumerate(journey.message.to):
        if place in repeated:
            continue
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


def vendors_of_notes(name: str, result: SendResult) -> Mapping[str, str]:
    """Which vendor took which batch, as the notes of a result say, which also cross a queue."""
    found: dict[str, str] = {}
    for note in result.notes:
        head, _, batch = note.partition(" took batch ")
        if batch and head.startswith(f"{name}: "):
            found[batch] = head.removeprefix(f"{name}: ")
    return found
