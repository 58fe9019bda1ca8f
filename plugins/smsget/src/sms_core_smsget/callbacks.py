"""SMS-Get's pushes by POST: delivery reports (chapter 2) and two-way replies (chapter 4)."""

from __future__ import annotations

import re
from datetime import datetime

from attrs import field, frozen

from sms_core import CallbackRefused, DeliveryReport, InboundMessage
from sms_core.provider import (
    SMPP_STATES,
    Account,
    Callback,
    CallbackRequest,
    CallbackResponse,
    decoded_again,
    event_key,
    is_encoded,
    time_or_none,
)
from sms_core_smsget.codes import status_of
from sms_core_smsget.numbers import to_e164
from sms_core_smsget.options import AccountOptions

ACKNOWLEDGEMENT = CallbackResponse(200, body=b"ok")
"""Chapters 2 and 4."""

_COLUMNS = 4  # phone | id of the message | the carrier's time | state, or the reply's text
_PHONE = re.compile(r"\+?\d{7,15}", re.ASCII)
_TWO_DIGITS = re.compile(r"\d\d", re.ASCII)
# A comma parts two replies only where a whole head follows.
_BETWEEN_REPLIES = re.compile(r",(?=\s*\+?\d{7,15}\|[^|,]*\|\s*\d{4}-\d{1,2}-\d{1,2} [\d:]+\s*\|)", re.ASCII)


def parse(account: Account, request: CallbackRequest) -> Callback:
    """The events of one push, and the ``ok`` that the vendor waits for. Raises `CallbackRefused`."""
    request.require_method("POST", "GET")  # chapters 2 and 4 say POST and show the fields in a URL
    fields = request.fields()
    sms_id, content = fields.get("sms_id", "").strip(), fields.get("content", "")
    events: list[DeliveryReport | InboundMessage]
    if sms_id:  # a reply has none (chapter 4)
        events = [_report(row, sms_id) for row in _rows(content.split(","))]
    else:
        code = account.typed_options(AccountOptions).code
        events = [_reply(row, code) for row in _rows(_replies(content))]
    if not events:
        raise CallbackRefused("a push of SMS-Get has a content of phone|id|time|state or phone|id|time|reply")
    return Callback(tuple(events), ACKNOWLEDGEMENT)


@frozen
class _Row:
    """One recipient's columns; ``last`` is the state of a report, or the text of a reply as it came."""

    phone: str = field(repr=False)
    message_id: str
    time: str
    last: str = field(repr=False)

    @property
    def moment(self) -> datetime | None:
        """The carrier's time, of Taipei; None where it cannot be read."""
        return time_or_none(self.time)


def _rows(lines: list[str]) -> list[_Row]:
    """The lines that name a phone; columns that are missing are empty, and what is beyond the last belongs to it."""
    rows = []
    for line in lines:
        columns = [column.strip() for column in line.split("|", _COLUMNS - 1)]
        if len(columns) > 1 and _PHONE.fullmatch(columns[0]):
            missing = [""] * (_COLUMNS - len(columns))
            rows.append(_Row(*columns, *missing))
    return rows


def _report(row: _Row, sms_id: str) -> DeliveryReport:
    number = to_e164(row.phone)
    return DeliveryReport(
        number=number,
        status=status_of(row.last),
        batch_id=sms_id,
        done_at=row.moment,
        vendor_code=row.last,
        raw={"sms_id": sms_id, "phone": row.phone, "id": row.message_id, "time": row.time, "status": row.last},
        key=event_key("sms-get", sms_id, number, row.message_id, row.last, row.time),
    )


def _replies(content: str) -> list[str]:
    """The replies of a push, split before anything is decoded.

    Inside, the texts are percent-encoded, so they hold neither ``|`` nor ``,``. If one is not, a recipient could have
    written what looks like another reply: then all is taken for one.
    """
    lines = _BETWEEN_REPLIES.split(content.rstrip(", "))
    encoded = all(is_encoded(row.last) for row in _rows(lines))
    return lines if encoded else [content]


def _reply(row: _Row, code: str) -> InboundMessage:
    """``code`` is the account's two-way code, "" where it is not known. ``raw`` keeps the text with its code, decoded (``text``) and as it came (``content``)."""
    number, whole = to_e164(row.phone), decoded_again(row.last)
    if row.last in SMPP_STATES:  # no reply is pushed without its code
        raise CallbackRefused("a delivery report of SMS-Get has a sms_id")
    raw = {"phone": row.phone, "id": row.message_id, "time": row.time, "content": row.last, "text": whole}
    return InboundMessage(
        number=number,
        text=_without_code(whole, code),
        batch_id="",  # chapter 4 sends the id of the message, not of the batch
        received_at=row.moment,
        raw=raw,
        key=event_key("sms-get", number, row.message_id, row.time, row.last),
    )


def _without_code(text: str, code: str) -> str:
    """The text behind the account's code, and behind the blanks that people put after it.

    The vendor passes on no reply without the code (chapter 4). So if the account's is not known, two digits at the
    beginning are the code.
    """
    if not code and _TWO_DIGITS.match(text):
        code = text[:2]
    return text[len(code) :].lstrip() if code and text.startswith(code) else text
