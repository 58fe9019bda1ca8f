"""An HTTP request and its answer as values, and `Transport`, the one seam between them. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from attrs import field, frozen

from sms_core.clocks import BeginBefore


class LowerNames(dict[str, str]):
    """Headers whose names are in lower case already."""


def lower_names(headers: Mapping[str, str]) -> LowerNames:
    """Headers with their names in lower case, for they are case-insensitive."""
    if isinstance(headers, LowerNames):
        return headers
    return LowerNames({name.lower(): value for name, value in headers.items()})


@frozen
class Request:
    """One HTTP request. Its ``repr`` shows neither query, headers nor body: each may hold a secret.

    The last two fields say how it may be carried, and do not count where requests are compared. ``repeatable`` is True
    for a read, which may go out on a connection that was idle for long. After ``begin_before`` its first byte may not
    leave any more.
    """

    method: str
    url: str = field(repr=lambda url: repr(public_url(url)))
    headers: Mapping[str, str] = field(factory=dict, converter=lower_names, repr=False)
    body: bytes = field(default=b"", repr=False)
    repeatable: bool = field(default=False, kw_only=True, eq=False)
    begin_before: BeginBefore | None = field(default=None, kw_only=True, eq=False)


@frozen
class Response:
    """One whole HTTP answer. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(factory=dict, converter=lower_names, repr=False)
    body: bytes = field(default=b"", repr=lambda body: f"<{len(body)} bytes>")


def public_url(url: str) -> str:
    """The URL without user, query and fragment, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an unreadable address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def note_sent(interruption: BaseException, *, sent: bool) -> None:
    """Let what interrupts a transport (a cancellation, Ctrl-C) say whether a byte of the request may have left."""
    interruption.sms_sent = sent  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def may_have_left(interruption: BaseException) -> bool:
    """Whether a byte of the request that was interrupted may have left; yes where the transport does not say."""
    return getattr(interruption, "sms_sent", True)


class Transport(Protocol):
    """Carries one request and nothing more: no retry, no redirect, no cookie.

    A client that is used before a ``fork()`` is used in each child too, with the same transport. One of your own has
    to notice that (`os.getpid`) and open connections and locks of the child's own: on a shared connection answers get
    swapped.
    """

    def send(self, request: Request) -> Response:
        """The whole answer, whatever its status.

        Raises `TransportError`, whose ``sent`` is False only where surely no byte of the request left. So it is where
        ``request.begin_before`` has passed when all is ready for the first byte.
        """
        ...

    def close(self) -> None:
        """Give up idle connections."""
        ...


class AsyncTransport(Protocol):
    """The same for an event loop. One object may be both.

    A client may be used in one loop after another, and in a child process: open connections for each loop and process.
    """

    async def asend(self, request: Request) -> Response:
        """As `Transport.send`. Where it is cancelled, `note_sent` may say that nothing had left."""
        ...

    async def aclose(self) -> None:
        """Give up idle connections of the running loop."""
        ...
