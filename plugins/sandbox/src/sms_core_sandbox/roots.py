"""A vendor at the root of an address of its own, for clients whose host can be changed and whose path cannot.

That is a port of its own, or a host whose name begins with the vendor's: ``every8d.localhost:8025``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from sms_core.errors import ConfigurationError

Roots = str | Iterable[str] | Mapping[str, int]
"""The vendors that get a port of their own: one, several, or each with the number of its port."""


def named_port(text: str) -> tuple[str, int]:
    """``every8d`` or ``every8d=8443``, as a command line has it; without a number a free port. Raises `ValueError`."""
    name, _, port = text.partition("=")
    return name, int(port) if port else 0


def root_ports(roots: Roots, faces: Iterable[str]) -> dict[str, int]:
    """Each vendor's port, 0 for a free one. Raises `ConfigurationError` for a vendor that there is no face of."""
    names = [roots] if isinstance(roots, str) else roots
    ports = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, 0)
    missing = ports.keys() - set(faces)
    if missing:
        raise ConfigurationError(f"the sandbox has no face for {sorted(missing)}; it has {sorted(faces)}")
    return ports


def with_roots(app: ASGIApp, faces: Iterable[str], ports: Mapping[str, int]) -> ASGIApp:
    """The application, with each face also at the root of its host name, and of its port if it has one."""
    names, by_port = frozenset(faces), {port: name for name, port in ports.items()}

    async def at_root(scope: Scope, receive: Receive, send: Send) -> None:
        name = _name_of(scope, names, by_port) if scope["type"] == "http" else ""
        if name:
            # As if it had been asked at its place; `asgi_app` tells a face the address that was.
            raw_path = f"/{name}".encode() + scope["raw_path"]
            scope = {**scope, "path": f"/{name}{scope['path']}", "raw_path": raw_path, "rooted": True}
        await app(scope, receive, send)

    return at_root


def _name_of(scope: Scope, names: frozenset[str], by_port: Mapping[int, str]) -> str:
    """The vendor whose root is asked; "" for none."""
    port = (scope.get("server") or ("", 0))[1]
    label = Headers(scope=scope).get("host", "").partition(":")[0].partition(".")[0].lower()
    return by_port.get(port) or (label if label in names else "")
