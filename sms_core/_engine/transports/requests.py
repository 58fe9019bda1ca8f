"""A request as the bytes that go over the wire (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sms_core.http import Request

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A method and a header's name (RFC 9110, 5.6.2)."""
_TARGET = re.compile(r"[!-~]+")
_VALUE = re.compile(r"[^\r\n\0]*")
_NO_BODY_EXPECTED = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that say no length where they have no body (RFC 9110, 8.6)."""
_OURS = {"accept-encoding": "identity", "user-agent": "sms-core"}


def request_bytes(request: Request, target: str, headers: Mapping[str, str]) -> bytes:
    """The request whole. ``headers``, such as ``host``, give way to those of the request.

    Raises `ValueError` for what would not be this request at the other end.
    """
    fields = {**headers, **_OURS}
    if request.body or request.method not in _NO_BODY_EXPECTED:
        fields["content-length"] = str(len(request.body))
    fields.update(request.headers)
    return _head(request.method, target, fields) + request.body


def connect_bytes(authority: str, headers: Mapping[str, str]) -> bytes:
    """The request for a tunnel through a proxy (RFC 9110, 9.3.6)."""
    return _head("CONNECT", authority, {"host": authority, **headers})


def _head(method: str, target: str, fields: Mapping[str, str]) -> bytes:
    if not _TOKEN.fullmatch(method) or not _TARGET.fullmatch(target):
        raise ValueError("a method or an address that cannot be written")
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in fields.items():
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError("a header that cannot be written")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
