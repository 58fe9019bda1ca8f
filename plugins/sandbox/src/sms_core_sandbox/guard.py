"""Who may look at the inbox and use the control API."""

from __future__ import annotations

import ipaddress
import secrets
from base64 import b64decode
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
"""What a browser is told with each answer: nothing from elsewhere, in no frame, no script within the page."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """An application that only those may use who name it rightly, and who know the password if there is one.

    A page of another site can have its own name point to this machine, and read what it finds there (DNS rebinding). So
    the ``Host`` must be an IP address, ``localhost``, a name below that, or one of ``hosts``.
    """

    def __init__(self, app: ASGIApp, *, password: str = "", hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._password = password
        self._hosts = {host.lower().rstrip(".") for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: object) -> None:
            if isinstance(message, dict) and message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)  # type: ignore[arg-type]

        await self._app(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_known(hosts[0]):
            return PlainTextResponse("The sandbox is not known by this name: start it with --allow-host NAME.\n", 421)
        if method not in SAFE_METHODS and not _is_of_this_page(headers, hosts[0]):
            return PlainTextResponse("A page of another site may not use the sandbox.\n", 403)
        if self._password and not self._is_proven(headers.get("authorization", "")):
            return PlainTextResponse("A password, please.\n", 401, {"www-authenticate": 'Basic realm="SMS sandbox"'})
        return None

    def _is_known(self, host: str) -> bool:
        name = _without_port(host).lower().rstrip(".")
        if name in self._hosts or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _is_proven(self, authorization: str) -> bool:
        scheme, _, value = authorization.partition(" ")
        shown = value.strip()
        if scheme.lower() == "basic":
            try:
                shown = b64decode(shown, validate=True).decode().partition(":")[2]
            except ValueError:
                return False
        elif scheme.lower() != "bearer":
            return False
        return secrets.compare_digest(shown.encode(), self._password.encode())


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _is_of_this_page(headers: Headers, host: str) -> bool:
    """Whether no other site's page sent this; programs say nothing of where they come from."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin", "")
    return not origin or origin.partition("://")[2] == host
