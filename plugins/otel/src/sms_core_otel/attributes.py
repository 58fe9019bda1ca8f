"""The attributes of an operation. No number, no text and no secret is among them.

The names are those of OpenTelemetry's semantic conventions for messaging and for HTTP clients where these have one, and
otherwise begin with ``sms.``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sms_core.errors import VendorError
from sms_core.masking import mask_numbers
from sms_core.middleware import Trace
from sms_core.provider import Cancel, GetInbound, GetReports, Operation, Page, PagedOperation, Provider, Send
from sms_core_otel.tally import Tally

Attributes = dict[str, str | int | float | tuple[str, ...]]

OPERATION_TYPES: Mapping[type[Operation[Any]], str] = {Send: "send", GetInbound: "receive"}
"""Those of the conventions. What they call "settle" is another thing than ours, and a report is no message."""

TELLING_DIGITS = 7
"""An id that holds so many of a recipient's last digits shows the number, and is left out."""

_PORTS = {"http": 80, "https": 443}
_WORD = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""What a vendor's ids and codes are made of. An answer that is mixed up may have a text in their place."""


def of_kind(provider: Provider, operation: Operation[Any]) -> Attributes:
    """The kind of an operation: one of few, so that metrics can have it too."""
    return {"messaging.system": provider.info.name, "messaging.operation.name": operation.name}


def of_server(url: str) -> Attributes:
    """The server behind a URL; nothing for one that is not of HTTP."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return {}
    return {"server.address": parts.hostname, "server.port": port} if parts.hostname else {}


def of_error(trace: Trace) -> Attributes:
    """The error's class. Its words may be the vendor's, and stay out."""
    return {} if trace.error is None else {"error.type": type(trace.error).__name__}


def of_beginning(provider: Provider, operation: Operation[Any]) -> Attributes:
    """What is known before the first request, which is what samplers decide by."""
    found = of_kind(provider, operation) | of_server(provider.account.base_url)
    if type(operation) in OPERATION_TYPES:
        found["messaging.operation.type"] = OPERATION_TYPES[type(operation)]
    match operation:
        case Send():
            found["messaging.batch.message_count"] = len(operation.destinations)
            for reference in _without_numbers([operation.message.reference], operation):
                found["sms.message.reference"] = reference
        case GetReports():
            found |= _batches(operation.batches, operation)
        case PagedOperation() | Cancel():
            found |= _batches([operation.batch_id], operation)
        case _:
            pass
    return found


def of_end(trace: Trace, tally: Tally) -> Attributes:
    """What the operation came to."""
    found: Attributes = {"sms.requests": trace.requests, **of_error(trace)}
    if trace.request is not None:
        found |= {"http.request.method": trace.request.method, **of_server(trace.request.url)}
    if trace.response is not None:
        found["http.response.status_code"] = trace.response.status
    if isinstance(trace.error, VendorError) and _WORD.fullmatch(trace.error.code):
        found["sms.vendor_code"] = mask_numbers(trace.error.code)
    if isinstance(trace.operation, GetInbound) and isinstance(trace.result, Page):
        found["messaging.batch.message_count"] = len(trace.result.rows)
    if isinstance(trace.operation, Send) and trace.send_result:
        found |= {f"sms.messages.{outcome.value}": count for outcome, count in tally.messages.items()}
        found["sms.segments"] = tally.segments.total()
        found |= _batches(trace.send_result.batches, trace.operation)
        if tally.points is not None:
            found["sms.points"] = tally.points
    return found


def _batches(ids: Iterable[str], operation: Operation[Any]) -> Attributes:
    words = _without_numbers(filter(_WORD.fullmatch, ids), operation)
    return {"sms.batch.ids": words} if words else {}


def _without_numbers(ids: Iterable[str], operation: Operation[Any]) -> tuple[str, ...]:
    """Those ids that show no number of the operation's recipients."""
    tails = {number[-TELLING_DIGITS:] for number in _numbers(operation)}
    shown = []
    for id_ in ids:
        digits = re.sub(r"\D", "", id_)
        if id_ and not any(tail in digits for tail in tails):
            shown.append(id_)
    return tuple(shown)


def _numbers(operation: Operation[Any]) -> tuple[str, ...]:
    match operation:
        case Send():
            return tuple(destination.number for destination in operation.destinations)
        case GetReports():
            return tuple(number for numbers in operation.batches.values() for number in numbers)
        case _:
            return ()
