"""Pushes reports and replies to the customer's callback URL as the vendor does: again until one is acknowledged.

The pushes to one number go out in their order: the next waits until the one before was taken or given up. Other
numbers do not wait for it.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime

import attrs
from attrs import define, field, frozen

from sms_core import SmsError, SocketTransport
from sms_core.http import Request, Response
from sms_core.masking import mask
from sms_core.testing import Exchange, Push
from sms_core_sandbox.face import Face
from sms_core_sandbox.pushes import message_of

log = logging.getLogger(__name__)


@frozen
class PushAttempt:
    """One try, counted from 1. ``status`` is the receiver's HTTP status, None where no answer came.

    ``serial`` is the one of the message that was reported or answered, ``at`` the time (aware), ``response`` the
    receiver's answer, ``error`` why there is none.
    """

    number: str = field(repr=mask)
    face: str
    attempt: int
    taken: bool
    status: int | None = None
    request: Request | None = None
    serial: int = 0
    at: datetime | None = None
    response: Response | None = field(default=None, repr=False)
    error: str = ""


@define
class _Pending:
    """A push that the customer has not taken yet, and how often it was tried."""

    content: Push
    face: str
    number: str
    attempts: int = 0

    @property
    def serial(self) -> int:
        """The serial of the message that is reported or answered."""
        return message_of(self.content).serial


class Pusher:
    """Two threads: one runs what comes due in the exchange, the other pushes.

    Times are in seconds. ``delay`` passes before the first try, since a vendor's push seldom overtakes its
    answer to the send; ``interval`` between tries. Nothing is pushed while ``callback_url`` is None: what happens in
    such a time is not pushed later either. Of more attempts than ``keep`` the oldest are forgotten.
    """

    def __init__(
        self,
        exchange: Exchange,
        faces: Mapping[str, Face],
        *,
        callback_url: str | None = None,
        interval: float = 0.2,
        delay: float = 0.1,
        timeout: float = 5.0,
        keep: int | None = None,
    ) -> None:
        self.callback_url = callback_url
        self._exchange = exchange
        self._faces = faces
        self._interval = interval
        self._delay = delay
        self._transport = SocketTransport(connect_timeout=timeout, read_timeout=timeout)
        self._changed = threading.Condition()
        self._stopping = False
        # The pushes to each number, in order; and when the first of each is to be tried, by the monotonic clock.
        self._lanes: dict[str, deque[_Pending]] = {}
        self._ready: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._attempts: deque[PushAttempt] = deque(maxlen=keep)
        self._watchers: list[Callable[[PushAttempt], object]] = []
        self._threads = [
            threading.Thread(target=self._run_clock, name="sandbox-clock", daemon=True),
            threading.Thread(target=self._run_pushes, name="sandbox-push", daemon=True),
        ]
        exchange.subscribe(self._enqueue)

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, whatever is left to push; returns when both threads have ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._exchange.wake()
        for thread in self._threads:
            thread.join()
        self._transport.close()

    def forget(self) -> None:
        """Drop what is left to push, and the list of attempts."""
        with self._changed:
            self._lanes.clear()
            self._ready.clear()
            self._attempts.clear()
            self._changed.notify_all()

    @property
    def attempts(self) -> tuple[PushAttempt, ...]:
        """Every try so far, in order."""
        with self._changed:
            return tuple(self._attempts)

    def watch(self, watcher: Callable[[PushAttempt], object]) -> None:
        """Have ``watcher(attempt)`` called after each try, in the pushing thread."""
        with self._changed:
            self._watchers.append(watcher)

    def wait_idle(self, timeout: float = 5.0) -> bool:
        """Wait until nothing is left to push (then True), at most ``timeout`` seconds (then False)."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lanes, timeout)

    def _enqueue(self, push: Push) -> None:
        message = message_of(push)
        face = self._faces.get(message.face)
        if self.callback_url is None or face is None or face.push is None:
            return
        with self._changed:
            lane = self._lanes.setdefault(message.number, deque())
            lane.append(_Pending(push, message.face, message.number))
            if len(lane) == 1:
                self._schedule(message.number, self._delay)

    def _schedule(self, number: str, seconds: float) -> None:
        """Have the first push to this number tried in so many seconds."""
        heapq.heappush(self._ready, (time.monotonic() + seconds, next(self._order), number))
        self._changed.notify_all()

    def _run_clock(self) -> None:
        while not self._stopping:
            self._exchange.wait_for(lambda: self._stopping, timeout=60.0)

    def _run_pushes(self) -> None:
        while pending := self._next():
            attempt = self._try(pending)
            self._finish(pending, attempt)

    def _next(self) -> _Pending | None:
        """The next push whose time has come; None at the end. Its number is not in `_ready` again before `_finish`."""
        with self._changed:
            while not self._stopping:
                left = self._ready[0][0] - time.monotonic() if self._ready else None
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                lane = self._lanes.get(heapq.heappop(self._ready)[2])
                if lane:
                    return lane[0]
            return None

    def _try(self, pending: _Pending) -> PushAttempt | None:
        """What came of it; None where the vendor pushes nothing for it."""
        pending.attempts += 1
        face = self._faces[pending.face]
        url = self.callback_url
        now = self._exchange.clock.now()
        attempt = PushAttempt(
            pending.number, pending.face, pending.attempts, taken=False, serial=pending.serial, at=now
        )
        if url is None or face.push is None:
            return attrs.evolve(attempt, error="there is no callback URL any more")
        request = None
        try:
            request = face.push(pending.content, url)
            if request is None:
                return None
            response = self._transport.send(request)
            taken = face.acknowledged(response)
        except SmsError as error:
            log.info("push %d to the callback URL failed: %s", pending.attempts, error)
            return attrs.evolve(attempt, request=request, error=str(error))
        except Exception as error:  # a third party's face: its bug must not end all pushing
            log.exception("the face %r failed to push", pending.face)
            return attrs.evolve(attempt, request=request, error=f"{type(error).__name__}: {error}")
        return attrs.evolve(attempt, taken=taken, status=response.status, request=request, response=response)

    def _finish(self, pending: _Pending, attempt: PushAttempt | None) -> None:
        with self._changed:
            lane = self._lanes.get(pending.number)
            if lane is None or not lane or lane[0] is not pending:
                return  # forgotten meanwhile
            if attempt is not None:
                self._attempts.append(attempt)
                for watcher in self._watchers:
                    watcher(attempt)
            if attempt is None or attempt.taken or pending.attempts > self._faces[pending.face].retries:
                lane.popleft()
                if lane:
                    self._schedule(pending.number, 0.0)
                else:
                    del self._lanes[pending.number]
                    self._changed.notify_all()
            else:
                self._schedule(pending.number, self._interval)
