"""The server of ``sms listen``: the standard library's, made quiet, patient with many callers and strict with headers."""

from __future__ import annotations

import socket
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

PATIENCE = 30.0
"""Seconds that a caller may be silent in the middle of its request."""


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE

    def get_environ(self) -> dict[str, Any]:
        """The request as WSGI has it.

        WSGI writes ``X_Forwarded_For`` as it does ``X-Forwarded-For``, so whoever sends the one would pass for the proxy
        that writes the other.
        """
        for name in {name for name in self.headers if "_" in name}:
            del self.headers[name]
        return super().get_environ()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing: the paths hold secrets, the queries numbers and texts. The receiver logs what it refuses."""


class PushServer(ThreadingMixIn, WSGIServer):
    """Serves an app, each request in a thread of its own. Raises `OSError` for an address that cannot be had."""

    daemon_threads = True

    def __init__(self, host: str, port: int, app: WSGIApplication) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.set_app(app)

    def server_bind(self) -> None:
        """Bind, without asking the name service for this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()[:2]
        self.setup_environ()

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}"
