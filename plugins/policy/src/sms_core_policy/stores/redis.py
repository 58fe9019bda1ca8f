"""A store in Redis or Valkey. What has to be done wholly or not at all is a script, which the server runs alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import redis

from sms_core_policy.stores.base import KEPT_BUCKETS, Claim, StoreUnavailable

T = TypeVar("T")

_TAKE = """
for i, key in ipairs(KEYS) do
  local amount, most, bucket, since, till = unpack(ARGV, 6 * i - 5, 6 * i - 1)
  local used, counts = 0, redis.call('HGETALL', key)
  for j = 1, #counts, 2 do
    local place = tonumber(counts[j])
    if place < tonumber(since) then
      if #counts > 2 * tonumber(ARGV[#ARGV]) then redis.call('HDEL', key, counts[j]) end
    elseif place <= tonumber(till) then used = used + tonumber(counts[j + 1]) end
  end
  if used + tonumber(amount) > tonumber(most) then return i end
end
for i, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, ARGV[6 * i - 3], ARGV[6 * i - 5])
  if redis.call('PTTL', key) < tonumber(ARGV[6 * i]) then redis.call('PEXPIRE', key, ARGV[6 * i]) end
end
return 0
"""
"""For each key: amount, most, bucket, since, until, how long it is kept; then how many buckets are.
Gives the place of the first that has no room, or 0."""
_GIVE_BACK = """
for i, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, ARGV[2 * i], -tonumber(ARGV[2 * i - 1]))
  if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, 86400000) end
end
"""
"""For each key: amount, bucket. It is kept as long as it was when it was taken; a key that is gone by then, for a day."""
_SWAP = """
local stands, text = redis.call('GET', KEYS[1]), ''
if stands then
  local ends, kept = string.match(stands, '^(%d+):(.*)$')
  if tonumber(ends) > tonumber(ARGV[3]) then text = kept end
end
if text ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[4] .. ':' .. ARGV[2], 'PX', math.max(ARGV[4] - ARGV[3], 1)) end
return 1
"""
"""The old text, the new one, the time, and when it expires; an empty text is none. The time stands in front of a text."""


class RedisStore:
    """Counts and texts in Redis, given as a URL or a `redis.Redis`. Threads and processes may share the server.

    All keys begin with ``prefix``, which has braces, so that a cluster keeps them on one server. The server's clock may
    differ from the application's: it only lets go of what is over. Redis may forget what it was told last when it fails: set ``appendfsync always`` where no limit may be
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
        if not claims:
            return None
        arguments: list[int] = []
        for claim in claims:
            kept_for = max(_milliseconds(claim.expires_at) - _milliseconds(now), 1)
            arguments += [claim.amount, claim.most, claim.bucket, claim.since, claim.until, kept_for]
        arguments.append(KEPT_BUCKETS)
        place = int(self._ask(self._take, keys=self._keys(claims), args=arguments))
        return claims[place - 1] if place else None

    def give_back(self, claims: Sequence[Claim]) -> None:
        """Give back the amounts of these."""
        arguments: list[int] = []
        for claim in claims:
            arguments += [claim.amount, claim.bucket]
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
            sum(int(amount) for bucket, amount in counts.items() if claim.since <= int(bucket) <= claim.until)
            for claim, counts in zip(claims, answers, strict=True)
        ]

    def get(self, keys: Iterable[str], now: datetime) -> dict[str, str]:
        """The texts under these keys."""
        wanted = list(keys)
        if not wanted:
            return {}
        found = self._ask(self._server.mget, [self._prefix + key for key in wanted])
        texts: dict[str, str] = {}
        for key, kept in zip(wanted, found, strict=True):
            ends, _, text = (kept or b"0:").decode().partition(":")
            if int(ends) > _milliseconds(now):
                texts[key] = text
        return texts

    def swap(self, key: str, old: str | None, new: str | None, expires_at: datetime, now: datetime) -> bool:
        """Put ``new`` in place of ``old``, if that is what stands there."""
        arguments = [old or "", new or "", _milliseconds(now), _milliseconds(expires_at)]
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
