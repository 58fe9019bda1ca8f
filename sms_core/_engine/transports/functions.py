"""A custom transport that is one function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import cast

from attrs import frozen

from sms_core.errors import ConfigurationError
from sms_core.http import AsyncTransport, Request, Response, Transport

Carry = Callable[[Request], Response]
"""`Transport.send` as a function."""

AsyncCarry = Callable[[Request], Awaitable[Response]]
"""`AsyncTransport.asend` as an ``async def``."""


@frozen
class _Function:
    carry: Carry

    def send(self, request: Request) -> Response:
        return self.carry(request)

    def close(self) -> None:
        """What the function has open is its own."""


@frozen
class _AsyncFunction:
    carry: AsyncCarry

    async def asend(self, request: Request) -> Response:
        return await self.carry(request)

    async def aclose(self) -> None:
        """What the function has open is its own."""


def as_transport(given: Transport | Carry) -> Transport:
    """What `connect` was given, as an object. Raises `ConfigurationError` for what is not of this colour."""
    if hasattr(given, "send"):
        return cast("Transport", given)
    if callable(given) and not inspect.iscoroutinefunction(given):
        return _Function(given)
    raise ConfigurationError(
        "connect(transport=…) needs a function that takes a Request and gives a Response, or an object with send() and close()"
    )


def as_async_transport(given: AsyncTransport | AsyncCarry) -> AsyncTransport:
    """The same for `connect_async`."""
    if hasattr(given, "asend"):
        return cast("AsyncTransport", given)
    if inspect.iscoroutinefunction(given):
        return _AsyncFunction(given)
    raise ConfigurationError(
        "connect_async(transport=…) needs an `async def` that takes a Request and gives a Response, or an object with "
        "asend() and aclose()"
    )
