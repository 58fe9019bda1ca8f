"""A vendor at the root of an address of its own, for clients whose host can be changed and whose path cannot.

That is a port of its own, or a host whose name begins with the vendor's: ``every8d.localhost:8025``.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from sms_core.errors import ConfigurationError

Roots = str | Iterable[str] | Mapping[str, int]
"""The vendors that get a port of their own: names, or each with the number of its port."""


def root_ports(roots: Roots, faces: Iterable[str]) -> dict[str, int]:
    """Each vendor's port, 0 for a free one. Raises `ConfigurationError` for a vendor that there is no face of."""
    names = [roots] if isinstance(roots, str) else roots
    ports = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, 0)
    missing = ports.keys() - set(faces)
    if missing:
        raise ConfigurationError(f"the sandbox has no face for {sorted(missing)}; it has {sorted(faces)}")
    return ports


def with_roots(app: ASGIApp, faces: Mapping[str, ASGIApp], listeners: Mapping[str, socket.socket]) -> ASGIApp:
    """The application, with each face also at the root of its own listener and of its own host name."""
    by_port = {listener.getsockname()[1]: faces[name] for name, listener in listeners.items()}

    async def find(scope: Scope, receive: Receive, send: Send) -> None:
        found = app
        if scope["type"] == "http":
            port = (scope.get("server") or ("", None))[1]
            host_label = Headers(scope=scope).get("host", "").partition(":")[0].partition(".")[0].lower()
            found = by_port.get(port) or faces.get(host_label, app)
        await found(scope, receive, send)

    return find
