"""From an operation to Twilio's request for it: Basic authentication, forms, and paths below the account."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from sms_core import Account, ConfigurationError, Unsupported
from sms_core.http import Request
from sms_core.provider import (
    Cancel,
    Check,
    FindSent,
    GetBalance,
    GetReports,
    Operation,
    Send,
    form_request,
    query_request,
)
from sms_core_twilio.options import AccountOptions, SendOptions

PATH = "/2010-04-01"
API_KEY = "SK"
"""With this the name of an API key begins, in the place of an AccountSid."""
REFERENCE = "reference"
"""The name under which a report brings back our reference: Twilio carries none, but calls the URL that it is given."""
MOST_LISTED = "1000"

_WISHES = {
    "content_sid": "ContentSid",
    "smart_encoded": "SmartEncoded",
    "shorten_urls": "ShortenUrls",
    "send_as_mms": "SendAsMms",
    "provide_feedback": "ProvideFeedback",
    "content_retention": "ContentRetention",
    "address_retention": "AddressRetention",
    "risk_check": "RiskCheck",
}
_WORDS = {None: "", True: "true", False: "false"}


def build(account: Account, operation: Operation[Any]) -> Request:
    """The request of any operation. Raises `Unsupported`, and `ConfigurationError` where no account is named."""
    base, who = _base(account), _authorization(account)
    match operation:
        case Send():
            return form_request(f"{base}/Messages.json", _message(account, operation), who)
        case GetReports():
            return Request("GET", f"{base}/Messages/{quote(operation.batch_id, safe='')}.json", who)
        case Cancel():
            url = f"{base}/Messages/{quote(operation.batch_id, safe='')}.json"
            return form_request(url, {"Status": "canceled"}, who)
        case FindSent():  # one number, as Limits says; queued ones have no DateSent that could be asked for
            return query_request(f"{base}/Messages.json", {"To": operation.numbers[0], "PageSize": MOST_LISTED}, who)
        case GetBalance():
            return Request("GET", f"{base}/Balance.json", who)
        case Check():  # subaccounts have no balance
            return query_request(f"{base}/Messages.json", {"PageSize": "1"}, who)
        case _:
            raise Unsupported(account.provider, operation.name)


def sender_of(account: Account, own: SendOptions) -> tuple[str, str]:
    """Number (or name) and Messaging Service that a message goes out with: its own, or else the account's."""
    options = account.typed_options(AccountOptions)
    if own.from_ or own.messaging_service:
        return own.from_, own.messaging_service
    return options.from_, options.messaging_service


def _base(account: Account) -> str:
    sid = account.typed_options(AccountOptions).account or account.user
    if not sid or sid.startswith(API_KEY):
        raise ConfigurationError("Twilio needs the AccountSid: as the DSN's user, or beside an API key as account=AC…")
    return f"{account.base_url}{PATH}/Accounts/{quote(sid, safe='')}"


def _authorization(account: Account) -> dict[str, str]:
    credentials = b64encode(f"{account.user}:{account.password}".encode()).decode("ascii")
    return {"authorization": f"Basic {credentials}"}


def _message(account: Account, operation: Send) -> list[tuple[str, str]]:
    """The parameters of the one recipient that a request has."""
    (one,) = operation.destinations
    own = operation.options(SendOptions)
    sender, service = sender_of(account, own)
    callback = own.status_callback or account.typed_options(AccountOptions).status_callback
    validity = operation.message.validity
    variables = json.dumps(dict(own.content_variables), ensure_ascii=False) if own.content_variables else ""
    fields = {
        "To": one.number,
        "From": sender,
        "MessagingServiceSid": service,
        "Body": one.text,
        "StatusCallback": _with_reference(callback, one.reference) if callback else "",
        "ValidityPeriod": str(int(validity.total_seconds())) if validity else "",
        "ScheduleType": "fixed" if one.send_at else "",
        "SendAt": f"{one.send_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if one.send_at else "",
        "ContentVariables": variables,
        **{there: _written(getattr(own, here)) for here, there in _WISHES.items()},
    }
    return [*((name, value) for name, value in fields.items() if value), *(("MediaUrl", url) for url in own.media_urls)]


def _written(value: Any) -> str:
    return str(_WORDS.get(value, value))


def _with_reference(url: str, reference: str) -> str:
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, f"{REFERENCE}={quote(reference, safe='')}")))
    return urlunsplit(parts._replace(query=query))
