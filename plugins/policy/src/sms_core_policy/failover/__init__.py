"""A second vendor: a client made of several, which goes to the next for what the one before surely did not take.

``vendors`` are its clients and whether they rest, ``division`` is who would carry whom, ``routing`` who is tried and for
whom, ``journeys`` what became of each recipient, ``sending`` the conversation that a driver of either colour answers, and
``batches`` who took what. ``base`` is what ``client`` and ``aio``, the two colours, share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack, overload

from sms_core import AsyncClient, Client, ConfigurationError
from sms_core_policy.failover.aio import AsyncFailoverClient
from sms_core_policy.failover.base import Options
from sms_core_policy.failover.client import FailoverClient

__all__ = ["AsyncFailoverClient", "FailoverClient", "failover"]


@overload
def failover(name: str, clients: Sequence[Client], **options: Unpack[Options]) -> FailoverClient: ...
@overload
def failover(name: str, clients: Sequence[AsyncClient], **options: Unpack[Options]) -> AsyncFailoverClient: ...
def failover(name: str, clients: Sequence[Any], **options: Unpack[Options]) -> FailoverClient | AsyncFailoverClient:
    """A client that sends by the first of these, and by the next what that one surely did not take.

    That is what ended ``NOT_SENT``, what it cannot carry, and, of what it refused, what ``also_after`` names: `InsufficientCredit`, say.
    An ``UNKNOWN`` outcome is never sent again. A vendor that cannot be reached rests for ``rest``; then one
    send tries it. ``order`` gives the names of the vendors for a message, such as ``["every8d", "twilio"]``: a vendor's
    name, with ``-2`` for its second client. Raises `ConfigurationError` for none, and for both colours at once.
    """
    if all(isinstance(client, Client) for client in clients):
        return FailoverClient(name, clients, **options)
    if all(isinstance(client, AsyncClient) for client in clients):
        return AsyncFailoverClient(name, clients, **options)
    raise ConfigurationError(f"failover {name!r}: all of its clients are of connect(), or all of connect_async()")
