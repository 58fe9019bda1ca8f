"""A worker: a thread that sends what is put for as long as it runs."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Self

from sms_core.clocks import uptime
from sms_core.errors import ConfigurationError, SmsError
from sms_core_outbox.listening import Listener
from sms_core_outbox.passes import AccountPass, Landed, finish, wait_for

POLL = 0.1
"""Seconds between two looks at the tables, where nothing wakes the worker before."""
SWEEP_EVERY = 1.0
"""Seconds between two looks at what others left behind."""
ASK_EVERY = 10.0
"""Seconds between two looks at what is to be asked of vendors."""
PAUSE_AFTER_FAILURE = 1.0
"""Seconds before the database is tried again."""

log = logging.getLogger("sms_core_outbox")

Landing = SimpleQueue[Landed | None]
OpenPass = Callable[[str, ThreadPoolExecutor, Landing], AccountPass | None]


class Worker:
    """Sends in a thread of its own while a ``with`` block lasts. At its end it finishes what is under way.

    ``names`` gives the accounts that have something to send, of those for which something was just put, or of all where
    it is given none; ``open_pass`` begins the pass of one, ``end_pass`` ends
    it, ``sweep`` looks after what others left, ``listener`` makes what wakes it. ``ask`` asks vendors for what is due, in
    a thread of its own, since they may be slow; None asks nothing. `Outbox.worker` makes it.
    """

    def __init__(
        self,
        names: Callable[[Collection[str]], list[str]],
        open_pass: OpenPass,
        end_pass: Callable[[AccountPass], object],
        sweep: Callable[[], object],
        *,
        threads: int,
        wakers: list[Callable[[str], object]],
        listener: Callable[[Callable[[str], object]], Listener],
        ask: Callable[[Callable[[], bool]], object] | None = None,
    ) -> None:
        self._names = names
        self._open_pass = open_pass
        self._end_pass = end_pass
        self._sweep = sweep
        self._threads = threads
        self._wakers = wakers
        self._new_listener = listener
        self._listener: Listener | None = None
        self._ask = ask
        self._asking: threading.Thread | None = None
        self._landed: Landing = SimpleQueue()
        self._woken: SimpleQueue[str] = SimpleQueue()
        self._looked = float("-inf")
        self._stopping = threading.Event()
        self._process = 0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the thread. Raises `ConfigurationError` if it runs already."""
        if self._thread is not None:
            raise ConfigurationError("the worker runs already")
        self._process = os.getpid()
        self._wakers.append(self.wake)
        self._listener = self._new_listener(self.wake)
        self._listener.start()
        self._thread = threading.Thread(target=self._run, name="sms-outbox", daemon=True)
        self._thread.start()
        if self._ask is not None:
            self._asking = threading.Thread(
                target=self._ask_again, args=(self._ask,), name="sms-outbox-ask", daemon=True
            )
            self._asking.start()

    def stop(self, timeout: float | None = None) -> bool:
        """Hand out nothing more, and wait until what is under way is known and stored. Gives whether it is over.

        Raises `ConfigurationError` in a child process, where the worker does not run.
        """
        if self._thread is None:
            return True
        self.check_process()
        self._stopping.set()
        self.wake()
        self._thread.join(timeout)
        if self._asking is not None:
            self._asking.join(timeout)
        if self._thread.is_alive() or (self._asking is not None and self._asking.is_alive()):
            return False
        self._asking = None
        self._wakers.remove(self.wake)
        if self._listener is not None:
            self._listener.stop()
        self._thread = None
        self._stopping.clear()
        return True

    def check_process(self) -> None:
        """Raise `ConfigurationError` in a child process: threads are not forked."""
        if self._thread is not None and self._process != os.getpid():
            raise ConfigurationError("the worker was started before the fork, and runs in the parent process alone")

    @property
    def is_running(self) -> bool:
        """Whether it sends, in this process."""
        return self._thread is not None and self._process == os.getpid() and self._thread.is_alive()

    def wake(self, account: str = "") -> None:
        """Let it look at once, for what was put for this account or, without one, at all of them."""
        self._woken.put(account)
        self._landed.put(None)

    def _ask_again(self, ask: Callable[[Callable[[], bool]], object]) -> None:
        while not self._stopping.is_set():
            try:
                ask(self._stopping.is_set)
            except SmsError as error:
                log.warning("a question to a vendor failed, and comes again with its next turn: %s", error)
            except Exception:
                log.exception("a question to a vendor failed, and comes again with its next turn")
            self._stopping.wait(ASK_EVERY)

    def _run(self) -> None:
        passes: dict[str, AccountPass] = {}
        swept = float("-inf")
        with ThreadPoolExecutor(self._threads, thread_name_prefix="sms-outbox-send") as pool:
            while not self._stopping.is_set():
                try:
                    if uptime() - swept >= SWEEP_EVERY:
                        self._sweep()
                        swept = uptime()
                    may_find_more = self._fill(passes, pool)
                    wait_for(self._landed, passes, 0.0 if may_find_more else POLL)
                except SmsError as error:
                    log.error("the outbox's worker goes on in %g s: %s", PAUSE_AFTER_FAILURE, error)  # noqa: TRY400
                    self._stopping.wait(PAUSE_AFTER_FAILURE)
                except Exception:
                    log.exception("the outbox's worker goes on in %g s", PAUSE_AFTER_FAILURE)
                    self._stopping.wait(PAUSE_AFTER_FAILURE)
            finish(self._landed, passes)

    def _just_woken_for(self) -> set[str]:
        """The accounts to look at alone, which saves the look for others; none where it is time to look at all."""
        woken = set()
        while not self._woken.empty():
            woken.add(self._woken.get())
        if woken and "" not in woken and uptime() - self._looked < POLL:
            return woken
        self._looked = uptime()
        return set()

    def _fill(self, passes: dict[str, AccountPass], pool: ThreadPoolExecutor) -> bool:
        """Claim and send what can be. Gives whether another claim may find something at once."""
        may_find_more = False
        for name in self._names(self._just_woken_for()):
            found = passes.get(name) or self._open_pass(name, pool, self._landed)
            if found is None:
                continue
            passes[name] = found
            found.fill()
            may_find_more |= found.may_find_more
        for found in [found for found in passes.values() if found.is_stale and not found.is_flying]:
            self._end_pass(passes.pop(found.name))
        return may_find_more
