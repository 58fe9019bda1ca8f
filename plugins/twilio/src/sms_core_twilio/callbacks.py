"""Twilio's pushes: delivery reports to a message's StatusCallback, and inbound messages. Both are signed."""

from __future__ import annotations

from collections.abc import Mapping

from sms_core import CallbackRefused, DeliveryReport, InboundMessage
from sms_core.provider import (
    Account,
    Callback,
    CallbackRequest,
    CallbackResponse,
    event_key,
    from_vendor,
)
from sms_core_twilio import signature
from sms_core_twilio.codes import status_of, text_of
from sms_core_twilio.options import AccountOptions
from sms_core_twilio.requests import API_KEY, REFERENCE
from sms_core_twilio.responses import report_key

INBOUND = frozenset({"receiving", "received"})

# TwiML that says nothing. A text/plain answer would be sent to the person who wrote, as an SMS.
SILENCE = CallbackResponse(
    200, {"content-type": "text/xml; charset=utf-8"}, b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
)


def parse(account: Account, request: CallbackRequest) -> Callback:
    """The event of one push, and the answer to it. Raises `CallbackRefused`, for an unsigned one above all."""
    request.require_method("POST", "GET")
    urls = account.typed_options(AccountOptions).public_urls
    key = _signing_key(account)
    if not urls or not key:
        # Our own fault, so Twilio, which knows no better, is told to come again.
        raise CallbackRefused("a signature cannot be checked: the DSN needs callback_url, or signing_key", 500)
    fields = signature.check(request, urls, key)
    sid = fields.get("MessageSid") or fields.get("SmsSid", "")
    state = fields.get("MessageStatus") or fields.get("SmsStatus", "")
    if not sid or not state:
        raise CallbackRefused("a push of Twilio has MessageSid and MessageStatus or SmsStatus")
    event = _message(fields, sid) if state in INBOUND else _report(fields, sid, state)
    return Callback((event,), SILENCE)


def _signing_key(account: Account) -> str:
    """What Twilio signs with: the AuthToken, also for those who ask with an API key; that one's secret never."""
    own = "" if account.user.startswith(API_KEY) else account.password
    return account.typed_options(AccountOptions).signing_key or own


def _report(fields: Mapping[str, str], sid: str, state: str) -> DeliveryReport:
    """It has no time but RawDlrDoneDate, of a zone that is not documented; so that one stays in ``raw``."""
    reason = fields.get("ErrorCode", "")
    return DeliveryReport(
        number=from_vendor(fields.get("To", "")),
        status=status_of(state, reason),
        batch_id=sid,
        reference=fields.get(REFERENCE, ""),
        vendor_code=reason or state,
        vendor_text=text_of(reason),
        raw=dict(fields),
        key=report_key(sid, state, reason),
    )


def _message(fields: Mapping[str, str], sid: str) -> InboundMessage:
    """Twilio does not say which message it answers. Its pictures are in ``raw``, as MediaUrl0, MediaContentType0 …."""
    return InboundMessage(
        number=from_vendor(fields.get("From", "")),
        text=fields.get("Body", ""),
        batch_id="",
        raw=dict(fields),
        key=event_key("twilio", sid),
    )
