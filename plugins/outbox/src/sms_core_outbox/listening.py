"""How a worker hears at once of what another process puts: PostgreSQL's LISTEN and NOTIFY.

It only shortens the wait. The worker looks at the tables every 100 ms in any case, so where nothing can be heard (SQLite,
or a pooler between it and the server) that is all that is missing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from sms_core_outbox.databases import CHANNEL, Database

LOOK = 0.2
"""Seconds after which a listener looks whether it is to end."""
PAUSE_AFTER_FAILURE = 10.0
"""Seconds before it tries to listen again."""

log = logging.getLogger("sms_core_outbox")


class Listener:
    """Calls ``wake`` with the account for which something was put, or "" where it may be any, in a thread of its own from `start` to `stop`. On SQLite it does nothing."""

    def __init__(self, database: Database, wake: Callable[[str], object]) -> None:
        self._database = database
        self._wake = wake
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen."""
        if not self._database.is_sqlite:
            self._thread = threading.Thread(target=self._run, name="sms-outbox-listen", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End listening."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        dbapi: Any = self._database.engine.dialect.dbapi
        while not self._stopping.is_set():
            try:
                self._listen()
            except (SQLAlchemyError, dbapi.Error) as error:
                log.warning("the worker polls, for it cannot listen: %s", type(error).__name__)
                self._stopping.wait(PAUSE_AFTER_FAILURE)

    def _listen(self) -> None:
        with self._database.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            connection.detach()  # it is taken for long, and a small pool would miss it
            raw.rollback()
            raw.autocommit = True
            raw.execute(f"LISTEN {CHANNEL}")
            self._wake("")  # for what was put before it could be heard
            while not self._stopping.is_set():
                for notice in raw.notifies(timeout=LOOK, stop_after=1):
                    self._wake(notice.payload)
