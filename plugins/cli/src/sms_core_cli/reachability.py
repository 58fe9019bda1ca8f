"""Whether a vendor's host answers, and what its clock says. Nothing of the account goes there."""

from __future__ import annotations

import http.client
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from attrs import frozen

TIMEOUT = 5.0
"""Seconds for connecting, and for the answer."""
MOST_SKEW = timedelta(minutes=1)
"""A clock that is further off books messages for the wrong minute, and signatures of requests are refused."""


@frozen
class Answer:
    """What a host said. ``skew`` is how far this machine's clock is ahead of its ``Date``; None if it sent none."""

    skew: timedelta | None


def ask(scheme: str, host: str, port: int | None, ca_file: str | None = None) -> Answer:
    """Ask for ``/`` by HEAD. Any answer of HTTP will do. Raises `OSError`, or `ValueError` for what is no answer of HTTP."""
    connection: http.client.HTTPConnection
    if scheme == "http":
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    else:
        context = ssl.create_default_context(cafile=ca_file)
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
    try:
        connection.request("HEAD", "/", headers={"Connection": "close"})
        date = connection.getresponse().getheader("Date")
    except http.client.HTTPException as error:
        raise ValueError(f"no HTTP ({type(error).__name__})") from None
    finally:
        connection.close()
    return Answer(_skew(date))


def _skew(date: str | None) -> timedelta | None:
    try:
        said = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    if said.tzinfo is None:
        return None
    return datetime.now(UTC) - said
