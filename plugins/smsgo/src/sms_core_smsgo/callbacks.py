"""smsgo's pushes (chapter 2 and 回覆簡訊): delivery reports and replies by GET, and the answer it waits for."""

from __future__ import annotations

import re

import attrs

from sms_core import CallbackRefused, DeliveryReport, InboundMessage
from sms_core.provider import Callback, CallbackRequest, CallbackResponse, event_key, time_or_none
from sms_core_smsgo.responses import e164_of, report_of

ACKNOWLEDGEMENT = "magicid=tccrd_sms_gateway_rpack\nmsgid={}\n"
"""Chapter 2, 2: status 200 and Text/Plain; without it the vendor pushes again, three times."""

_FIRST_OF_THREE_BYTES = "\u0800"
_PLAIN_TEXT = {"content-type": "text/plain"}
_SECOND_QUERY = re.compile(r"\?(?=msgid=)", re.IGNORECASE)
_MSGID = re.compile(r"\d{1,20}", re.ASCII)


def parse(request: CallbackRequest) -> Callback:
    """The events of one push and the acknowledgement. Raises `CallbackRefused`."""
    request.require_method("GET", "POST")  # chapter 2 calls a URL; a form POST of the same fields is understood too
    fields = _fields(request)
    msgid = fields.get("msgid", "").strip()
    if not _MSGID.fullmatch(msgid):
        raise CallbackRefused("a push of smsgo has a numeric msgid")
    events: tuple[DeliveryReport | InboundMessage, ...]
    if fields.get("statusstr", "").strip():
        events = _reports(fields, msgid)
    elif fields.get("srcaddr", "").strip() and "smbody" in fields:
        events = (_reply(fields, msgid),)
    else:
        raise CallbackRefused("a push of smsgo has statusstr, or srcaddr and smbody")
    return Callback(events, CallbackResponse(200, _PLAIN_TEXT, ACKNOWLEDGEMENT.format(msgid).encode("ascii")))


def _fields(request: CallbackRequest) -> dict[str, str]:
    """UTF-8 is a guess, since the vendor reads UTF-8 whatever the encoding; Big5 is tried before a reply is given up.

    The vendor is said to append ``?msgid=…`` to your URL, even if that has a query already.
    """
    if _SECOND_QUERY.search(request.query):
        request = attrs.evolve(request, query=_SECOND_QUERY.sub("&", request.query, count=1))
    fields = request.fields("utf-8", "cp950")
    declared = fields.get("encoding", "").strip().upper()
    if declared == "BIG5" and _is_foreign(fields.get("smbody", "")):
        return request.fields("cp950", "utf-8")
    return fields


def _is_foreign(text: str) -> bool:
    """Whether a text of European letters alone has one that Big5 lacks: ``羅`` in Big5 is ``ù`` in UTF-8."""
    try:
        text.encode("cp950")
    except UnicodeEncodeError:
        return max(text) < _FIRST_OF_THREE_BYTES
    return False


def _reports(fields: dict[str, str], msgid: str) -> tuple[DeliveryReport, ...]:
    """``dstaddr`` is in the examples of chapter 3 and not in the form of chapter 2: it may be missing."""
    row = {name: value.strip() for name, value in fields.items()}
    numbers = [number for number in row.get("dstaddr", "").split(",") if number.strip()]
    return tuple([report_of(row, number, msgid) for number in numbers or [""]])


def _reply(fields: dict[str, str], msgid: str) -> InboundMessage:
    number, text, time = e164_of(fields["srcaddr"]), fields["smbody"], fields.get("timestamp", "")
    received_at = time_or_none(time)  # its form is undocumented; `raw` has it
    key = event_key("smsgo", msgid, number, "reply", text, time)
    return InboundMessage(number, text, msgid, received_at, raw=fields, key=key)
