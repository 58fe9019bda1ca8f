"""What is known of each row: how it follows from the states of its messages, and its cells in a result file."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs
from attrs import frozen

from sms_core.errors import InvalidMessage
from sms_core.model import DeliveryReport, DeliveryStatus, Outcome
from sms_core.moments import is_tellable
from sms_core.provider import TAIPEI
from sms_core.tracking import STATUS_ORDER, MessageState


class RowOutcome(enum.Enum):
    """What became of a row. The first four are those of a `sms_core.Outcome`."""

    ACCEPTED = "accepted"
    """The vendor took it."""
    REFUSED = "refused"
    """The vendor said no to it."""
    UNKNOWN = "unknown"
    """The vendor may have taken it. Never send it again blindly."""
    NOT_SENT = "not_sent"
    """It surely was not taken: sending it again is safe."""
    REFUSED_HERE = "refused_here"
    """It was wrong, so nothing was sent."""
    DUPLICATE = "duplicate"
    """It repeats an earlier row, number and text, so it was left out."""

    @classmethod
    def of(cls, outcome: Outcome) -> RowOutcome:
        """The row's outcome that a recipient's outcome is."""
        return cls(outcome.value)


@frozen
class RowResult:
    """What is known of one row. Texts are "" and times None where nothing is known.

    ``sent_at`` is when it was handed to the vendor; ``status``, ``vendor_code``, ``vendor_text`` and ``done_at`` are
    those of its delivery report. ``error`` of an accepted row says what of a long text is missing.
    """

    outcome: RowOutcome
    batch_id: str = ""
    reference: str = ""
    error: str = ""
    sent_at: datetime | None = None
    status: DeliveryStatus | None = None
    vendor_code: str = ""
    vendor_text: str = ""
    done_at: datetime | None = None

    @property
    def awaits_report(self) -> bool:
        """Whether the vendor took it and has not reported its end."""
        return self.outcome is RowOutcome.ACCEPTED and not (self.status and self.status.is_final)

    def cells(self) -> dict[str, str]:
        """The cells of a result file, by column; times are Taipei's."""
        return {
            "outcome": self.outcome.value,
            "batch_id": self.batch_id,
            "reference": self.reference,
            "error": self.error,
            "sent_at": _cell(self.sent_at),
            "status": self.status.value if self.status else "",
            "vendor_code": self.vendor_code,
            "vendor_text": self.vendor_text,
            "done_at": _cell(self.done_at),
        }

    @classmethod
    def from_cells(cls, cells: Mapping[str, str]) -> RowResult:
        """What `cells` wrote. Raises `InvalidMessage` for what it did not."""
        try:
            return cls(
                outcome=RowOutcome(cells["outcome"]),
                batch_id=cells["batch_id"],
                reference=cells["reference"],
                error=cells["error"],
                sent_at=_moment(cells["sent_at"]),
                status=DeliveryStatus(cells["status"]) if cells["status"] else None,
                vendor_code=cells["vendor_code"],
                vendor_text=cells["vendor_text"],
                done_at=_moment(cells["done_at"]),
            )
        except (KeyError, ValueError) as error:
            raise InvalidMessage("results", f"are not what a campaign wrote ({type(error).__name__})") from None


def _cell(moment: datetime | None) -> str:
    return moment.astimezone(TAIPEI).isoformat(timespec="seconds") if moment else ""


def _moment(cell: str) -> datetime | None:
    """Raises `ValueError` for what `_cell` did not write."""
    if not cell:
        return None
    moment = datetime.fromisoformat(cell)
    if moment.utcoffset() is None or not is_tellable(moment):
        raise ValueError("no time with its zone")
    return moment


COLUMNS = tuple(RowResult(RowOutcome.NOT_SENT).cells())
"""The columns that a result file has beside the table's own."""


def with_states(before: RowResult, states: Sequence[MessageState]) -> RowResult:
    """The result of a row whose messages are in these states; ``before`` is what was known without any of them.

    A text that the provider sends as several messages has several states. Its row is only as far as the message that
    is least far.
    """
    outcome, error = _outcome(before, states)
    report = _least_far(states)
    attempts = [attempt for state in states for attempt in state.attempts]
    batches = [state.batch_id for state in states]
    # A vendor that holds a message back for an earlier one may name that one's batch with its refusal.
    batches.extend(attempt.batch_id for attempt in reversed(attempts))
    sent_at = attempts[-1].sent_at if attempts else before.sent_at
    return attrs.evolve(
        before,
        outcome=outcome,
        error=error,
        batch_id=next(filter(None, batches), before.batch_id),
        sent_at=None if outcome is RowOutcome.NOT_SENT else sent_at,
        status=report.status if report else None,
        vendor_code=report.vendor_code if report else "",
        vendor_text=report.vendor_text if report else "",
        done_at=report.done_at if report else None,
    )


def _outcome(before: RowResult, states: Sequence[MessageState]) -> tuple[RowOutcome, str]:
    """What became of the row, and why it was not accepted.

    If some of its messages went out and others not, it counts as accepted, since sending it again would repeat those;
    its error says why something is missing.
    """
    outcomes: list[Outcome] = []
    for state in states:
        if state.outcome is None:
            return before.outcome, before.error  # not all are known
        outcomes.append(state.outcome)
    outcome = outcomes[0]
    if Outcome.UNKNOWN in outcomes:
        outcome = Outcome.UNKNOWN
    elif Outcome.ACCEPTED in outcomes:
        outcome = Outcome.ACCEPTED
    explained = {outcome}
    if outcome is Outcome.ACCEPTED:
        explained = {Outcome.REFUSED, Outcome.NOT_SENT}
    reasons = [state.reason for state, own in zip(states, outcomes, strict=True) if own in explained]
    row_outcome = RowOutcome.of(outcome)
    error = reasons[0] if reasons else ""
    if not error and row_outcome is before.outcome:
        error = before.error
    return row_outcome, error


def _least_far(states: Sequence[MessageState]) -> DeliveryReport | None:
    """The report that counts of the message that is least far; None while one of them has none."""
    reports: list[DeliveryReport] = []
    for state in states:
        if state.report is None:
            return None
        reports.append(state.report)
    return min(reports, key=lambda report: STATUS_ORDER.index(report.status))
