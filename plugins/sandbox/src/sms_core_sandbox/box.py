"""The sandbox itself: faces over one exchange, served by uvicorn in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import uvicorn

from sms_core import dsn as dsns
from sms_core.errors import ConfigurationError
from sms_core.testing import Approved, Clock, Exchange
from sms_core_sandbox.app import make_app
from sms_core_sandbox.ending import Ending
from sms_core_sandbox.face import Face, FaceFactory, load_factories
from sms_core_sandbox.faults import Faults
from sms_core_sandbox.faulty import HangUpProtocol
from sms_core_sandbox.guard import is_loopback
from sms_core_sandbox.inbox import Inbox
from sms_core_sandbox.live import Live
from sms_core_sandbox.pusher import CallbackUrl, PushAttempt, Pusher
from sms_core_sandbox.roots import Roots, root_ports, with_roots
from sms_core_sandbox.store import Store, Views

USER = "sandbox"
PASSWORD = "sandbox-password"  # noqa: S105 - everybody's, on purpose
KEPT_IN_MEMORY = 100_000
"""Messages that a sandbox keeps, unless it is told how many, or keeps them in a file."""
START_PATIENCE = 10.0
"""Seconds that the server may take to start."""


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets=sockets)
        self.ready.set()


class Sandbox:
    """Vendors on this machine, while a ``with`` block lasts, or between `start` and `stop`.

    ``port`` 0 takes a free one. ``faces`` are the providers to pretend: names of installed ones, or a mapping from name
    to factory; without it all that are installed. ``clock`` can be moved (``box.clock.advance(hours=1)``);
    ``filter_sees_all`` says whether the vendors' duplicate filters know plain sends too. Reports and replies are pushed
    to ``callback_url`` (one for all, or a mapping from vendor to URL), but where a vendor's send names a URL of its own
    (Mitake, smsgo, Twilio) to that one alone; at first after ``push_delay`` and then every ``push_interval`` seconds until the receiver
    acknowledges or the vendor gives up; ``slow`` is how late a slow report comes. ``credit`` is what the account of each
    vendor begins with, in the vendor's own unit; without it the vendor's face decides. With ``approved`` Taiwan's carriers check the texts of
    these accounts, and without ``international`` they may not send abroad. The vendors in ``root`` are served
    at the root of a port of their own too, see `root_url`; every one is at the root of ``http://NAME.localhost:PORT``.

    Messages are kept in memory, the newest ``keep`` of them (`KEPT_IN_MEMORY` if that is not said). With ``db`` they are kept in
    that file, all of them, and are there again the next time. At another ``host`` than a loopback address a ``password`` is
    needed for the inbox and the control API, ``allowed_names`` are the names by which browsers may call it, and
    ``allowed_callbacks`` the hosts that may be pushed to beside this machine.

    ``exchange`` is what the vendors know, ``inbox`` what arrived on the phones, ``faults`` what goes wrong. A sandbox that was stopped does not start again.

    Raises `ConfigurationError` for a face that is not installed, a missing password, and a file that is no store or that another sandbox has open, and `start` an `OSError` for a port that is taken.
    """

    def __init__(  # noqa: PLR0913 - a sandbox has that many sides, each with a default
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        faces: Iterable[str] | Mapping[str, FaceFactory] | None = None,
        clock: Clock | None = None,
        callback_url: CallbackUrl = None,
        filter_sees_all: bool = False,
        credit: Decimal | int | None = None,
        approved: Approved | None = None,
        international: bool = True,
        slow: timedelta = timedelta(seconds=5),
        push_delay: float = 0.1,
        push_interval: float = 0.2,
        root: Roots = (),
        db: Path | str | None = None,
        keep: int | None = None,
        password: str = "",
        allowed_names: Iterable[str] = (),
        allowed_callbacks: Iterable[str] = (),
    ) -> None:
        if not is_loopback(host) and not password:
            raise ConfigurationError(f"others than this machine can reach {host}: the sandbox needs a password there")
        self.host = host
        self.port = port
        self.password = password
        self.allowed_names: AbstractSet[str] = frozenset({host, *allowed_names})
        if keep is None and db is None:
            keep = KEPT_IN_MEMORY
        self.exchange = Exchange(clock, filter_sees_all=filter_sees_all, slow=slow, keep=keep)
        factories = faces if isinstance(faces, Mapping) else load_factories(faces)
        self.faces: dict[str, Face] = {name: factory(self.exchange.of(name)) for name, factory in factories.items()}
        self._root_ports = root_ports(root, self.faces)
        for name, face in self.faces.items():
            self.exchange.of(face.vendor or name).add_account(
                face.user or USER,
                PASSWORD,
                face.credit if credit is None else Decimal(credit),
                keys=face.keys,
                approved=approved,
                international=international,
            )
        self.faults = Faults({name: face.operations for name, face in self.faces.items()})
        self.ending = Ending()
        self.live = Live(self.ending)
        self.store = Store(self.exchange, Path(db) if db else None, keep=keep)
        self.views = Views(self.store)
        self.inbox = Inbox(lambda: [self.exchange])
        self.store.restore()
        self.exchange.watch(self.store.write)
        self.store.listen(self.live.changed)
        self._pusher = Pusher(
            self.exchange,
            self.faces,
            callback_url=callback_url,
            delay=push_delay,
            interval=push_interval,
            keep=keep,
            allowed_hosts=allowed_callbacks,
        )
        self._pusher.watch(self.store.add_attempt)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def clock(self) -> Clock:
        """The time in the sandbox."""
        return self.exchange.clock

    @property
    def url(self) -> str:
        """Where it listens; a browser finds the inbox page there. Raises `RuntimeError` unless it is started."""
        if self._server is None:
            raise RuntimeError("the sandbox is not started: use it in a with block")
        where = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{where}:{self.port}"

    @property
    def roots(self) -> tuple[str, ...]:
        """The vendors that have a port of their own."""
        return tuple(self._root_ports)

    def root_url(self, provider: str) -> str:
        """Where a vendor of ``root`` has a port of its own. Raises `ConfigurationError` for another one."""
        if provider not in self._root_ports:
            raise ConfigurationError(
                f"{provider!r} has no port of its own here: Sandbox(root={provider!r}) gives it one"
            )
        return f"{self.url.rpartition(':')[0]}:{self._root_ports[provider]}"

    def dsn(self, provider: str, *, user: str = "", password: str = PASSWORD, **options: object) -> str:
        """The DSN of one of its vendors: ``connect(box.dsn("every8d", auth="password"))``.

        Without a ``user`` it is the vendor's first. Where a vendor signs what it pushes, the DSN holds the `callback_url` as it is now.

        Raises `ConfigurationError` for a vendor that it does not pretend.
        """
        if provider not in self.faces:
            raise ConfigurationError(f"the sandbox has no face for {provider!r}; it has {sorted(self.faces)}")
        where = self.url.removeprefix("http://")
        face = self.faces[provider]
        url = self.callback_url if isinstance(self.callback_url, str | None) else self.callback_url.get(provider)
        signed = {face.callback_option: url} if face.callback_option and url else {}
        own = {"scheme": "http", **face.options, **signed, **options}
        return dsns.build(provider, user or face.user or USER, password, f"{where}/{provider}", **own)

    @property
    def callback_url(self) -> CallbackUrl:
        """Where accounts are told of reports and replies; None pushes nothing there. It may be set at any time."""
        return self._pusher.callback_url

    @callback_url.setter
    def callback_url(self, url: CallbackUrl) -> None:
        self._pusher.callback_url = url

    def may_push_to(self, url: str) -> bool:
        """Whether the control API may name this URL: where others can reach the sandbox, only at an allowed host."""
        host = urlsplit(url).hostname or ""
        return is_loopback(self.host) or is_loopback(host) or host in self._pusher.allowed_hosts

    @property
    def pushes(self) -> tuple[PushAttempt, ...]:
        """Every try to push so far, in order."""
        return self._pusher.attempts

    def wait_pushed(self, timeout: float = 5.0) -> bool:
        """Wait until nothing is left to push (then True), at most ``timeout`` seconds (then False)."""
        return self._pusher.wait_idle(timeout)

    def reset(self) -> None:
        """Forget messages, sessions, faults and pushes; accounts are as at the start, the clock stays."""
        self.faults.clear()
        self.exchange.reset()
        self._pusher.forget()
        self.inbox.forget()

    def start(self) -> Self:
        """Listen, and return when it does."""
        listeners = [_listen(self.host, port) for port in (self.port, *self._root_ports.values())]
        self.port, *own_ports = (listener.getsockname()[1] for listener in listeners)
        self._root_ports = dict(zip(self._root_ports, own_ports, strict=True))
        config = uvicorn.Config(
            with_roots(make_app(self), self.faces, self._root_ports),
            http=HangUpProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,  # it would show the passwords in query strings
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._server = server = _Server(config)
        self._thread = threading.Thread(target=server.run, args=(listeners,), name="sandbox-http", daemon=True)
        self._thread.start()
        if not server.ready.wait(START_PATIENCE):
            raise RuntimeError("the sandbox's server did not start")
        self._pusher.start()
        return self

    def stop(self) -> None:
        """Stop listening and pushing; returns when every thread has ended."""
        if self._server is None or self._thread is None:
            return
        self.ending.come()
        self.live.changed()
        self._pusher.stop()
        self._server.should_exit = True
        self._thread.join()
        self.store.close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port), family=_family(host), backlog=2048)
    # Accepted sockets inherit it; asyncio sets it only where a socket names its protocol, and this one does not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
