"""What a caller is told: a ticket for having asked, and a verdict on what was typed."""

from __future__ import annotations

import enum
from datetime import datetime

from attrs import frozen


class TicketState(enum.Enum):
    """What became of asking for a code."""

    SENT = "sent"
    """The vendor took the text."""
    QUEUED = "queued"
    """The outbox has it: a worker sends it, before the code ends."""
    WAIT = "wait"
    """A text went out a short time ago; nothing was sent now."""
    UNKNOWN = "unknown"
    """The vendor may have taken the text. If none arrives, the person asks again."""


@frozen
class Ticket:
    """``ask_again_at`` (aware) is when another text may be asked for, ``expires_at`` when the code ends."""

    state: TicketState
    ask_again_at: datetime
    expires_at: datetime
    reference: str = ""


class Verdict(enum.Enum):
    """What a code that a person typed is."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    """There is no code any more: its time is over, it was used, or none was asked for."""
    TOO_MANY = "too_many"
    """Too many wrong ones. This code is worth nothing any more, right or wrong."""


@frozen
class Checked:
    """True where the code was right."""

    verdict: Verdict
    tries_left: int = 0

    def __bool__(self) -> bool:
        return self.verdict is Verdict.RIGHT
