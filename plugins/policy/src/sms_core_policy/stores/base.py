"""What a store does. Its arithmetic is all here, so that three stores count alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, Self

import attrs
from attrs import field, frozen

from sms_core import SmsError

BUCKETS = 60
"""A sliding window is so many buckets long. What was used in a bucket counts until all of it has left the window, so a
limit is kept a little longer than its window, and never less. After a clock was set back, what was used by the clock before
counts too if that is no more than a window ahead: a clock that was a year ahead closes no limit for a year."""
KEPT_BUCKETS = 2 * BUCKETS
"""Old buckets are dropped when there are more: a clock that is ahead for a moment makes no store forget."""


class StoreUnavailable(SmsError):
    """A store could not be asked, or gave no answer. ``reason`` is the class of what happened, which may quote data."""

    retry = True


@frozen
class Claim:
    """So much of what a key has room for.

    ``amount`` and ``most`` are whole numbers. The key's buckets from ``since`` to ``until`` count, the claim goes into
    ``bucket``, and nothing of it is needed after ``expires_at`` (aware).
    """

    key: str = field(repr=False)
    amount: int
    most: int
    bucket: int
    since: int
    expires_at: datetime

    @classmethod
    def sliding(cls, key: str, amount: int, most: int, window: timedelta, now: datetime) -> Self:
        """Of ``most`` within any ``window``."""
        width = window.total_seconds() / BUCKETS
        bucket = math.floor(now.timestamp() / width)
        return cls(f"{key}:{window.total_seconds():g}", amount, most, bucket, bucket - BUCKETS, now + window * 1.1)

    @classmethod
    def within(cls, key: str, amount: int, most: int, end: datetime) -> Self:
        """Of ``most`` until ``end``, where the key names the time that ends then, such as a day."""
        return cls(key, amount, most, 0, 0, end + timedelta(days=1))

    @property
    def until(self) -> int:
        """The last bucket that counts."""
        return self.bucket + BUCKETS

    def of(self, amount: int) -> Self:
        """The same for another amount."""
        return attrs.evolve(self, amount=amount)


class Store(Protocol):
    """Where counts and short texts are kept, under keys. Threads and processes may share it.

    Every method raises `StoreUnavailable`, and is done wholly or not at all. ``now`` (aware) is the one clock that counts;
    a server's own only tidies up.
    """

    def take(self, claims: Sequence[Claim], now: datetime) -> Claim | None:
        """Take all of these, or none and give the first that has no room. No key comes twice."""
        ...

    def give_back(self, claims: Sequence[Claim]) -> None:
        """Give back the amounts of these, into the buckets that they came from; a negative amount is taken, room or not."""
        ...

    def used(self, claims: Sequence[Claim], now: datetime) -> list[int]:
        """How much of each is used."""
        ...

    def get(self, keys: Iterable[str], now: datetime) -> dict[str, str]:
        """The texts under these keys; one that there is none of, or whose time is over, is left out."""
        ...

    def swap(self, key: str, old: str | None, new: str | None, expires_at: datetime, now: datetime) -> bool:
        """Put ``new`` in place of ``old``, if that is what stands there; None is no text. Gives whether it was so."""
        ...
