"""What the store has of a code: a nonce, its times, and the tries that are left."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Self

import attrs
from attrs import field, frozen

from sms_core_policy.codes.values import Ticket, TicketState

CLOCK_SKEW = timedelta(minutes=1)
"""A nonce from further in the future than this was made before a clock was set back, and counts no more."""


@frozen
class Record:
    """Times are seconds of Unix time."""

    nonce: str = field(repr=False)
    made_at: float
    expires_at: float
    again_at: float
    tries_left: int
    sends: int

    @classmethod
    def new(cls, now: datetime, lifetime: timedelta, again_at: datetime, tries: int) -> Self:
        """A new code, of which the first text is about to be sent."""
        nonce = secrets.token_hex(16)
        return cls(nonce, now.timestamp(), (now + lifetime).timestamp(), again_at.timestamp(), tries, 1)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """As the store has it."""
        return cls(**json.loads(text))

    def to_text(self) -> str:
        """For the store."""
        return json.dumps(attrs.asdict(self))

    def is_alive(self, now: datetime) -> bool:
        """Whether the code counts now."""
        return self.made_at - CLOCK_SKEW.total_seconds() <= now.timestamp() < self.expires_at

    def sent_again(self, again_at: datetime) -> Self:
        """With one text more."""
        return attrs.evolve(self, again_at=again_at.timestamp(), sends=self.sends + 1)

    def after_a_wrong_try(self) -> Self:
        """With one try less."""
        return attrs.evolve(self, tries_left=self.tries_left - 1)

    @property
    def kept_until(self) -> datetime:
        """When the store needs it no more."""
        return datetime.fromtimestamp(max(self.expires_at, self.again_at), UTC)

    def ticket(self, state: TicketState, reference: str = "") -> Ticket:
        """What the person who asked is told."""
        again_at = datetime.fromtimestamp(self.again_at, UTC)
        return Ticket(state, again_at, datetime.fromtimestamp(self.expires_at, UTC), reference)
