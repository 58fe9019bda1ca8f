"""What the adapters share about the bytes that come in."""

from __future__ import annotations

import string
from urllib.parse import quote_from_bytes

from sms_core.webhooks.handling import BODY_LIMIT

DRAINED = 4 * BODY_LIMIT
"""Bytes that are read of a body that nobody wants: a sender that is still sending may not read the answer."""


def ascii_query(raw: bytes) -> str:
    """The raw query string; bytes that should have been percent-encoded are, so that their charset is not lost."""
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        return quote_from_bytes(raw, safe=string.printable)
