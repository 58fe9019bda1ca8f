"""What an HTTP answer says before its body is read, and its body as text."""

from __future__ import annotations

import codecs
import re

from sms_core.errors import MalformedResponse, RateLimited, VendorUnavailable
from sms_core.http import Response, public_url

# RFC 9110: by these the server says that it did not act on the request. Any other status than 2xx, a gateway's
# above all, leaves open what happened behind it.
_SURELY_NOT_TAKEN = frozenset({400, 401, 403, 404, 405, 406, 407, 410, 411, 413, 414, 415, 417, 421, 422, 426, 431})

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


_CHARSETS = ("utf-8", "cp950")
for _charset in _CHARSETS:
    codecs.lookup(_charset)  # now, for the first time imports it, under a lock that a forked child may find held


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
    """The seconds that a ``Retry-After`` asks for; None where there is none, or a date, or what nobody can wait for."""
    seconds = response.headers.get("retry-after", "")
    if not _SECONDS.fullmatch(seconds):
        return None
    return float(seconds)


def answer_text(response: Response) -> str:
    """The text of an answer, without a BOM and blanks around it. Raises as `raise_for_status` does."""
    raise_for_status(response)
    return decode(response.body).strip("\ufeff \r\n")


def decode(body: bytes) -> str:
    """The text of an answer whose declared charset cannot be trusted: UTF-8 (a BOM is dropped), else Big5."""
    for charset in _CHARSETS:
        try:
            return body.decode(charset).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", "replace")
