"""What became of each recipient on the way from vendor to vendor, and what it comes to in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Self

import attrs
from attrs import define, field

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
    Unsupported,
    VendorError,
)
from sms_core.clocks import BeginBefore
from sms_core_policy.failover.division import with_references


@define(eq=False)
class Journey:
    """What became of each recipient so far, by its place in the message; a text in pieces has several rows.

    ``places`` are those of the recipients who are to be sent to, and ``begin_before`` is when no request may begin any more.
    """

    message: Message
    places: tuple[int, ...]
    sent_at: datetime
    begin_before: BeginBefore | None = None
    rows: dict[int, list[RecipientOutcome]] = field(factory=dict)
    parts: list[SendResult] = field(factory=list)
    notes: list[str] = field(factory=list)
    duplicates: tuple[Duplicate, ...] = ()
    refusals: dict[int, SmsError] = field(factory=dict)
    reason: SmsError | None = None

    @classmethod
    def of(cls, message: Message | Plan, sent_at: datetime) -> Self:
        """The beginning: nobody was sent to yet."""
        if isinstance(message, Message):
            return cls(with_references(message), tuple(range(len(message.to))), sent_at)
        reference_of = {destination.position: destination.reference for destination in message.rendered}
        to = [
            attrs.evolve(recipient, reference=reference_of.get(place, recipient.reference))
            for place, recipient in enumerate(message.message.to)
        ]
        limit = next((send.begin_before for send in message.sends), None)
        whole = attrs.evolve(message.message, to=to)
        return cls(whole, tuple(reference_of), sent_at, limit, duplicates=message.duplicates)

    def note_refusal(self, error: SmsError, left: Sequence[int]) -> None:
        """Note that a vendor can carry none of these."""
        self.refusals.update(dict.fromkeys(left, error))
        self.reason = error

    def note_plan(self, plan: Plan, left: Sequence[int]) -> None:
        """Note whom a vendor cannot carry, and who repeats an earlier one."""
        self.refusals.update({left[position]: error for position, error in plan.refused.items()})
        known = {duplicate.position for duplicate in self.duplicates}
        for repeated in plan.duplicates:
            if left[repeated.position] not in known:
                again = Duplicate(left[repeated.position], left[repeated.of])
                self.duplicates = (*self.duplicates, again)

    def note_rows(
        self, result: SendResult, plan: Plan, left: Sequence[int], refusals: tuple[type[VendorError], ...]
    ) -> list[int]:
        """Keep the rows of a vendor's result; gives those recipients who may be sent to again."""
        position_of = {destination.reference: destination.position for destination in plan.destinations}
        rows: dict[int, list[RecipientOutcome]] = {}
        for row in result.outcomes:
            rows.setdefault(left[position_of[row.reference]], []).append(row)
        self.rows.update(rows)
        self.parts.append(result)
        return [place for place, several in rows.items() if all(_is_free(row, refusals) for row in several)]

    def result(self, interrupted: SendResult | None = None) -> SendResult:
        """All parts together, a row for each recipient that was told apart."""
        rows = tuple(self._rows(interrupted))
        costs = [part.cost for part in self.parts if part.cost is not None]
        return SendResult(
            outcomes=rows,
            accepted=sum(part.accepted for part in self.parts),
            unsent=sum(row.outcome in (Outcome.REFUSED, Outcome.NOT_SENT) for row in rows),
            cost=sum(costs, Decimal()) if costs else None,
            batches=tuple(batch for part in self.parts for batch in part.batches),
            duplicates=self.duplicates,
            message=self.message,
            sent_at=self.sent_at,
            raw=tuple(answer for part in self.parts for answer in part.raw),
            notes=tuple(dict.fromkeys([*self.notes, *(note for part in self.parts for note in part.notes)])),
        )

    def _rows(self, interrupted: SendResult | None) -> Iterator[RecipientOutcome]:
        by_reference = {row.reference: row for row in interrupted.outcomes} if interrupted else {}
        repeated = {duplicate.position for duplicate in self.duplicates}
        for place in self.places:
            if place in repeated:
                continue
            recipient = self.message.to[place]
            if recipient.reference in by_reference:
                yield by_reference[recipient.reference]
            elif self.rows.get(place):
                yield from self.rows[place]
            else:
                refusal = self.refusals.get(place)
                yield RecipientOutcome(recipient.number, Outcome.NOT_SENT, None, recipient.reference, refusal)

    def conclude(self) -> SendResult:
        """The result where every recipient was accepted; else raises what its outcomes come to, as any send does."""
        result = self.result()
        found = {row.outcome for row in result.outcomes}
        why = _why(result) or self.reason
        reason = f": {why}" if why else ""
        if found == {Outcome.ACCEPTED}:
            return result
        if Outcome.UNKNOWN in found:
            raise OutcomeUnknown(f"some may have been sent{reason}; settle() asks the vendor that has them", result)
        if Outcome.ACCEPTED in found:
            raise PartiallySent(f"some were sent, the others surely not{reason}", result)
        if isinstance(self.reason, VendorError):
            raise self.reason.with_result(result)
        if not self.parts and isinstance(self.reason, InvalidMessage | Unsupported):
            raise self.reason
        if not self.parts and self.refusals:
            raise self.refusals[min(self.refusals)]
        raise NotSent(f"no vendor took it{reason}", result)


def _is_free(row: RecipientOutcome, refusals: tuple[type[VendorError], ...]) -> bool:
    """Whether this vendor surely took nothing, so that the next may be asked."""
    if row.outcome is Outcome.NOT_SENT:
        return True
    return row.outcome is Outcome.REFUSED and isinstance(row.error, refusals)


def _why(result: SendResult) -> SmsError | None:
    """What the first recipient met who was not accepted; where one may have been, that one."""
    left = [row for row in result.outcomes if row.outcome is not Outcome.ACCEPTED]
    left.sort(key=lambda row: row.outcome is not Outcome.UNKNOWN)
    return next((row.error for row in left if row.error is not None), None)
