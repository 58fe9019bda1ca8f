"""What the rules of an application raise."""

from __future__ import annotations

from typing import ClassVar

from sms_core import InvalidMessage


class PolicyRefused(InvalidMessage):
    """A rule of the application refused the message before anything was sent. ``rule`` is its name, as in metrics.

    ``field`` is the path of what is wrong, such as ``text`` or ``to[3].number``.
    """

    plain_fields: ClassVar[tuple[str, ...]] = ("rule", "field", "reason")

    def __init__(self, rule: str, field: str, reason: str) -> None:
        self.rule = rule
        super().__init__(field, reason)

    def __str__(self) -> str:
        return f"{super().__str__()} (rule {self.rule})"


class LimitReached(PolicyRefused):
    """A limit has no room for this now. ``retry_after`` is when it may have, in seconds; None where waiting is no help."""

    plain_fields = ("rule", "field", "reason", "retry_after")

    def __init__(self, rule: str, field: str, reason: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        self.retry = retry_after is not None
        super().__init__(rule, field, reason)
