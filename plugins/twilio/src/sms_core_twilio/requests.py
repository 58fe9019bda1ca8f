"""From an operation to Twilio's request for it."""

from __future__ import annotations

from typing import Any

from sms_core import Account, Unsupported
from sms_core.http import Request, form_request
from sms_core.operations import Check, GetBalance, Operation, Send
from sms_core.taipei import format_time

from sms_core_twilio.options import SendOptions

PATH = "/2010-04-01"


def build(account: Account, operation: Operation[Any]) -> Request:
    """The request of any operation. Raises `Unsupported`."""
    match operation:
        case Send():
            return _call(account, "send", _message(operation))
        case GetBalance() | Check():
            return _call(account, "balance", {})
        case _:
            raise Unsupported(account.provider, operation.name)


def _message(operation: Send) -> dict[str, str]:
    """All destinations of a request share one text and one time, since the provider claims no personal texts."""
    first = operation.destinations[0]
    fields = {
        "to": ",".join(one.number for one in operation.destinations),
        "text": first.text,
        "reference": operation.message.reference,
    }
    if first.send_at is not None:
        fields["time"] = format_time(first.send_at)
    if operation.options(SendOptions).flash:
        fields["flash"] = "1"
    return fields


def _call(account: Account, name: str, fields: dict[str, str]) -> Request:
    url = f"{account.base_url}{PATH}/{name}"
    fields = {"user": account.user, "password": account.password, **fields}
    return form_request(url, fields)
