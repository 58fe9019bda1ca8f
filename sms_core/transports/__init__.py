"""The only modules that open sockets. The protocol is the one seam: a fake is a class with two methods."""

from __future__ import annotations

from typing import Protocol

from sms_core.http import Request, Response


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
