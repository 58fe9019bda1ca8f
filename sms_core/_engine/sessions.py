"""Where logins are kept: one for each account, shared by all threads of a client, or by several clients."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Protocol

from sms_core.errors import AuthenticationFailed
from sms_core.processes import PerProcess
from sms_core.provider.steps import Session


class SessionStore(Protocol):
    """A place for sessions, by `Account.key`. In a child process a lock of the parent's may be held for ever: make new ones.

    It keeps refusals too: vendors block an account after a few wrong logins (EVERY8D after ten), so after one
    refusal nobody tries again with these credentials.
    """

    def lock(self, key: str) -> AbstractContextManager[object]:
        """Held during a login, so that one is under way at a time; nobody takes it again meanwhile."""
        ...

    def get(self, key: str) -> Session | AuthenticationFailed | None:
        """The session, the refusal, or None."""
        ...

    def put(self, key: str, found: Session | AuthenticationFailed | None) -> None:
        """Keep a session or a refusal; None forgets it."""
        ...


class MemorySessions:
    """Sessions in this process. Give one to several `connect` calls to let them share their logins.

    A child process takes over what its parent knew, the refusals too, and has locks of its own.
    """

    def __init__(self) -> None:
        self._found: dict[str, Session | AuthenticationFailed] = {}
        self._locks: PerProcess[dict[str, AbstractContextManager[object]]] = PerProcess({}, lambda _: {})

    def lock(self, key: str) -> AbstractContextManager[object]:
        """One lock for each account, which a thread may take again within its turn."""
        return self._locks.get().setdefault(key, threading.RLock())

    def get(self, key: str) -> Session | AuthenticationFailed | None:
        """The session, the refusal, or None."""
        return self._found.get(key)

    def put(self, key: str, found: Session | AuthenticationFailed | None) -> None:
        """Keep a session or a refusal; None forgets it."""
        if found is None:
            self._found.pop(key, None)
        else:
            self._found[key] = found
