"""What the outbox raises beside the core's errors."""

from __future__ import annotations

from sms_core.errors import SmsError

LONGEST_BY = 200
"""Characters of a name in the history."""


class OutboxError(SmsError):
    """The root of the outbox's own errors."""


def check_who_and_why(by: str, because: str = "") -> None:
    """Refuse what no history takes. Raises `OutboxError`."""
    if len(by) > LONGEST_BY:
        raise OutboxError(f"who decides is told in {LONGEST_BY} characters")
    if "\0" in by + because:
        raise OutboxError("who decides, and why, hold no NUL")


class KeyConflict(OutboxError):
    """The key stands for another message already. Nothing was stored."""


class UnknownKey(OutboxError):
    """No message was put under this key for this account."""


class StateChanged(OutboxError):
    """The row is no longer in the state that the change was meant for. Nothing was changed."""


class DatabaseUnavailable(OutboxError):
    """The database cannot be reached, or gave up in the middle. What was asked for may be asked again."""

    retry = True
