"""The limits on sends, and the alarm where many numbers ask at once: SMS pumping."""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from sms_core_policy.codes.keys import Keyed
from sms_core_policy.counting import Counts
from sms_core_policy.errors import LimitReached
from sms_core_policy.limits import Window
from sms_core_policy.stores import Claim, Store

log = logging.getLogger(__name__)

RULE = "one-time-codes"
LIMITS = (
    Window(5, timedelta(hours=1), "number"),
    Window(20, timedelta(hours=1), "address"),
    Window(100, timedelta(minutes=10), "prefix", digits=7),
    Window(1000, timedelta(minutes=10), "all"),
)
"""A prefix of 7 characters is ``+886912``."""
_OF_ONE = ("number", "address")
"""Windows of one person. One of many that is full is a surge."""


@frozen
class Surge:
    """So many codes were asked for that a limit of many numbers stopped them.

    ``prefix`` is what they have in common: the beginning of their numbers, or what a window's function says; "" for all.
    """

    prefix: str
    most: int
    length: timedelta


@frozen
class _Taken:
    """The share of one text in a window. ``whose`` is the number, address or prefix that the window counts."""

    window: Window
    whose: str
    claim: Claim


class SendLimits:
    """How many texts may be asked for: by a number, an address, a prefix, and in all."""

    def __init__(
        self,
        store: Store,
        windows: Sequence[Window],
        keyed: Keyed,
        decided: Counts,
        on_surge: Callable[[Surge], object] | None,
    ) -> None:
        self._store = store
        self._windows = tuple(windows)
        self._keyed = keyed
        self._decided = decided
        self._on_surge = on_surge
        self._told: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def take(self, number: str, purpose: str, ip: str, now: datetime) -> tuple[Claim, ...]:
        """Reserve a text in each window, and give what was taken. Raises `LimitReached`."""
        wanted = self._wanted(number, purpose, ip, now)
        claims = tuple(taken.claim for taken in wanted)
        full = self._store.take(claims, now)
        if full is None:
            return claims
        refused = next(taken for taken in wanted if taken.claim == full)
        window = refused.window
        if window.each not in _OF_ONE:
            self._tell(refused, now)
        self._decided.add(RULE, "refused")
        reason = f"asked for too many codes: {window.words}"
        raise LimitReached(RULE, "to", reason, window.length.total_seconds())

    def _wanted(self, number: str, purpose: str, ip: str, now: datetime) -> list[_Taken]:
        found: list[_Taken] = []
        for place, window in enumerate(self._windows):
            whose = _network(ip) if window.each == "address" else window.name_of(number, purpose)
            if window.each == "address" and not whose:
                continue
            each = window.each if isinstance(window.each, str) else f"group{place}"
            # The store shows neither numbers nor addresses.
            name = self._keyed.digest("limit", whose)[:32] if each in _OF_ONE or whose == number else whose
            claim = Claim.sliding(f"codes:{each}:{name}", 1, window.most, window.length, now)
            found.append(_Taken(window, whose, claim))
        return found

    def _tell(self, refused: _Taken, now: datetime) -> None:
        """Raise the alarm, once while a window lasts: a surge is thousands of refusals."""
        length = refused.window.length
        with self._lock:
            told_at = self._told.get(refused.claim.key)
            if told_at is not None and abs(now - told_at) < length:
                return
            lasting = max(window.length for window in self._windows)
            self._told = {key: at for key, at in self._told.items() if abs(now - at) < lasting}
            self._told[refused.claim.key] = now
        surge = Surge(refused.whose, refused.window.most, length)
        log.warning("too many one-time codes: %s", surge)
        if self._on_surge is None:
            return
        try:
            self._on_surge(surge)
        except Exception:  # the refusal is what the caller has to hear
            log.exception("on_surge of OneTimeCodes failed")


def _network(ip: str) -> str:
    """The address, or of IPv6 the network that one subscriber has; "" where there is none that can be read."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))
