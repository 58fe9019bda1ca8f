"""The two pushes: a status callback, and an inbound message; both forms, both signed with the AuthToken."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from base64 import b64encode
from urllib.parse import urlencode, urlsplit, urlunsplit

from attrs import field, frozen

from sms_core.http import Request, Response
from sms_core.testing import Exchange, Push, Reply, StoredMessage
from sms_core_twilio.sandbox.resources import Kept, state_of

MOST_RETRIES = 5
"""As for a URL that ends in ``#rc=5&rp=all``: by default Twilio tries once more, and only if it could not connect."""
OUR_NUMBER = "+15005550006"
"""The number that a Messaging Service of the sandbox's account sends from, and that recipients write back to."""


@frozen
class Pushes:
    """How this account's customers are told."""

    exchange: Exchange
    kept: dict[str, Kept] = field(repr=False)

    def push(self, pushed: Push, callback_url: str) -> Request:
        """A report goes to the message's own StatusCallback if it has one, a reply to the account's URL."""
        message = pushed.message if isinstance(pushed, Reply) else pushed
        kept = self.kept[message.batch_id]
        common = {"AccountSid": message.user, "ApiVersion": "2010-04-01"}
        if isinstance(pushed, Reply):
            url, fields = callback_url, common | _reply(pushed, kept)
        else:
            url, fields = kept.callback or callback_url, common | _report(pushed, kept)
        url = urlunsplit(urlsplit(url)._replace(fragment=""))
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
    content_type = response.headers.get("content-type", "")
    said_nothing = not response.body or (
        content_type.startswith(("text/xml", "application/xml")) and response.body.endswith(b"<Response></Response>")
    )
    return response.status == 200 and said_nothing  # noqa: PLR2004 - HTTP's own number


def _report(one: StoredMessage, kept: Kept) -> dict[str, str]:
    state, code = state_of(one, kept)
    done = one.done_at or one.send_at
    sometimes = {
        "ErrorCode": "" if code is None else str(code),
        "MessagingServiceSid": kept.service,
        "RawDlrDoneDate": f"{done:%y%m%d%H%M}" if state in {"delivered", "undelivered"} else "",
    }
    return {
        "SmsSid": one.batch_id,
        "MessageSid": one.batch_id,
        "SmsStatus": state,
        "MessageStatus": state,
        "To": one.number,
        "From": kept.sender or OUR_NUMBER,
        **{name: value for name, value in sometimes.items() if value},
    }


def _reply(reply: Reply, kept: Kept) -> dict[str, str]:
    sid = f"SM{_token(reply.message.batch_id, str(reply.received_at), reply.text).replace('-', '')}"
    service = {"MessagingServiceSid": kept.service} if kept.service else {}
    return {
        "ToCountry": "US",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "SmsSid": sid,
        "SmsStatus": "received",
        "Body": reply.text,
        "FromCountry": "",
        "To": kept.sender or OUR_NUMBER,
        "NumSegments": "1",
        "MessageSid": sid,
        "From": reply.message.number,
        **service,
    }
