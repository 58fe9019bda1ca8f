"""From an operation to Mitake's request for it."""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from sms_core import Unsupported
from sms_core.provider import (
    TAIWAN,
    Account,
    Cancel,
    Check,
    Destination,
    GetBalance,
    GetReports,
    Operation,
    Request,
    Send,
    format_time,
    is_taiwan,
)
from sms_core_mitake.options import AccountOptions, SendOptions

PREFIX = "/b2c/mtk"
PREFIXES = {"smsapi.mitake.com.tw": "/api/mtk"}
"""Where the API of a host is, for a DSN that names no prefix."""
CODECS = {"UTF-8": "utf-8", "Big5": "big5"}
LINE_BREAK = "\x06"
"""What stands for a line break in ``smbody``; so there is none in a line of SmBulkSend."""
BETWEEN_FIELDS = "$$"
SHOWN = 19
"""So many characters of a reference begin the ``clientid``, for people who read the vendor's pages."""

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]")
_HEADERS = {"content-type": "application/x-www-form-urlencoded"}
_POINTS = {"smsPointFlag": "1"}


def build(account: Account, operation: Operation[Any]) -> Request:
    """The request of any operation. Raises `Unsupported`."""
    match operation:
        case Send() if len(operation.destinations) == 1:
            return _send(account, operation)
        case Send():
            return _bulk_send(account, operation)
        case GetBalance() | Check():  # SmQuery without a msgid
            return _form(account, "SmQuery", {})
        case GetReports():
            return _form(account, "SmQuery", {"msgid": ",".join(operation.batches)} | _POINTS)
        case Cancel():
            return _form(account, "SmCancel", {"msgid": operation.batch_id})
        case _:
            raise Unsupported(account.provider, operation.name)


def client_ids(operation: Send) -> dict[str, Destination]:
    """The destinations by their ``clientid``, by which the vendor sends an SMS once in 12 hours.

    It is made of reference, number and text, so a reference may serve for another text too. The reference is the
    recipient's own or else the message's, not the one with the place in it: what is sent again to some of the
    recipients is known to the vendor all the same.
    """
    own = {recipient.reference for recipient in operation.message.to if recipient.reference}
    ids = {}
    for destination in operation.destinations:
        reference = destination.reference if destination.reference in own else operation.message.reference
        ids[_client_id(reference, destination)] = destination
    return ids


def _client_id(reference: str, destination: Destination) -> str:
    """At most 36 characters of plain ASCII."""
    parts = (reference, destination.number, destination.text)
    digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{_NOT_PLAIN.sub('_', reference)[:SHOWN]}-{digest}"


def _send(account: Account, operation: Send) -> Request:
    """SmSend: one SMS."""
    ((client_id, destination),) = client_ids(operation).items()
    options = operation.options(SendOptions)
    fields = {
        "dstaddr": number_of(destination.number),
        "destname": destination.name,
        "dlvtime": _time(destination),
        "vldtime": _validity(operation, destination),
        "smbody": _body(destination),
        "response": options.report_url,
        "clientid": client_id,
        "objectID": options.object_id,
        **_POINTS,
    }
    return _form(account, "SmSend", fields, f"?CharsetURL={account.typed_options(AccountOptions).charset}")


def _bulk_send(account: Account, operation: Send) -> Request:
    """SmBulkSend: a line for each SMS, as it stands. It takes user and password in the URL alone."""
    charset = account.typed_options(AccountOptions).charset
    options = operation.options(SendOptions)
    query = {"Encoding_PostIn": charset, "objectID": options.object_id, **_POINTS}
    lines = []
    for client_id, destination in client_ids(operation).items():
        columns = (
            client_id,
            number_of(destination.number),
            _time(destination),
            _validity(operation, destination),
            destination.name,
            options.report_url,
            _body(destination),
        )
        lines.append(f"{BETWEEN_FIELDS.join(columns)}\r\n")
    body = "".join(lines).encode(CODECS[charset])
    return Request("POST", f"{_url(account, 'SmBulkSend')}?{_encoded(account, query)}", _HEADERS, body)


def _time(destination: Destination) -> str:
    return format_time(destination.send_at) if destination.send_at else ""


def _validity(operation: Send, destination: Destination) -> str:
    """The end of a booking's validity; whole seconds from now, rounded up, for what is sent at once."""
    validity = operation.message.validity
    if validity is None:
        return ""
    if destination.send_at is not None:
        return format_time(destination.send_at + validity)
    return str(-(-validity // timedelta(seconds=1)))


def _body(destination: Destination) -> str:
    return destination.text.replace("\n", LINE_BREAK)  # `sms_prepare` leaves no other line break


def number_of(e164: str) -> str:
    """``09…`` for Taiwan; elsewhere the country code and the rest, without ``+`` (seen, not documented)."""
    return f"0{e164.removeprefix(TAIWAN)}" if is_taiwan(e164) else e164.removeprefix("+")


def _form(account: Account, name: str, fields: dict[str, str], query: str = "") -> Request:
    return Request("POST", _url(account, name) + query, _HEADERS, _encoded(account, fields).encode("ascii"))


def _encoded(account: Account, fields: dict[str, str]) -> str:
    """User, password and what of the fields is not empty. A blank is ``%20``: older servers take ``+`` for a plus."""
    present = {name: value for name, value in fields.items() if value}
    codec = CODECS[account.typed_options(AccountOptions).charset]
    credentials = urlencode({"username": account.user, "password": account.password}, quote_via=quote, safe="")
    if not present:
        return credentials
    return f"{credentials}&{urlencode(present, encoding=codec, errors='strict', quote_via=quote, safe='')}"


def _url(account: Account, name: str) -> str:
    parts = urlsplit(account.base_url)
    prefix = "" if parts.path else PREFIXES.get(parts.hostname or "", PREFIX)
    return f"{account.base_url}{prefix}/{name}"
