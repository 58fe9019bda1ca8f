"""The one error of all rules."""

from __future__ import annotations

from sms_core import InvalidMessage


class PolicyRefused(InvalidMessage):
    """A rule of the application refused the message before anything was sent. ``rule`` is its name, as in metrics.

    ``field`` is the path of what is wrong, such as ``text`` or ``to[3].number``.
    """

    plain_fields = ("rule", "field", "reason")

    def __init__(self, rule: str, field: str, reason: str) -> None:
        self.rule = rule
        super().__init__(field, reason)

    def __str__(self) -> str:
        return f"{super().__str__()} (rule {self.rule})"
