"""An HTTP request and its answer as values, and how providers build and judge them. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from attrs import field, frozen

from sms_core.errors import MalformedResponse, RateLimited, VendorUnavailable


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


Fields = Mapping[str, str] | Sequence[tuple[str, str]]
"""A form's or query's fields in their order; as pairs where a name may come several times."""


def form_request(url: str, fields: Fields, headers: Mapping[str, str] | None = None) -> Request:
    """A form POST, values percent-encoded as UTF-8 (a ``+`` becomes ``%2B``)."""
    body = urlencode(fields, quote_via=quote_plus).encode("ascii")
    content_type = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Request("POST", url, {**content_type, **(headers or {})}, body)


def query_request(url: str, fields: Fields, headers: Mapping[str, str] | None = None) -> Request:
    """A GET with the fields in the URL, where proxies log them: for vendors that take nothing else."""
    return Request("GET", f"{url}?{urlencode(fields, quote_via=quote_plus)}", headers or {})


def json_request(url: str, value: Any, headers: Mapping[str, str] | None = None) -> Request:
    """A JSON POST in UTF-8."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Request("POST", url, {"content-type": "application/json; charset=utf-8", **(headers or {})}, body)


# RFC 9110: by these the server says that it did not act on the request. Any other status than 2xx, a gateway's
# above all, leaves open what happened behind it.
_SURELY_NOT_TAKEN = frozenset({400, 401, 403, 404, 405, 406, 407, 410, 411, 413, 414, 415, 417, 421, 422, 426, 431})


def raise_for_status(response: Response) -> None:
    """Raise `RateLimited`, `VendorUnavailable` or `MalformedResponse` unless the status is 2xx.

    For vendors whose own errors come with status 200; whatever else arrives is from something in between.
    """
    status = response.status
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own number
        return
    if status == 429:  # noqa: PLR2004 - HTTP's own number
        raise RateLimited("too many requests", code="429", retry_after=retry_after(response))
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's own number
        where = public_url(response.headers.get("location", ""))
        raise MalformedResponse(
            f"HTTP {status} to {where}, and redirects are not followed: is the host right?", response
        )
    raise VendorUnavailable(
        f"HTTP {status} instead of an answer",
        status=status,
        code=str(status),
        retry=status not in _SURELY_NOT_TAKEN or status == 403,  # noqa: PLR2004 - edges refuse with 403 when busy
        maybe_taken=status not in _SURELY_NOT_TAKEN,
    )


def retry_after(response: Response) -> float | None:
    """The seconds that a ``Retry-After`` asks for; None where there is none, or a date."""
    seconds = response.headers.get("retry-after", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() else None


def answer_text(response: Response) -> str:
    """The text of an answer, without a BOM and blanks around it. Raises as `raise_for_status` does."""
    raise_for_status(response)
    return decode(response.body).strip("\ufeff \r\n")


def decode(body: bytes) -> str:
    """The text of an answer whose declared charset cannot be trusted: UTF-8 (a BOM is dropped), else Big5."""
    for charset in ("utf-8-sig", "cp950"):
        try:
            return body.decode(charset)
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", "replace")
