"""How policies stand: what is used, what is left and until when, for a person to look at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from attrs import frozen

from sms_core import dsn as dsns
from sms_core.numbers import to_e164


@frozen
class Standing:
    """How one rule stands.

    ``words`` say what the rule is. ``used`` and ``most`` are texts, or points of a budget; None where nothing is used up,
    or where each number, prefix or message has a count of its own. What is used now is free again by ``until`` (aware).
    ``problem`` says why it cannot be told, "" where it can.
    """

    rule: str
    words: str
    used: Decimal | None = None
    most: Decimal | None = None
    until: datetime | None = None
    problem: str = ""

    @property
    def left(self) -> Decimal | None:
        """What may still be used, never less than 0."""
        if self.used is None or self.most is None:
            return None
        return max(self.most - self.used, Decimal())


@frozen
class Whose:
    """Whose standing is meant: the user ``user`` of a vendor, and where that is asked for the number ``number`` (E.164)."""

    provider: str
    user: str
    number: str = ""


@runtime_checkable
class Stands(Protocol):
    """A policy that can be looked at."""

    def standings(self, whose: Whose) -> Iterable[Standing]:
        """How it stands. Takes nothing."""
        ...


def standings_of(policies: Iterable[object], dsn: str, *, number: str = "") -> tuple[Standing, ...]:
    """How the policies of an account stand; plugins that are none of ours are passed over.

    ``dsn`` is the account's. With ``number`` what each number has a count of is that number's. Takes nothing; a store that
    cannot be asked is the ``problem`` of its rules. Raises `ConfigurationError` for what is no DSN, and `ValueError` for
    what is no number.
    """
    parsed = dsns.parse(dsn)
    whose = Whose(parsed.provider, parsed.user, to_e164(number) if number else "")
    found: list[Standing] = []
    for policy in policies:
        if isinstance(policy, Stands):
            found.extend(policy.standings(whose))
    return tuple(found)
