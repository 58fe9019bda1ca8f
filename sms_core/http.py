"""An HTTP request and its answer as values, and `Transport`, the one seam between them. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from attrs import field, frozen


class LowerNames(dict[str, str]):
    """Headers whose names are in lower case already."""


def lower_names(headers: Mapping[str, str]) -> LowerNames:
    """Headers with their names in lower case, for they are case-insensitive."""
    if isinstance(headers, LowerNames):
        return headers
    return LowerNames({name.lower(): value for name, value in headers.items()})


@frozen
class Request:
    """One HTTP request. Its ``repr`` shows neither query, headers nor body: each may hold a secret."""

    method: str
    url: str = field(repr=lambda url: repr(public_url(url)))
    headers: Mapping[str, str] = field(factory=dict, converter=lower_names, repr=False)
    body: bytes = field(default=b"", repr=False)


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


class Transport(Protocol):
    """Carries one request and nothing more: no retry, no redirect, no cookie."""

    def send(self, request: Request) -> Response:
        """The whole answer, whatever its status.

        Raises `TransportError`, whose ``sent`` is False only where surely no byte of the request left.
        """
        ...

    def close(self) -> None:
        """Give up idle connections."""
        ...
