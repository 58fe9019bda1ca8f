"""Pushes reports and replies to the customer as the vendor does: again until one is acknowledged.

They go to the URL that the send itself named, where the vendor's wire has that, or else to the account's.

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
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import attrs
import urllib3
from attrs import define, field, frozen

from sms_core.http import Request, Response
from sms_core.masking import mask
from sms_core.testing import Exchange, Push, Reply, StoredMessage
from sms_core_sandbox.face import Face
from sms_core_sandbox.pushes import message_of

CallbackUrl = str | Mapping[str, str] | None
"""Where the accounts are told: all of them, or each vendor's by the name of its face."""
LONGEST_ANSWER = 64 * 1024
"""Bytes of a receiver's answer that are looked at."""

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
    request: Request | None = field(default=None, repr=False)
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
    answer to the send; ``interval`` between tries. ``callback_url`` is that of the accounts, of all or by the vendor's
    face. Without one nothing is pushed to an account: what happens in such a time is not pushed later either. Of more
    attempts than ``keep`` the oldest are forgotten. A send can name a URL of its own: one that is neither on this
    machine, nor at a host of ``callback_url`` or ``allowed_hosts``, is not called, and the attempt says so.
    """

    def __init__(
        self,
        exchange: Exchange,
        faces: Mapping[str, Face],
        *,
        callback_url: CallbackUrl = None,
        interval: float = 0.2,
        delay: float = 0.1,
        timeout: float = 5.0,
        keep: int | None = None,
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        self.callback_url = callback_url
        self.allowed_hosts = frozenset(allowed_hosts)
        self._exchange = exchange
        self._faces = faces
        self._interval = interval
        self._delay = delay
        # Not `SocketTransport`, which takes no answer whose end it cannot tell: vendors that want a 200 are not so strict.
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(timeout, timeout))
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
        exchange.subscribe(self._enqueue, steps=True)

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
        self._pool.clear()

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
        if face is None or face.push is None or not self._url_of(push):
            return
        if isinstance(push, StoredMessage) and push.status not in face.states:
            return
        host = urlsplit(self._url_of(push)).hostname or ""
        if not self._may_call(host):
            self._refuse(push, f"not pushed: {host!r} is neither this machine nor a host that may be called")
            return
        with self._changed:
            lane = self._lanes.setdefault(message.number, deque())
            lane.append(_Pending(push, message.face, message.number))
            if len(lane) == 1:
                self._schedule(message.number, self._delay)

    def _url_of(self, push: Push) -> str:
        """Where it goes; "" for nowhere. A send that could have named a URL and did not is reported nowhere."""
        message = message_of(push)
        own = message.reply_url if isinstance(push, Reply) else message.report_url
        if own is not None:
            return own
        if self.callback_url is None or isinstance(self.callback_url, str):
            return self.callback_url or ""
        return self.callback_url.get(message.face, "")

    def _may_call(self, host: str) -> bool:
        """Whether it is this machine, or a host that whoever runs the sandbox has named: a test sends numbers nowhere else."""
        own = [self.callback_url] if isinstance(self.callback_url, str) else (self.callback_url or {}).values()
        named = {urlsplit(url).hostname for url in own}
        return _is_loopback(host) or host in named or host in self.allowed_hosts

    def _refuse(self, push: Push, reason: str) -> None:
        message = message_of(push)
        self._note(
            PushAttempt(
                message.number,
                message.face,
                0,
                taken=False,
                serial=message.serial,
                at=self._exchange.clock.now(),
                error=reason,
            )
        )

    def _note(self, attempt: PushAttempt) -> None:
        """Keep an attempt and tell of it. Nobody is told under the lock: whoever hears of it may ask the exchange."""
        with self._changed:
            self._attempts.append(attempt)
            watchers = tuple(self._watchers)
        for watcher in watchers:
            watcher(attempt)

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
        url = self._url_of(pending.content)
        now = self._exchange.clock.now()
        attempt = PushAttempt(
            pending.number, pending.face, pending.attempts, taken=False, serial=pending.serial, at=now
        )
        if not url or face.push is None:
            return attrs.evolve(attempt, error="there is no callback URL any more")
        request = None
        try:
            request = face.push(pending.content, url)
            if request is None:
                return None
            response = self._send(request)
            taken = face.acknowledged(response)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            log.info("push %d to the callback URL failed: %s", pending.attempts, error)
            return attrs.evolve(attempt, request=request, error=str(error))
        except Exception as error:  # a third party's face: its bug must not end all pushing
            log.exception("the face %r failed to push", pending.face)
            return attrs.evolve(attempt, request=request, error=f"{type(error).__name__}: {error}")
        return attrs.evolve(attempt, taken=taken, status=response.status, request=request, response=response)

    def _send(self, request: Request) -> Response:
        """The receiver's answer, read as leniently as most vendors read it: its body may end with the connection."""
        answer = self._pool.request(
            request.method,
            request.url,
            body=request.body or None,
            headers=dict(request.headers),
            redirect=False,
            preload_content=False,
        )
        try:
            body = answer.read(LONGEST_ANSWER)
        finally:
            answer.release_conn()
        return Response(answer.status, dict(answer.headers), body)

    def _finish(self, pending: _Pending, attempt: PushAttempt | None) -> None:
        if not self._is_first(pending):
            return  # forgotten meanwhile
        if attempt is not None:
            self._note(attempt)
        with self._changed:
            if not self._is_first(pending):
                return
            lane = self._lanes[pending.number]
            if attempt is None or attempt.taken or pending.attempts > self._faces[pending.face].retries:
                lane.popleft()
                if lane:
                    self._schedule(pending.number, 0.0)
                else:
                    del self._lanes[pending.number]
                    self._changed.notify_all()
            else:
                self._schedule(pending.number, self._interval)

    def _is_first(self, pending: _Pending) -> bool:
        """Whether this is the push that its number waits for."""
        with self._changed:
            lane = self._lanes.get(pending.number) or (None,)
            return lane[0] is pending


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
