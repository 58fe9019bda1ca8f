"""Which vendor is tried, and for whom: the decisions of a failover, without I/O.

The next vendor is tried for those alone of whom the last one surely took nothing. A recipient whose outcome is unknown is
nobody's to send to again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from typing import Any

import attrs
from attrs import frozen

from sms_core import (
    InvalidMessage,
    Message,
    Outcome,
    Plan,
    RecipientOutcome,
    SendResult,
    SmsError,
    TransportError,
    Unsupported,
    VendorError,
)
from sms_core.errors import result_of
from sms_core.provider import Destination
from sms_core_policy.failover.journeys import Journey
from sms_core_policy.failover.sending import Ask, AskPlan, AskSend
from sms_core_policy.failover.vendors import ClientT, Vendor


@frozen
class Rules:
    """What a failover was told. ``refusals`` are errors of a vendor's refusal after which the next one is tried."""

    name: str
    refusals: tuple[type[VendorError], ...]
    rest: float
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]


def send(
    message: Message | Plan, vendors: Sequence[Vendor[ClientT]], rules: Rules, took: Callable[[str, str], object]
) -> Generator[Ask, Any, SendResult]:
    """Send by the first vendor that can; what it surely did not take, by the next. Raises as `sms_core.Client.send`.

    ``took`` hears each batch id with its vendor's name.
    """
    journey = Journey.of(message, rules.clock())
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
        _attach(interruption, journey.result(known))
        raise
    return journey.conclude()


def _by(
    vendor: Vendor[ClientT],
    journey: Journey,
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
            journey.note_refusal(plan, left)
            return left
        journey.note_plan(plan, left)
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
        again = journey.note_rows(result, plan, left, rules.refusals)
        return sorted({*refused, *again} - {left[position] for position in repeated})
    finally:
        vendor.note(rules.monotonic(), rules.rest, connected=connected)


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


def _attach(interruption: BaseException, result: SendResult) -> None:
    interruption.sms_result = result  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
