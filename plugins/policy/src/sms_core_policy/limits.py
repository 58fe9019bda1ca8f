"""How much may be sent: points, texts in a time, the same text twice."""

from __future__ import annotations

import hashlib
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

from attrs import frozen

from sms_core import ConfigurationError, Message, Outcome, ProviderInfo, SendResult, installed_providers
from sms_core.provider import TAIPEI, Account, Destination, in_words, options_of
from sms_core.text import count_segments
from sms_core_policy.reserving import Limit, Room, Want, WithoutStore
from sms_core_policy.standings import Whose
from sms_core_policy.stores import Claim, Store

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Purpose = str | Callable[[Message], str]
"""What a text is for, such as "otp": of a client, or told by the message."""

MILLIPOINTS = 1000
"""Points are counted in thousandths, rounded up."""


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def purpose_of(purpose: Purpose, message: Message) -> str:
    """What this message is for."""
    return purpose if isinstance(purpose, str) else purpose(message)


@cache
def _info_of(provider: str) -> ProviderInfo | None:
    (found,) = installed_providers([provider])
    return found.info


def estimated_points(account: Account, message: Message, destination: Destination) -> Decimal:
    """What a text will cost by the vendor's price table; a point for each segment where it publishes none."""
    info = _info_of(account.provider)
    segments = Decimal(count_segments(destination.text).count)
    if info is None or info.tariff is None:
        return segments
    if message.media is not None:
        points = info.tariff.mms_points(len(message.media.content) + len(destination.text.encode()))
        return segments if points is None else points
    if info.send_options is None:
        points = info.tariff.text_points(destination.text, destination.number)
        return segments if points is None else points
    options = options_of(message, info.send_options)
    points = info.tariff.text_points(destination.text, destination.number, options.extra_characters)
    return segments if points is None else points * options.price_factor


@frozen
class _Period:
    """What a budget is of: ``which`` message, day or month, that has ``most`` points until ``end``."""

    name: str
    most: Decimal
    which: str
    end: datetime

    @property
    def words(self) -> str:
        return f"a {self.name} has {self.most} {'point' if self.most == 1 else 'points'}"


class Budget(Limit):
    """So many points a day and a month for an account, and for one message: ``connect(plugins=[Budget(store, per_day=…)])``.

    Points are estimated by the vendor's price table, or by ``points``, before a request leaves, and set right by what the
    vendor says that it took. Days and months are Taipei's. Clients share a budget if store and ``account`` are the same;
    without ``account`` it is each vendor's user. ``on_low_balance`` hears the balance when the vendor's answer to a send, or
    to ``balance()``, says fewer than ``low_balance``, once until it says more.
    """

    rule = "budget"

    def __init__(
        self,
        store: Store,
        *,
        per_day: Decimal | int | None = None,
        per_month: Decimal | int | None = None,
        per_message: Decimal | int | None = None,
        account: str = "",
        points: Callable[[Account, Message, Destination], Decimal] = estimated_points,
        low_balance: Decimal | int | None = None,
        on_low_balance: Callable[[Decimal], object] | None = None,
        without_store: WithoutStore = "refuse",
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(store, without_store, clock)
        if (low_balance is None) != (on_low_balance is None):
            raise ConfigurationError("Budget: low_balance and on_low_balance belong together")
        given = [points for points in (per_day, per_month, per_message, low_balance) if points is not None]
        if not given or min(given) < 0:
            raise ConfigurationError("Budget: per_day, per_month or per_message is needed, in points, and none below 0")
        self._per_day = per_day
        self._per_month = per_month
        self._per_message = per_message
        self._account = account
        self._points = points
        self._low_balance = low_balance
        self._on_low_balance = on_low_balance
        self._is_low = False

    def wants(self, account: Account, message: Message, destinations: Sequence[Destination]) -> list[Want]:
        """The points of these, of the day's and of the month's."""
        shares = {
            destination.reference: math.ceil(self._points(account, message, destination) * MILLIPOINTS)
            for destination in destinations
        }
        amount = sum(shares.values())
        wanted: list[Want] = []
        for period in self._periods(message.reference):
            claim = self._claim(period, account.provider, account.user, amount)
            wait = None if period.name == "message" else (period.end - self.clock()).total_seconds()
            wanted.append(Want(claim, shares, "message", period.words, MILLIPOINTS, wait))
        return wanted

    def rooms(self, whose: Whose) -> list[Room]:
        """What is left of the day's and the month's points."""
        found: list[Room] = []
        for period in self._periods(""):
            if period.name == "message":
                found.append(Room(period.words))
                continue
            claim = self._claim(period, whose.provider, whose.user, 0)
            found.append(Room(period.words, claim, MILLIPOINTS, period.end))
        return found

    def _periods(self, reference: str) -> list[_Period]:
        today = self.clock().astimezone(TAIPEI).replace(hour=0, minute=0, second=0, microsecond=0)
        tomorrow = today + timedelta(days=1)
        next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        periods = (
            ("message", self._per_message, reference, tomorrow),
            ("day", self._per_day, f"{today:%Y-%m-%d}", tomorrow),
            ("month", self._per_month, f"{today:%Y-%m}", next_month),
        )
        return [_Period(name, Decimal(most), which, end) for name, most, which, end in periods if most is not None]

    def _claim(self, period: _Period, provider: str, user: str, amount: int) -> Claim:
        name = self._account or f"{provider}:{hashlib.sha256(user.encode()).hexdigest()[:16]}"
        key = f"budget:{name}:{period.name}:{period.which}"
        return Claim.within(key, amount, int(period.most * MILLIPOINTS), period.end)

    def spent(self, want: Want, result: SendResult) -> int:
        """What the vendor says that it took, where nothing is open; else the estimate."""
        outcomes = {row.outcome for row in result.outcomes}
        if result.cost is not None and result.outcomes and Outcome.UNKNOWN not in outcomes:
            return math.ceil(result.cost * MILLIPOINTS)
        return super().spent(want, result)

    def hear(self, balance: Decimal) -> None:
        """Tell of a balance that is low, once until it is not."""
        if self._on_low_balance is None or self._low_balance is None:
            return
        was_low, self._is_low = self._is_low, balance < self._low_balance
        if self._is_low and not was_low:
            try:
                self._on_low_balance(balance)
            except Exception:  # a send that was accepted must not fail for it
                log.exception("on_low_balance of a Budget failed")


@frozen
class Window:
    """At most ``most`` texts within any ``length``, for each of what ``each`` names.

    ``each`` is "number", "prefix" (the first ``digits`` characters of the E.164 number, 5 are ``+8869``), "purpose", "all",
    or a function of the number.
    """

    most: int
    length: timedelta
    each: str | Callable[[str], str] = "number"
    digits: int = 5

    def name_of(self, number: str, purpose: str) -> str:
        """Whose count this text belongs to."""
        if callable(self.each):
            return self.each(number)
        return {"number": number, "prefix": number[: self.digits], "purpose": purpose, "all": ""}[self.each]

    @property
    def words(self) -> str:
        """The window in words."""
        words = f"{self.most} {'text' if self.most == 1 else 'texts'} in {in_words(self.length)}"
        if self.each == "all":
            return words
        return f"{words} for each {self.each if isinstance(self.each, str) else 'group'}"


class Rate(Limit):
    """So many texts in a sliding window: for a number, a prefix, a purpose, in all.

    ::

        Rate(store, Window(5, timedelta(hours=1)), Window(1000, timedelta(days=1), "all"))

    A window is kept by a sixtieth too long and never too short. Counts of different ``purpose`` stand apart, but for those
    of "all".
    """

    rule = "rate"

    def __init__(
        self,
        store: Store,
        *windows: Window,
        purpose: Purpose = "",
        without_store: WithoutStore = "refuse",
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(store, without_store, clock)
        if not windows:
            raise ConfigurationError("Rate: a window is needed, Window(3, timedelta(hours=1)) say")
        for window in windows:
            if window.most < 1 or window.length <= timedelta():
                raise ConfigurationError("Rate: a window has room for 1 or more, and a length")
            if not callable(window.each) and window.each not in ("number", "prefix", "purpose", "all"):
                raise ConfigurationError(
                    f"Rate: a window is for each number, prefix, purpose or all, not {window.each!r}"
                )
        self._windows = windows
        self._purpose = purpose

    def wants(self, account: Account, message: Message, destinations: Sequence[Destination]) -> list[Want]:
        """One text for each of these, of each window."""
        del account
        now = self.clock()
        purpose = purpose_of(self._purpose, message)
        wanted: list[Want] = []
        for place, window in enumerate(self._windows):
            counted: dict[str, list[Destination]] = defaultdict(list)
            for destination in destinations:
                counted[window.name_of(destination.number, purpose)].append(destination)
            for name, texts in counted.items():
                claim = _claim(window, place, purpose, name, len(texts), now)
                shares = {text.reference: 1 for text in texts}
                field = f"{texts[0].path}.number" if window.each == "number" else "to"
                wanted.append(Want(claim, shares, field, window.words, 1, window.length.total_seconds()))
        return wanted

    def rooms(self, whose: Whose) -> list[Room]:
        """Each window, where it is one for all that this limit is asked about, or that of the number."""
        now = self.clock()
        purpose = self._purpose if isinstance(self._purpose, str) else None
        found: list[Room] = []
        for place, window in enumerate(self._windows):
            needs_purpose = window.each != "all"
            needs_number = window.each not in ("all", "purpose")
            if (needs_purpose and purpose is None) or (needs_number and not whose.number):
                found.append(Room(window.words))
                continue
            name = window.name_of(whose.number, purpose or "")
            claim = _claim(window, place, purpose or "", name, 0, now)
            found.append(Room(window.words, claim, until=now + window.length))
        return found


def _claim(window: Window, place: int, purpose: str, name: str, amount: int, now: datetime) -> Claim:
    each = window.each if isinstance(window.each, str) else f"group{place}"
    whose = "" if each == "all" else purpose
    return Claim.sliding(f"rate:{whose}:{each}:{name}", amount, window.most, window.length, now)


class Duplicates(Limit):
    """Refuses a text that went to the same number within ``within``. A text that surely was not sent may be sent again.

    The refusal has no ``retry_after``: whoever repeats a text later, by a queue, say, would send what is refused here.
    """

    rule = "duplicates"

    def __init__(
        self,
        store: Store,
        within: timedelta = timedelta(minutes=10),
        *,
        without_store: WithoutStore = "refuse",
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(store, without_store, clock)
        if within <= timedelta():
            raise ConfigurationError("Duplicates: within is a time")
        self._within = within

    def wants(self, account: Account, message: Message, destinations: Sequence[Destination]) -> list[Want]:
        """The only place of each number and text."""
        del account, message
        now = self.clock()
        wanted: dict[str, Want] = {}
        for destination in destinations:
            digest = hashlib.sha256(f"{destination.number}\n{destination.text}".encode()).hexdigest()
            claim = Claim.sliding(f"duplicates:{digest}", 1, 1, self._within, now)
            words = f"this number got the same text within {in_words(self._within)}"
            wanted[claim.key] = Want(claim, {destination.reference: 1}, f"{destination.path}.number", words)
        return list(wanted.values())

    def rooms(self, whose: Whose) -> list[Room]:
        """The rule alone: each text has a place of its own."""
        del whose
        return [Room(f"a text goes to a number once within {in_words(self._within)}")]
