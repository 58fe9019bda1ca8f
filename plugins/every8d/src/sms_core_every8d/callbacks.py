"""EVERY8D's pushes (HTTP chapter 6, SOAP 3.1): delivery reports and replies by GET, told apart by STATUS."""

from __future__ import annotations

import re

from sms_core import CallbackRefused
from sms_core.provider import Callback, CallbackRequest, CallbackResponse, decoded_again
from sms_core_every8d.codes import REPLY, Api
from sms_core_every8d.reports import reply_of, report_of

ACKNOWLEDGEMENT = CallbackResponse(200, body=b"OK")
"""HTTP 6.1.2: status 200 ends the vendor's retries, whatever the body."""

_STATUS = re.compile(r"-?\d{1,4}", re.ASCII)


def parse(request: CallbackRequest, api: Api) -> Callback:
    """The report or reply of one push, and the 200 that ends the vendor's retries. Raises `CallbackRefused`."""
    request.require_method("GET", "POST")  # the document says GET; a form POST of the same fields is understood too
    # UTF-8 is what every known receiver assumes; Big5 is tried before a reply is given up.
    fields = request.fields("utf-8", "cp950")
    batch_id, status = fields.get("batchid", "").strip(), fields.get("status", "").strip()
    number = _decoded_again(fields.get("rm", "")).strip()
    if not batch_id or not number or not _STATUS.fullmatch(status):
        raise CallbackRefused("a push of EVERY8D has BatchID, RM and a numeric STATUS")
    row = {name.upper(): value for name, value in fields.items()}
    row |= {
        "MOBILE": number,
        "STATUS": status,
        "SEND_TIME": fields.get("st", ""),
        "RECEIVED_TIME": fields.get("rt", ""),
        "COST": fields.get("charge", ""),
        "CONTENT": _decoded_again(fields.get("sm", "")),
    }
    event = reply_of(row, batch_id) if status == REPLY else report_of(row, batch_id, api)
    return Callback((event,), ACKNOWLEDGEMENT)


def _decoded_again(value: str) -> str:
    """A value that arrived encoded twice (seen in one receiver). Without a ``%`` a ``+`` is a plus."""
    return decoded_again(value) if "%" in value else value
