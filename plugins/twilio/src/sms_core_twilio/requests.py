"""From an operation to Twilio's request for it: Basic authentication, forms, and paths below the account."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from sms_core import ConfigurationError, Unsupported
from sms_core.provider import (
    Account,
    Cancel,
    Check,
    Destination,
    FindSent,
    GetBalance,
    GetReports,
    Operation,
    Request,
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

_PARAMETERS = {
    "content_sid": "ContentSid",
    "smart_encoded": "SmartEncoded",
    "shorten_urls": "ShortenUrls",
    "send_as_mms": "SendAsMms",
    "provide_feedback": "ProvideFeedback",
    "content_retention": "ContentRetention",
    "address_retention": "AddressRetention",
    "risk_check": "RiskCheck",
}
"""The `SendOptions` that go as they are, and Twilio's names for them."""


def build(account: Account, operation: Operation[Any]) -> Request:
    """The request of any operation. Raises `Unsupported`, and `ConfigurationError` where no account is named."""
    base = _base_url(account)
    headers = _authorization(account)
    match operation:
        case Check():  # subaccounts have no balance
            return query_request(f"{base}/Messages.json", {"PageSize": "1"}, headers)
        case Send():
            return form_request(f"{base}/Messages.json", _send_fields(account, operation), headers)
        case GetBalance():
            return Request("GET", f"{base}/Balance.json", headers)
        case GetReports():
            return Request("GET", _message_url(base, operation.batch_id), headers)
        case Cancel():
            return form_request(_message_url(base, operation.batch_id), {"Status": "canceled"}, headers)
        case FindSent():  # one number, as Limits says; queued ones have no DateSent that could be asked for
            fields = {"To": operation.numbers[0], "PageSize": MOST_LISTED}
            return query_request(f"{base}/Messages.json", fields, headers)
        case _:
            raise Unsupported(account.provider, operation.name)


def _base_url(account: Account) -> str:
    sid = account.typed_options(AccountOptions).account or account.user
    if not sid or sid.startswith(API_KEY):
        raise ConfigurationError("Twilio needs the AccountSid: as the DSN's user, or beside an API key as account=AC…")
    return f"{account.base_url}{PATH}/Accounts/{quote(sid, safe='')}"


def _message_url(base: str, sid: str) -> str:
    return f"{base}/Messages/{quote(sid, safe='')}.json"


def _authorization(account: Account) -> dict[str, str]:
    credentials = b64encode(f"{account.user}:{account.password}".encode()).decode("ascii")
    return {"authorization": f"Basic {credentials}"}


def _send_fields(account: Account, operation: Send) -> list[tuple[str, str]]:
    """The parameters of the one recipient that a request has; MediaUrl comes once for each picture."""
    (destination,) = operation.destinations
    options = operation.options(SendOptions)
    number, service = account.typed_options(AccountOptions).sender_of(options)
    validity = operation.message.validity
    fields = {
        "To": destination.number,
        "From": number,
        "MessagingServiceSid": service,
        "Body": destination.text,
        "StatusCallback": _callback(account, options, destination),
        "ValidityPeriod": str(int(validity.total_seconds())) if validity else "",
        **_booking(destination),
        "ContentVariables": _variables(options),
    }
    for option, name in _PARAMETERS.items():
        fields[name] = _written(getattr(options, option))
    present = [(name, value) for name, value in fields.items() if value]
    return present + [("MediaUrl", url) for url in options.media_urls]


def _callback(account: Account, options: SendOptions, destination: Destination) -> str:
    """Where Twilio pushes the reports, with the reference that is to come back."""
    url = options.status_callback or account.typed_options(AccountOptions).status_callback
    if not url:
        return ""
    parts = urlsplit(url)
    reference = f"{REFERENCE}={quote(destination.reference, safe='')}"
    query = f"{parts.query}&{reference}" if parts.query else reference
    return urlunsplit(parts._replace(query=query))


def _booking(destination: Destination) -> dict[str, str]:
    if destination.send_at is None:
        return {}
    return {"ScheduleType": "fixed", "SendAt": f"{destination.send_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def _variables(options: SendOptions) -> str:
    if not options.content_variables:
        return ""
    return json.dumps(dict(options.content_variables), ensure_ascii=False)


def _written(value: object) -> str:
    """An option as Twilio wants it; "" for one that is not given."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
