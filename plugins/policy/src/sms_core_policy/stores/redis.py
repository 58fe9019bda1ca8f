"""A store in Redis or Valkey. What has to be done wholly or not at all is a script, which the server runs alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import redis

from sms_core_policy.stores.base import Claim, StoreUnavailable

T = TypeVar("T")

_TAKE = """
local full = 0
for i, key in ipairs(KEYS) do
  local used, counts = 0, redis.call('HGETALL', key)
  for j = 1, #counts, 2 do
    if tonumber(counts[j]) >= tonumber(ARGV[5 * i - 1]) then used = used + tonumber(counts[j + 1])
    else redis.call('HDEL', key, counts[j]) end
  end
  if used + tonumber(ARGV[5 * i - 4]) > tonumber(ARGV[5 * i - 3]) then return i end
end
for i, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, ARGV[5 * i - 2], ARGV[5 * i - 4])
  redis.call('PEXPIREAT', key, ARGV[5 * i])
end
return 0
"""
"""For each key: amount, most, bucket, since, the time it expires. Gives the place of the first that has no room, or 0."""
_GIVE_BACK = """
for i, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, ARGV[3 * i - 1], -tonumber(ARGV[3 * i - 2]))
  redis.call('PEXPIREAT', key, ARGV[3 * i])
end
"""
"""For each key: amount, bucket, the time it expires."""
_SWAP = """
local stands = redis.call('GET', KEYS[1])
if (stands or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3]) end
return 1
"""
"""The old text, the new one, the time it expires; an empty text is none."""


class RedisStore:
    """Counts and texts in Redis, given as a URL or a `redis.Redis`. Threads and processes may share the server.

    All keys begin with ``prefix``, which has braces, so that a cluster keeps them on one server. The server's clock lets
    texts expire. Redis may forget what it was told last when it fails: set ``appendfsync always`` where no limit may be
    exceeded even then, and ``noeviction`` in any case.
    """

    def __init__(self, server: str | redis.Redis, *, prefix: str = "{sms-policy}:") -> None:
        self._server: Any = server
        if isinstance(server, str):
            self._server = redis.Redis.from_url(server, socket_timeout=5, socket_connect_timeout=5)
        self._prefix = prefix
        self._take = self._server.register_script(_TAKE)
        self._give_back = self._server.register_script(_GIVE_BACK)
        self._swap = self._server.register_script(_SWAP)

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def take(self, claims: Sequence[Claim], now: datetime) -> Claim | None:
        """Take all of these, or none and give the first that has no room."""
        del now
        if not claims:
            return None
        arguments: list[int] = []
        for claim in claims:
            arguments += [claim.amount, claim.most, claim.bucket, claim.since, _milliseconds(claim.expires_at)]
        place = int(self._ask(self._take, keys=self._keys(claims), args=arguments))
        return claims[place - 1] if place else None

    def give_back(self, claims: Sequence[Claim]) -> None:
        """Give back the amounts of these."""
        arguments: list[int] = []
        for claim in claims:
            arguments += [claim.amount, claim.bucket, _milliseconds(claim.expires_at)]
        if claims:
            self._ask(self._give_back, keys=self._keys(claims), args=arguments)

    def used(self, claims: Sequence[Claim], now: datetime) -> list[int]:
        """How much of each is used."""
        del now
        pipeline = self._server.pipeline(transaction=False)
        for key in self._keys(claims):
            pipeline.hgetall(key)
        answers = self._ask(pipeline.execute)
        return [
            sum(int(amount) for bucket, amount in counts.items() if int(bucket) >= claim.since)
            for claim, counts in zip(claims, answers, strict=True)
        ]

    def get(self, keys: Iterable[str], now: datetime) -> dict[str, str]:
        """The texts under these keys."""
        del now
        wanted = list(keys)
        if not wanted:
            return {}
        found = self._ask(self._server.mget, [self._prefix + key for key in wanted])
        return {key: text.decode() for key, text in zip(wanted, found, strict=True) if text is not None}

    def swap(self, key: str, old: str | None, new: str | None, expires_at: datetime, now: datetime) -> bool:
        """Put ``new`` in place of ``old``, if that is what stands there."""
        del now
        arguments = [old or "", new or "", _milliseconds(expires_at)]
        return bool(self._ask(self._swap, keys=[self._prefix + key], args=arguments))

    def _keys(self, claims: Sequence[Claim]) -> list[str]:
        return [self._prefix + claim.key for claim in claims]

    def _ask(self, question: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return question(*arguments, **named)
        except (redis.RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis: {type(error).__name__}") from None


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
