"""An `AsyncClient` with the methods of a `Client`, so that the same plays are for both colours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

from sms_core import AsyncClient


class LoopClient:
    """Each call runs to its end in an event loop of its own; of what is to be iterated over it gives a list."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, "aclose" if name == "close" else name)

        def call(*arguments: Any, **named: Any) -> Any:
            return asyncio.run(_whole(found(*arguments, **named)))

        return call


async def _whole(given: Any) -> Any:
    if isinstance(given, AsyncIterator):
        return [row async for row in given]
    return await given if isinstance(given, Awaitable) else given
