"""One-time codes in both colours."""

from __future__ import annotations

import asyncio
import inspect
from typing import Protocol

from sms_core import ConfigurationError, Message, SmsError
from sms_core_policy.codes.base import Begun, Codes, Keeper
from sms_core_policy.codes.values import Checked, Ticket


class Sender(Protocol):
    """A `Client`, or what sends as one does: a `FailoverClient`."""

    def send(self, message: Message, /) -> object:
        """Send it."""
        ...


class AsyncSender(Protocol):
    """The same for event loops."""

    async def send(self, message: Message, /) -> object:
        """Send it."""
        ...


class OneTimeCodes(Codes[Sender | Keeper]):
    """One-time codes through a client or an outbox: `start` sends one, `check` says whether it is right. Threads may share it.

    ``key`` is a secret of the application, 16 bytes or more; whoever has it and the store can tell codes. ``sender`` is the
    approved name, which the text has in it; the text has to fit one segment. A code lives for ``lifetime`` and ``tries``
    guesses; a number has ``tries_a_day`` wrong ones in all. Another text may be asked for after ``resend_after``: it
    carries the same code while that lives, with a mark of its own, so that no filter takes it for a duplicate.
    ``limits`` are windows for each "number", "address" (``ip``, of IPv6 the /64), "prefix", "purpose" or "all", or a
    function of the number; where one of many numbers is full, ``on_surge`` hears of it, once while the window lasts.
    Raises `ConfigurationError`.
    """

    def _check_client(self, client: Sender | Keeper) -> None:
        if _is_async(client):
            raise ConfigurationError("OneTimeCodes: this client is to be awaited; give it to AsyncOneTimeCodes")

    def start(self, number: str, purpose: str = "login", *, ip: str = "") -> Ticket:
        """Send a code, or say when one may be asked for.

        Raises `LimitReached`, `InvalidMessage` for what is no number, `StoreUnavailable`, and what a send raises that
        surely sent nothing; then it may be asked again at once.
        """
        begun = self._begin(number, purpose, ip)
        if isinstance(begun, Ticket):
            return begun
        error: SmsError | None = None
        try:
            if isinstance(self._client, Keeper):
                self._client.put(begun.message, **begun.put_options)
            else:
                self._client.send(begun.message)
        except SmsError as failure:
            error = failure
        return self._end(begun, error)

    def check(self, number: str, purpose: str, code: str) -> Checked:
        """Whether this is the code; true once. Raises `InvalidMessage` for what is no number, `StoreUnavailable`."""
        return self._judge(number, purpose, code)


class AsyncOneTimeCodes(Codes[AsyncSender | Keeper]):
    """`OneTimeCodes` over an `AsyncClient` or an outbox of either colour; the store, and an `Outbox`, are asked in threads."""

    def _check_client(self, client: AsyncSender | Keeper) -> None:
        if not _is_async(client) and not isinstance(client, Keeper):
            raise ConfigurationError("AsyncOneTimeCodes: this client cannot be awaited; give it to OneTimeCodes")

    async def start(self, number: str, purpose: str = "login", *, ip: str = "") -> Ticket:
        """As `OneTimeCodes.start`. Cancelled, it leaves the code as it is: the text may have been sent."""
        begun = await asyncio.to_thread(self._begin, number, purpose, ip)
        if isinstance(begun, Ticket):
            return begun
        error: SmsError | None = None
        try:
            await self._hand_over(begun)
        except SmsError as failure:
            error = failure
        return await asyncio.to_thread(self._end, begun, error)

    async def _hand_over(self, begun: Begun) -> None:
        if not isinstance(self._client, Keeper):
            await self._client.send(begun.message)
        elif _is_async(self._client):
            await self._client.put(begun.message, **begun.put_options)
        else:
            await asyncio.to_thread(self._client.put, begun.message, **begun.put_options)

    async def check(self, number: str, purpose: str, code: str) -> Checked:
        """As `OneTimeCodes.check`."""
        return await asyncio.to_thread(self._judge, number, purpose, code)


def _is_async(client: object) -> bool:
    """Whether what takes the text has to be awaited."""
    take = getattr(client, "put", None) or getattr(client, "send", None)
    return inspect.iscoroutinefunction(take)
