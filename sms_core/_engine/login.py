"""The login of one account: its session, who logs in when several want one, and what a refusal means."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from typing import Any, TypeVar

from attrs import frozen

from sms_core._engine.sessions import SessionStore
from sms_core.errors import AuthenticationFailed, SendError, SmsError
from sms_core.http import Request
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Blocking, Session, Sleep

T = TypeVar("T")

PROVEN = Session("", datetime.max.replace(tzinfo=UTC))
"""Kept in place of a session for credentials that ride on each request, once they have worked."""

NOT_AGAIN = "refused before, and not tried again until the credentials change: connect() with new ones"


@frozen
class Turn:
    """Wait for this lock and let ``holder`` hold it, which lets it go when it is closed."""

    lock: AbstractContextManager[object]
    holder: ExitStack


Want = Request | Sleep | Blocking | Turn
"""What a driver of either colour gives: the rest is decided here and in `driver.Conversations`."""

Wants = Generator[Want, Any, T]
"""What ends with a ``T``, if it is given all that it wants meanwhile."""


class FirstUse(ExitStack):
    """The first use of credentials that ride on each request. It holds the account's lock until it has ended.

    So many threads with a wrong password show it once, and the account is not blocked.
    """

    begun = False


class Login:
    """One account's login, in a store that other clients may share."""

    def __init__(self, provider: Provider, store: SessionStore, clock: Callable[[], datetime]) -> None:
        self.needed = provider.logs_in
        self._key = provider.account.key
        self._store = store
        self._clock = clock
        self._process = os.getpid()  # the one whose login it is

    def session(
        self, stale: Session | None, log_in: Callable[[], Wants[Session]], first_use: FirstUse
    ) -> Wants[Session | None]:
        """The session to use, other than ``stale``; None where credentials ride on each request.

        Logs in where there is none, once however many wait for it. Raises `AuthenticationFailed` without asking the
        vendor where it refused these credentials before.
        """
        found = self._usable(stale)
        if found is None and not first_use.begun:  # one that has begun holds the lock already
            with ExitStack() as waiting:
                yield Turn(self._store.lock(self._key), waiting)
                found = self._usable(stale)  # another thread may have been faster
                if found is None and self.needed:
                    found = yield from log_in()
                    self._store.put(self._key, found)
                    self._process = os.getpid()
                elif found is None:
                    first_use.push(waiting.pop_all())
                    first_use.begun = True
        if not self.needed:
            return None
        return found

    def end(self) -> Session | None:
        """Forget the session. Gives it where the vendor still takes it, for it to be told.

        One that was taken over from the parent process is still in use there, so it is let be.
        """
        if self._process != os.getpid():
            return None
        session = self._store.get(self._key)
        if not self.needed or not isinstance(session, Session) or session.expires_at <= self._clock():
            return None
        self._store.put(self._key, None)
        return session

    def note_success(self, first_use: FirstUse) -> None:
        """The conversation succeeded: where it was the first use of its credentials, they are good."""
        if first_use.begun:
            self._store.put(self._key, PROVEN)

    def note_failure(self, error: SmsError) -> None:
        """The conversation failed: where the credentials were refused, nobody shows them again."""
        refused = _refused_login(error)
        if refused is not None:
            self._store.put(self._key, _for_good(refused))

    def _usable(self, stale: Session | None) -> Session | None:
        found = self._store.get(self._key)
        if isinstance(found, AuthenticationFailed):
            raise _for_good(found)
        if found is None or found == stale or found.expires_at <= self._clock():
            return None
        return found


def _for_good(error: AuthenticationFailed) -> AuthenticationFailed:
    """The refusal as it is told to those who come later."""
    reason = error.reason
    if not reason:
        reason = NOT_AGAIN
    elif NOT_AGAIN not in reason:
        reason = f"{reason}; {NOT_AGAIN}"
    return AuthenticationFailed(reason, code=error.code, vendor_text=error.vendor_text)


def _refused_login(error: SmsError) -> AuthenticationFailed | None:
    """The refusal of the credentials that an error is, or that a send met in its middle."""
    if isinstance(error, AuthenticationFailed):
        return error
    if isinstance(error, SendError):
        for row in error.result.outcomes:
            if isinstance(row.error, AuthenticationFailed):
                return row.error
    return None
