"""The two pushes: a status callback, and an inbound message; both forms, both signed with the AuthToken."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from base64 import b64encode
from urllib.parse import urlencode, urlsplit, urlunsplit

from attrs import frozen

from sms_core.http import Request, Response
from sms_core.model import DeliveryStatus
from sms_core.testing import Exchange, Push, Reply, StoredMessage
from sms_core_sandbox.pushes import message_of, status_200
from sms_core_twilio.sandbox.resources import Book, Details, state_of

PUSH_RETRIES = 5
"""As for a URL that ends in ``#rc=5&rp=all``: by default Twilio tries once more, and only if it could not connect."""
OUR_NUMBER = "+15005550006"
"""The number that a Messaging Service of the sandbox's account sends from, and that recipients write back to."""


@frozen
class Pushes:
    """How this account's customers are told."""

    exchange: Exchange
    book: Book

    def push(self, pushed: Push, callback_url: str) -> Request | None:
        """A report, or an inbound message, signed for the URL. None for what is not pushed."""
        message = message_of(pushed)
        details = self.book.of(message)
        if message.status is DeliveryStatus.ACCEPTED and not details.service:
            return None  # queued is its first state then, and no callback is sent for that one
        fields = {"AccountSid": message.user, "ApiVersion": "2010-04-01"}
        if isinstance(pushed, Reply):
            fields |= _reply(pushed, details)
        else:
            fields |= _report(pushed, details)
        url = urlunsplit(urlsplit(callback_url)._replace(fragment=""))
        headers = {
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "user-agent": "TwilioProxy/1.1",
            "i-twilio-idempotency-token": _token(fields["MessageSid"], fields["SmsStatus"]),
            "x-twilio-signature": signature(url, fields, self.exchange.account(message.user).password),
        }
        return Request("POST", url, headers, urlencode(fields).encode("ascii"))


def signature(url: str, fields: dict[str, str], token: str) -> str:
    """Security, "Validating requests": the URL, then each parameter's name and value, in the order of the names."""
    text = url
    for name in sorted(fields):
        text += name + fields[name]
    return b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _token(*parts: str) -> str:
    """Random to whoever sees it, and the same for each try of one push."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "\x1f".join(parts)))


def acknowledged(response: Response) -> bool:
    """Status 200, and an empty body or TwiML: plain text would go to the person who wrote, as an SMS."""
    if not status_200(response):
        return False
    content_type = response.headers.get("content-type", "")
    is_xml = content_type.startswith(("text/xml", "application/xml"))
    return not response.body or (is_xml and response.body.endswith(b"<Response></Response>"))


def _report(message: StoredMessage, details: Details) -> dict[str, str]:
    state, code = state_of(message, details)
    fields = {
        "SmsSid": message.batch_id,
        "MessageSid": message.batch_id,
        "SmsStatus": state,
        "MessageStatus": state,
        "To": message.number,
        "From": details.sender or OUR_NUMBER,
    }
    if code is not None:
        fields["ErrorCode"] = str(code)
    if details.service:
        fields["MessagingServiceSid"] = details.service
    if state in {"delivered", "undelivered"}:
        done_at = message.done_at or message.send_at
        fields["RawDlrDoneDate"] = f"{done_at:%y%m%d%H%M}"
    return fields


def _reply(reply: Reply, details: Details) -> dict[str, str]:
    token = _token(reply.message.batch_id, str(reply.received_at), reply.text)
    sid = f"SM{token.replace('-', '')}"
    fields = {
        "ToCountry": "US",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "SmsSid": sid,
        "SmsStatus": "received",
        "Body": reply.text,
        "FromCountry": "",
        "To": details.sender or OUR_NUMBER,
        "NumSegments": "1",
        "MessageSid": sid,
        "From": reply.message.number,
    }
    if details.service:
        fields["MessagingServiceSid"] = details.service
    return fields
