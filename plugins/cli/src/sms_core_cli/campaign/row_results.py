"""What is known of each row, and its cells in a result file."""

from __future__ import annotations

import enum
from datetime import datetime

from attrs import frozen

from sms_core.model import DeliveryStatus, Outcome
from sms_core.provider import TAIPEI


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
    those of its delivery report.
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


def _cell(moment: datetime | None) -> str:
    return moment.astimezone(TAIPEI).isoformat(timespec="seconds") if moment else ""


COLUMNS = tuple(RowResult(RowOutcome.NOT_SENT).cells())
"""The columns that a result file has beside the table's own."""
