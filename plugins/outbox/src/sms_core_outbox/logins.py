"""Where a client that the outbox connects keeps its login: one refused login stops the workers of all machines.

Vendors block an account after a few wrong passwords (EVERY8D after ten), and each worker of a large installation would
try its own. So one login of an account is under way at a time, on all machines, and who comes next looks first whether
the account pauses because of a refusal. Tokens stay in the process: the database holds no secrets.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import select

from sms_core import MemorySessions
from sms_core.clocks import uptime
from sms_core.errors import AuthenticationFailed, TransportError
from sms_core.provider import Session
from sms_core_outbox.databases import Database
from sms_core_outbox.errors import DatabaseUnavailable
from sms_core_outbox.holders import FileLock
from sms_core_outbox.schema import account

LOOK = 0.02
"""Seconds between two tries at a file's lock."""
PATIENCE = 60
"""Seconds for which another worker's login is waited for."""
REFUSED = AuthenticationFailed.__name__
"""How the reason begins for which an account pauses whose login was refused."""

log = logging.getLogger("sms_core_outbox")


class SharedLogins:
    """A `sms_core.SessionStore` for the client of one account. ``pause`` lets the account pause, with a reason."""

    def __init__(self, database: Database, folder: Path, name: str, pause: Callable[[str], object]) -> None:
        self._database = database
        self._folder = folder
        self._name = name
        self._pause = pause
        self._memory = MemorySessions()
        self._mine = threading.local()

    @contextmanager
    def lock(self, key: str) -> Generator[None, None, None]:
        """One login at a time on all machines. A thread may take it again within its turn."""
        depth = getattr(self._mine, "depth", 0)
        with self._memory.lock(key):
            if depth:
                yield
                return
            self._mine.depth = 1
            try:
                with self._alone(key):
                    yield
            finally:
                self._mine.depth = 0

    def get(self, key: str) -> Session | AuthenticationFailed | None:
        """What this process knows."""
        return self._memory.get(key)

    def put(self, key: str, found: Session | AuthenticationFailed | None) -> None:
        """Keep it; a refusal lets the account pause at once, before the next one may try."""
        is_new = not isinstance(self._memory.get(key), AuthenticationFailed)
        self._memory.put(key, found)
        if not isinstance(found, AuthenticationFailed) or not is_new:
            return
        try:
            self._pause(f"{REFUSED}: {found}")
        except DatabaseUnavailable as error:  # the row's own result lets it pause as soon as it can be stored
            log.error("that account %r was refused is not known elsewhere yet: %s", self._name, error)  # noqa: TRY400

    def _read_refusal(self, key: str) -> None:
        with self._database.read() as connection:
            question = select(account.c.because).where(account.c.name == self._name, account.c.paused_at.is_not(None))
            because = connection.execute(question).scalar()
        if because is not None and because.startswith(REFUSED):
            self._memory.put(
                key, AuthenticationFailed(f"another worker was refused, and the account pauses ({because})")
            )

    @contextmanager
    def _alone(self, key: str) -> Generator[None, None, None]:
        with ExitStack() as held:
            try:
                held.enter_context(self._turn())
                self._read_refusal(key)
            except DatabaseUnavailable as error:
                raise TransportError(f"nobody knows whether another worker logs in: {error}", sent=False) from error
            yield

    @contextmanager
    def _turn(self) -> Generator[None, None, None]:
        """Nobody else's login at the same time. A worker that was stopped in the middle of its own is not waited for."""
        if not self._database.is_sqlite:
            with self._database.write() as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE * 1000}")
                self._database.lock(connection, ("login", self._name))
                yield
            return
        # A transaction would keep SQLite's other writers waiting for the vendor.
        digest = blake2b(self._name.encode(), digest_size=8).hexdigest()
        lock = FileLock(self._folder / f"login-{digest}.lock")
        end = uptime() + PATIENCE
        while not lock.take():
            if uptime() > end:
                raise DatabaseUnavailable("another worker's login does not end")
            time.sleep(LOOK)
        try:
            yield
        finally:
            lock.release()
