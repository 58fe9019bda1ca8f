"""What SMS-Get would leave out, or send to somebody else, refused before anything is sent."""

from __future__ import annotations

from sms_core import InvalidMessage
from sms_core.provider import Destination
from sms_core_smsget import numbers


def prepare(destinations: tuple[Destination, ...]) -> None:
    """Raise `InvalidMessage`, naming the field, for a number that is not in the table of chapter 1, phone."""
    for destination in destinations:
        problem = numbers.problem(destination.number)
        if problem:
            raise InvalidMessage(f"{destination.path}.number", problem)
