"""From an operation to Mitake's request for it."""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from sms_core import Account, Unsupported
from sms_core.http import Request
from sms_core.numbers import TAIWAN, is_taiwan
from sms_core.provider import Cancel, Check, Destination, GetBalance, GetReports, Operation, Send, format_time
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

_LINE_BREAKS = re.compile(r"\r\n|\r|\n")
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
        case GetReports():
            return _form(account, "SmQuery", {"msgid": ",".join(operation.batches)} | _POINTS)
        case GetBalance() | Check():  # SmQuery without a msgid
            return _form(account, "SmQuery", {})
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
    own = {to.reference for to in operation.message.to if to.reference}
    message = operation.message.reference
    return {
        _client_id(one.reference if one.reference in own else message, one.number, one.text): one
        for one in operation.destinations
    }


def _client_id(reference: str, number: str, text: str) -> str:
    """At most 36 characters of plain ASCII."""
    told = f"{reference}\x1f{number}\x1f{text}".encode("utf-8", "surrogatepass")
    return f"{_NOT_PLAIN.sub('_', reference)[:SHOWN]}-{blake2b(told, digest_size=8).hexdigest()}"


def _send(account: Account, operation: Send) -> Request:
    """SmSend: one SMS."""
    ((client_id, one),) = client_ids(operation).items()
    options = operation.options(SendOptions)
    fields = {
        "dstaddr": number_of(one.number),
        "destname": one.name,
        "dlvtime": _time(one),
        "vldtime": _validity(operation, one),
        "smbody": _body(one),
        "response": options.report_url,
        "clientid": client_id,
        "objectID": options.object_id,
        **_POINTS,
    }
    return _form(account, "SmSend", fields, f"?CharsetURL={account.typed_options(AccountOptions).charset}")


def _bulk_send(account: Account, operation: Send) -> Request:
    """SmBulkSend: a line for each SMS, as it stands. It takes user and password in the URL alone."""
    charset, options = account.typed_options(AccountOptions).charset, operation.options(SendOptions)
    query = {"Encoding_PostIn": charset, "objectID": options.object_id, **_POINTS}
    rows = (
        (
            client_id,
            number_of(one.number),
            _time(one),
            _validity(operation, one),
            one.name,
            options.report_url,
            _body(one),
        )
        for client_id, one in client_ids(operation).items()
    )
    body = "".join(f"{BETWEEN_FIELDS.join(row)}\r\n" for row in rows).encode(CODECS[charset])
    return Request("POST", f"{_url(account, 'SmBulkSend')}?{_encoded(account, query)}", _HEADERS, body)


def _time(one: Destination) -> str:
    return format_time(one.send_at) if one.send_at else ""


def _validity(operation: Send, one: Destination) -> str:
    """The end of a booking's validity; seconds from now for what is sent at once."""
    validity = operation.message.validity
    if validity is None:
        return ""
    return format_time(one.send_at + validity) if one.send_at else str(-(-validity // timedelta(seconds=1)))


def _body(one: Destination) -> str:
    return _LINE_BREAKS.sub(LINE_BREAK, one.text)


def number_of(e164: str) -> str:
    """``09…`` for Taiwan; elsewhere the country code and the rest, without ``+`` (seen, not documented)."""
    return f"0{e164.removeprefix(TAIWAN)}" if is_taiwan(e164) else e164.removeprefix("+")


def _form(account: Account, name: str, fields: dict[str, str], query: str = "") -> Request:
    return Request("POST", _url(account, name) + query, _HEADERS, _encoded(account, fields).encode("ascii"))


def _encoded(account: Account, fields: dict[str, str]) -> str:
    """User, password and what of the fields is not empty. A blank is ``%20``: older servers take ``+`` for a plus."""
    present = {name: value for name, value in fields.items() if value}
    who = urlencode({"username": account.user, "password": account.password}, quote_via=quote, safe="")
    codec = CODECS[account.typed_options(AccountOptions).charset]
    return "&".join(filter(None, (who, urlencode(present, encoding=codec, errors="strict", quote_via=quote, safe=""))))


def _url(account: Account, name: str) -> str:
    parts = urlsplit(account.base_url)
    prefix = "" if parts.path else PREFIXES.get(parts.hostname or "", PREFIX)
    return f"{account.base_url}{prefix}/{name}"
