"""What a client of the kit stands on instead of a network, a store of sessions, a clock and chance."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from sms_core import MemorySessions, SessionStore
from sms_core.errors import AuthenticationFailed
from sms_core.http import Request, Response, Transport
from sms_core.provider import Session
from sms_core.testing import FakeTransport

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of a recording that names none."""


class Stage:
    """Transport, session store and clock of one client, each set anew before a play.

    Binding a provider takes longer than most plays, so the kit makes one client for each DSN and plays many
    recordings on it, one after another.
    """

    def __init__(self) -> None:
        self.set(FakeTransport(()), MemorySessions(), NOW)

    def set(self, transport: Transport, sessions: SessionStore, now: datetime, *, same_nonce: bool = False) -> None:
        """Answers, sessions and time of the next play. ``same_nonce`` gives each attempt the first one's nonce."""
        self._transport = transport
        self._sessions = sessions
        self._now = now
        self._attempts = 0
        self._step = 0 if same_nonce else 1

    # The clock

    def now(self) -> datetime:
        """A time that stands still."""
        return self._now

    def nonce(self) -> str:
        """The number of the attempt in its play, from 0, so that a recorded request is made again as it was."""
        nonce = f"{self._attempts:032x}"
        self._attempts += self._step
        return nonce

    # The transport

    def send(self, request: Request) -> Response:
        """The answer of the transport that is set."""
        return self._transport.send(request)

    def close(self) -> None:
        """Close the transport that is set; the next one is open."""
        self._transport.close()

    async def asend(self, request: Request) -> Response:
        """The same for event loops."""
        return self.send(request)

    async def aclose(self) -> None:
        """The same for event loops."""
        self.close()

    # The store of sessions

    def lock(self, key: str) -> AbstractContextManager[object]:
        """The lock of the store that is set."""
        return self._sessions.lock(key)

    def get(self, key: str) -> Session | AuthenticationFailed | None:
        """What the store that is set has."""
        return self._sessions.get(key)

    def put(self, key: str, found: Session | AuthenticationFailed | None) -> None:
        """Keep it in the store that is set."""
        self._sessions.put(key, found)


def no_sleep(seconds: float) -> None:
    """A pause that takes no time."""
    del seconds


async def no_async_sleep(seconds: float) -> None:
    """The same for event loops."""
    del seconds
