"""The transport over urllib3: one pool for each host, and an exact word on whether a byte of a request left."""

from __future__ import annotations

import logging
import threading
import urllib.request
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from sms_core.dsn import is_loopback
from sms_core.errors import MalformedResponse, TransportError
from sms_core.http import Request, Response

LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes. A page of 1,000 reports is a few hundred kilobytes; a larger answer than this is refused."""
CHUNK = 64 * 1024


class _Progress(threading.local):
    """How far the request of this thread is: connected, so that what is written is the request; begun to leave."""

    busy = False
    connected = False
    begun = False


_progress = _Progress()


class _HideQueries(logging.Filter):
    """urllib3 logs the target of each request at DEBUG, and the query of ours may hold a password."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _progress.busy and isinstance(record.args, tuple):
            record.args = tuple(map(_without_query, record.args))
        return True


def _without_query(argument: object) -> object:
    """A target without its query, where an argument of a log record is one."""
    if isinstance(argument, str):
        return argument.partition("?")[0]
    return argument


logging.getLogger("urllib3.connectionpool").addFilter(_HideQueries())


class _Watched:
    """Marks when the first byte of a request leaves, after DNS, TCP, TLS and a proxy's tunnel.

    urllib3's errors alone cannot tell: the same SSL error may come from a handshake or from the answer.
    """

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.is_closed:  # type: ignore[attr-defined]
            self.connect()  # type: ignore[attr-defined]
        _progress.connected = True
        super().request(*args, **kwargs)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        _progress.begun = _progress.connected
        super().send(data)  # type: ignore[misc]


class _WatchedHttp(_Watched, HTTPConnection):
    pass


class _WatchedHttps(_Watched, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttp  # pyright: ignore[reportAssignmentType]  # urllib3's own classes fail it too


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttps  # pyright: ignore[reportAssignmentType]


_POOLS: dict[str, type[HTTPConnectionPool | HTTPSConnectionPool]] = {"http": _HttpPool, "https": _HttpsPool}


class Urllib3Transport:
    """Requests over kept-alive connections. Times in seconds; ``proxy`` is a URL, else the environment decides.

    At most ``connections`` requests to one host are in flight; further ones wait for their turn.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 30.0,
        proxy: str = "",
        connections: int = 32,
    ) -> None:
        self._proxy = proxy
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
        self._connections = connections
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}
        self._managers: list[urllib3.PoolManager] = []
        self._lock = threading.Lock()

    def send(self, request: Request) -> Response:
        """Send one request and read the whole answer. Raises `TransportError` or `MalformedResponse`."""
        _progress.connected = _progress.begun = False
        _progress.busy = True
        host = "the vendor"
        try:
            parts = urlsplit(request.url)
            host = parts.hostname or host
            pool = self._pool(parts.scheme, parts.netloc)
            target = parts._replace(path=parts.path or "/", fragment="")
            if pool.proxy is None or parts.scheme == "https":
                target = target._replace(scheme="", netloc="")
            answer = pool.urlopen(
                request.method,
                target.geturl(),
                body=request.body or None,
                headers=dict(request.headers),
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=self._timeout,
                preload_content=False,
            )
            return _read(answer)
        except ValueError as error:
            # A URL, method or header that cannot be written. The error's text may quote it, and with it a secret.
            raise _transport_error(error, host, sent=_progress.begun) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _transport_error(error, host, sent=_progress.begun) from error
        finally:
            _progress.busy = False

    def close(self) -> None:
        """Close idle connections; one in use is closed when its answer has come."""
        with self._lock:
            pools, self._pools = self._pools, {}
            managers, self._managers = self._managers, []
        for pool in pools.values():
            pool.close()
        for manager in managers:
            manager.clear()

    def _pool(self, scheme: str, netloc: str) -> HTTPConnectionPool:
        with self._lock:
            pool = self._pools.get((scheme, netloc))
            if pool is None:
                pool = self._pools[scheme, netloc] = self._open(scheme, netloc)
            return pool

    def _open(self, scheme: str, netloc: str) -> HTTPConnectionPool:
        where = urlsplit(f"{scheme}://{netloc}")
        host = where.hostname or ""
        settings: dict[str, Any] = {"maxsize": self._connections, "block": True}
        manager = urllib3.PoolManager(**settings)
        proxy = self._proxy_for(scheme, host)
        if proxy:
            manager = urllib3.ProxyManager(_without_user(proxy), proxy_headers=_proxy_headers(proxy), **settings)
        manager.pool_classes_by_scheme = _POOLS
        self._managers.append(manager)
        return manager.connection_from_host(host, where.port, scheme)

    def _proxy_for(self, scheme: str, host: str) -> str:
        if self._proxy or is_loopback(host) or urllib.request.proxy_bypass(host):
            return self._proxy
        return urllib.request.getproxies().get(scheme, "")


def _split_proxy(proxy: str) -> SplitResult:
    """A proxy's URL in parts. Environments name proxies without a scheme too: ``proxy.example:3128``."""
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    return urlsplit(proxy)


def _without_user(proxy: str) -> str:
    parts = _split_proxy(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _proxy_headers(proxy: str) -> dict[str, str]:
    user, separator, _ = _split_proxy(proxy).netloc.rpartition("@")
    if not separator:
        return {}
    return dict(urllib3.make_headers(proxy_basic_auth=unquote(user)))


def _read(answer: urllib3.BaseHTTPResponse) -> Response:
    body = bytearray()
    whole = False
    while not whole:
        chunk = answer.read(CHUNK)
        body += chunk
        whole = not chunk or answer.length_remaining == 0
        if len(body) > LARGEST_ANSWER:
            answer.close()
            answer.release_conn()  # the connection is gone; its place among the pool's is free again
            raise MalformedResponse(f"the answer is larger than {LARGEST_ANSWER} bytes")
    answer.release_conn()
    if not body and not _says_where_it_ends(answer):
        raise urllib3.exceptions.ProtocolError("the answer ended within its head")
    return Response(answer.status, dict(answer.headers), bytes(body))


_NEVER_A_BODY = frozenset({204, 304})
"""Statuses without a body (RFC 9110, 15.3.5 and 15.4.5)."""


def _says_where_it_ends(answer: urllib3.BaseHTTPResponse) -> bool:
    """Whether an empty body is known to be whole. The peer may have hung up in the middle of the head."""
    return answer.status in _NEVER_A_BODY or "content-length" in answer.headers or "transfer-encoding" in answer.headers


def _transport_error(error: Exception, host: str, *, sent: bool) -> TransportError:
    if not sent:
        return TransportError(f"no connection to {host} ({type(error).__name__})", sent=False)
    if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
        return TransportError(f"no answer in time from {host} ({type(error).__name__})", sent=True, timed_out=True)
    what = f"the connection broke before the whole answer from {host}"
    return TransportError(f"{what} ({type(error).__name__})", sent=True)
