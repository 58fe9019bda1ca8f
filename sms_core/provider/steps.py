"""What a conversation with a vendor consists of: steps that a flow yields and a driver answers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any, TypeVar

from attrs import field, frozen

from sms_core.http import Request


@frozen
class Session:
    """A login: the vendor's token, and when (aware) it is to be renewed."""

    token: str = field(repr=False)
    expires_at: datetime


@frozen
class Sleep:
    """Wait. The driver answers None."""

    seconds: float


@frozen
class Blocking:
    """Do what blocks, such as a question to a database. The driver answers with what ``work`` gives, or throws what it raises.

    Where the flow runs in an event loop, ``work`` runs in a thread, and is waited for before a cancellation goes on.
    """

    work: Callable[[], object]


@frozen
class StartAttempt:
    """Begin an attempt at an operation. The driver answers with an `Attempt`.

    ``stale`` is a session that the vendor no longer takes; the attempt then has another one. However many flows ask at
    once, one login is under way. ``with_session`` is False for what needs none: the login itself.
    """

    stale: Session | None = None
    with_session: bool = True


@frozen
class Attempt:
    """What an attempt has to itself: the time (aware), a nonce that no other has, and the account's session if any."""

    now: datetime
    nonce: str = field(repr=False)
    session: Session | None = None


Step = Request | Sleep | Blocking | StartAttempt
"""A driver answers a `Request` with a `Response`, or throws a `TransportError` into the flow."""

T = TypeVar("T")

Flow = Generator[Step, Any, T]
"""A conversation that ends with a ``T``. It opens no socket and reads no clock, so any driver can run it."""
