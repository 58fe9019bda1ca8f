"""The states of a row, and the tables of how it gets from one to another. Values alone: no database, no clock."""

from __future__ import annotations

import enum

from attrs import frozen

from sms_core.errors import (
    AuthenticationFailed,
    InsufficientCredit,
    InvalidMessage,
    RateLimited,
    SmsError,
    Unsupported,
    VendorUnavailable,
)
from sms_core.model import Outcome


class State(enum.Enum):
    """Where a row is. ``is_final`` where nothing but a late answer of its own send changes it."""

    READY = "ready"
    """It waits to be sent."""
    SENDING = "sending"
    """A worker has claimed it, and may be sending it."""
    ACCEPTED = "accepted"
    """The vendor took it."""
    REFUSED = "refused"
    """The vendor said no to it, or it cannot be sent as it is."""
    UNKNOWN = "unknown"
    """The vendor may have taken it. It is not sent again before that is known."""
    NOT_SENT = "not_sent"
    """It surely was not sent, and will not be: its deadline has passed, or a person has said so."""
    CANCELLED = "cancelled"
    """It was taken back before it was sent, or by the vendor."""

    @property
    def is_final(self) -> bool:
        """Whether the outbox is done with it."""
        return self not in (State.READY, State.SENDING, State.UNKNOWN)


PAUSING = (AuthenticationFailed, InsufficientCredit)
"""Errors that any further send of the account would meet too."""
OF_THE_MESSAGE = (InvalidMessage, Unsupported)
"""Errors that the same message would meet again, but for those whose ``retry`` is true."""
LONGEST_LIMIT = 900.0
"""Seconds after which a message that a limit holds back is tried again at the latest: others may give back what they took."""
PASSING = (RateLimited, VendorUnavailable)
"""Refusals that are about the moment, whatever the vendor says of trying again."""


@frozen
class Verdict:
    """What an attempt makes of a row that it had claimed.

    ``pauses`` says that the account is to pause. ``retry_after`` is the vendor's word in seconds, None where it gave none.
    """

    state: State
    pauses: bool = False
    retry_after: float | None = None


def verdict(outcome: Outcome, error: SmsError | None) -> Verdict:
    """The table of what an attempt's outcome and its error mean for the row; the first line that fits decides.

    ==============================================  ==========================================
    accepted                                        ``ACCEPTED``
    unknown                                         ``UNKNOWN``; lacking credit pauses the account
    `PAUSING`                                       ``READY``, and the account pauses
    `OF_THE_MESSAGE` whose ``retry`` is true        ``READY``: a limit of ours that will pass
    `OF_THE_MESSAGE`                                ``REFUSED``
    surely not taken, and it may pass               ``READY``
    another refusal                                 ``REFUSED``
    ==============================================  ==========================================
    """
    pauses = isinstance(error, PAUSING)
    if outcome is Outcome.ACCEPTED:
        return Verdict(State.ACCEPTED)
    if outcome is Outcome.UNKNOWN:
        return Verdict(State.UNKNOWN, pauses)
    if pauses:
        return Verdict(State.READY, pauses)
    if isinstance(error, OF_THE_MESSAGE):
        if not error.retry:
            return Verdict(State.REFUSED)
        wait: float = getattr(error, "retry_after", None) or 0.0
        return Verdict(State.READY, retry_after=min(wait, LONGEST_LIMIT))
    retry_after = error.retry_after if isinstance(error, RateLimited) else None
    if outcome is Outcome.NOT_SENT or isinstance(error, PASSING) or (error is not None and error.retry):
        return Verdict(State.READY, retry_after=retry_after)
    return Verdict(State.REFUSED)


def after_answer(current: State, answer: State, *, own: bool, is_replay: bool) -> State | None:
    """The state of a row after an answer to one of its claims; None leaves it as it is.

    ``own`` says that this claim is the row's latest. Whoever changed the row meanwhile: that the vendor took it stands
    above all. Other words count only while the claim is the row's own and nothing else was found out. Of a replay, which
    repeats a request that may have been taken, an acceptance alone decides.
    """
    if answer is State.ACCEPTED:
        return State.ACCEPTED
    if not own or current not in (State.SENDING, State.UNKNOWN):
        return None
    if is_replay:
        return State.UNKNOWN
    return answer
