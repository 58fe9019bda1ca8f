"""A store in this process, for one that has no other beside it, and for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime

from attrs import define, field

from sms_core_policy.stores.base import KEPT_BUCKETS, Claim

_SWEEP_AFTER = 1000
"""Changes after which what has expired is dropped."""


@define(eq=False)
class _Count:
    expires_at: datetime
    buckets: dict[int, int] = field(factory=dict)

    def used(self, claim: Claim) -> int:
        return sum(amount for bucket, amount in self.buckets.items() if claim.since <= bucket <= claim.until)


class MemoryStore:
    """Counts and texts of this process. Threads may share it; a process has its own."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}
        self._texts: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()
        self._changes = 0

    def take(self, claims: Sequence[Claim], now: datetime) -> Claim | None:
        """Take all of these, or none and give the first that has no room."""
        with self._lock:
            self._sweep(now)
            for claim in claims:
                if self._used(claim) + claim.amount > claim.most:
                    return claim
            for claim in claims:
                self._add(claim, claim.amount)
        return None

    def give_back(self, claims: Sequence[Claim]) -> None:
        """Give back the amounts of these."""
        with self._lock:
            for claim in claims:
                self._add(claim, -claim.amount)

    def used(self, claims: Sequence[Claim], now: datetime) -> list[int]:
        """How much of each is used."""
        del now
        with self._lock:
            return [self._used(claim) for claim in claims]

    def get(self, keys: Iterable[str], now: datetime) -> dict[str, str]:
        """The texts under these keys."""
        with self._lock:
            found = ((key, self._texts.get(key)) for key in keys)
            return {key: entry[0] for key, entry in found if entry is not None and entry[1] > now}

    def swap(self, key: str, old: str | None, new: str | None, expires_at: datetime, now: datetime) -> bool:
        """Put ``new`` in place of ``old``, if that is what stands there."""
        with self._lock:
            self._sweep(now)
            stands, until = self._texts.get(key, (None, now))
            if until <= now:
                stands = None
            if stands != old:
                return False
            if new is None:
                self._texts.pop(key, None)
            else:
                self._texts[key] = (new, expires_at)
            return True

    def _used(self, claim: Claim) -> int:
        count = self._counts.get(claim.key)
        return count.used(claim) if count else 0

    def _add(self, claim: Claim, amount: int) -> None:
        count = self._counts.setdefault(claim.key, _Count(claim.expires_at))
        count.expires_at = max(count.expires_at, claim.expires_at)
        count.buckets[claim.bucket] = count.buckets.get(claim.bucket, 0) + amount
        if len(count.buckets) > KEPT_BUCKETS:
            for bucket in [bucket for bucket in count.buckets if bucket < claim.since]:
                del count.buckets[bucket]

    def _sweep(self, now: datetime) -> None:
        self._changes += 1
        if self._changes % _SWEEP_AFTER:
            return
        for key in [key for key, count in self._counts.items() if count.expires_at <= now]:
            del self._counts[key]
        for key in [key for key, (_, expires_at) in self._texts.items() if expires_at <= now]:
            del self._texts[key]
