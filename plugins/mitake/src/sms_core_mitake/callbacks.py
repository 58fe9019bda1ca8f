"""Mitake's pushes: delivery reports by GET, and the acknowledgement that it waits for."""

from __future__ import annotations

import re

from sms_core import CallbackRefused
from sms_core.provider import Callback, CallbackRequest, CallbackResponse, from_vendor
from sms_core_mitake.responses import MSGID, report_of

ACKNOWLEDGEMENT = "magicid=sms_gateway_rpack\nmsgid={}\n"
"""Two lines, each ended by a line feed, with the msgid as it came."""

_STATE = re.compile(r"\w{1,10}", re.ASCII)
_WITHOUT_PLUS = re.compile(r"[1-9]\d{6,14}", re.ASCII)


def parse(request: CallbackRequest) -> Callback:
    """The report of one push, and its acknowledgement. Raises `CallbackRefused`.

    Its state is ``StatusFlag``; ``statuscode`` says no more than that the SMS was sent.
    """
    request.require_method("GET")
    fields = {name: value.strip() for name, value in request.fields().items()}
    msgid = fields.get("msgid", "")
    flag, state = fields.get("statusflag", ""), fields.get("statusstr", "")
    if not MSGID.fullmatch(msgid) or not _STATE.fullmatch(flag or state):
        raise CallbackRefused("a push of Mitake has a msgid and a StatusFlag or a statusstr")
    number = e164_of(fields.get("dstaddr", ""))
    report = report_of(msgid, number, flag, fields.get("donetime", ""), fields, state)
    response = CallbackResponse(200, {"content-type": "text/plain"}, ACKNOWLEDGEMENT.format(msgid).encode("ascii"))
    return Callback((report,), response)


def e164_of(number: str) -> str:
    """E.164 from ``09…`` or, abroad, from the country code and the rest."""
    found = from_vendor(number)
    return from_vendor(f"+{found}") if _WITHOUT_PLUS.fullmatch(found) else found
