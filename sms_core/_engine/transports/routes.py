"""The way to a host: which machine to connect to, and what stands between."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

import urllib3
from attrs import field, frozen

from sms_core._engine.transports.answers import BadAnswer, Head, Stream, read, read_head
from sms_core._engine.transports.requests import connect_bytes
from sms_core._engine.transports.sockets import Deadline, Socket, connect, reader, write
from sms_core._engine.transports.tls import shake_hands
from sms_core.dsn import is_loopback

_PORTS = {"http": 80, "https": 443}


@frozen
class Endpoint:
    """A machine and how to speak to it."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, parts: SplitResult) -> Self:
        """The one that a URL names. Raises `ValueError`."""
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("an address that leads nowhere")
        host = parts.hostname
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
        return cls(parts.scheme, host, parts.port or _PORTS[parts.scheme])

    @property
    def bracketed(self) -> str:
        """The host as URLs write it (RFC 3986, 3.2.2)."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """The value of the header ``Host``."""
        if self.port == _PORTS[self.scheme]:
            return self.bracketed
        return f"{self.bracketed}:{self.port}"


@frozen
class Route:
    """The way to one host, directly or through a proxy."""

    to: Endpoint
    proxy: Endpoint | None = None
    proxy_headers: Mapping[str, str] = field(factory=dict, repr=False)

    @classmethod
    def find(cls, parts: SplitResult, proxy: str) -> Self:
        """The way to what a URL names, by this proxy or else the environment's. Raises `ValueError`."""
        to = Endpoint.of(parts)
        if not proxy and not is_loopback(to.host) and not urllib.request.proxy_bypass(to.host):
            proxy = urllib.request.getproxies().get(to.scheme, "")
        if not proxy:
            return cls(to)
        # Environments name proxies without a scheme too: proxy.example:3128.
        proxy_parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        user, has_user, _ = proxy_parts.netloc.rpartition("@")
        headers = urllib3.make_headers(proxy_basic_auth=unquote(user)) if has_user else {}
        return cls(to, Endpoint.of(proxy_parts), dict(headers))

    @property
    def headers(self) -> Mapping[str, str]:
        """What the way adds to a request."""
        if self.proxy is None or self.to.scheme == "https":
            return {"host": self.to.authority}
        return {"host": self.to.authority, **self.proxy_headers}

    def target(self, parts: SplitResult) -> str:
        """What stands in the request's first line (RFC 9112, 3.2)."""
        target = parts._replace(path=parts.path or "/", fragment="")
        if self.proxy is None or self.to.scheme == "https":
            return target._replace(scheme="", netloc="").geturl()
        return target._replace(netloc=self.to.authority).geturl()

    def connect(self, trust: Callable[[], ssl.SSLContext], deadline: Deadline, patience: float) -> Socket:
        """A new connection. ``patience`` is in seconds, for each step. Raises what its steps raise."""
        first = self.proxy or self.to
        reached: Socket = connect(first.host, first.port, deadline, patience)
        try:
            if first.scheme == "https":
                reached.settimeout(deadline.left(patience))
                reached = shake_hands(reached, first.host, trust())
            if self.proxy is not None and self.to.scheme == "https":
                self._open_tunnel(reached, deadline, patience)
                reached.settimeout(deadline.left(patience))
                reached = shake_hands(reached, self.to.host, trust())
        except BaseException:
            reached.close()
            raise
        return reached

    def _open_tunnel(self, reached: Socket, deadline: Deadline, patience: float) -> None:
        write(reached, memoryview(connect_bytes(self.tunnel_authority, self.proxy_headers)), deadline, patience)
        self.check_tunnel(read(read_head(Stream()), reader(reached, deadline, patience)))

    @property
    def tunnel_authority(self) -> str:
        """What a proxy is asked to connect to."""
        return f"{self.to.bracketed}:{self.to.port}"

    def check_tunnel(self, head: Head) -> None:
        """Raise `BadAnswer` unless the proxy has opened the tunnel."""
        if not HTTPStatus.OK <= head.status < HTTPStatus.MULTIPLE_CHOICES:
            raise BadAnswer(f"the proxy refuses it with the status {head.status}")
