"""EVERY8D's side of its HTTP API 2.1, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other. Numbers in comments
are sections and tables of "簡訊 API2.1 規格書" version 2.2. Where the document is silent, the live wire decides:
paths and field names in any case, GET as well as POST, JSON or form, errors with status 200.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from sms_core.testing import Exchange
from sms_core_every8d.sandbox.calls import read_call, refused_as_json, refused_as_text
from sms_core_every8d.sandbox.pushes import PUSH_RETRIES, push
from sms_core_every8d.sandbox.queries import connection, credit, erase, replies, reports
from sms_core_every8d.sandbox.sends import send_filtered, send_mms, send_param, send_sms
from sms_core_sandbox import Face
from sms_core_sandbox.calls import Call, Refusal, asgi_app, method_not_allowed, not_found

METHODS = ("GET", "POST")
"""What clients send with; what the vendor says to other methods is a guess."""


def face(exchange: Exchange) -> Face:
    """EVERY8D over this exchange: the entry point."""
    operations = tuple(f"/API21/HTTP/{name}" for name in PAGES)
    return Face(asgi_app(exchange, "every8d", _answer), push=push, retries=PUSH_RETRIES, operations=operations)


def _answer(call: Call) -> Response:
    """Any prefix may stand in front of ``/API21/HTTP/``; on some hosts one does."""
    _, found, name = call.path.lower().rpartition("/api21/http/")
    page = PAGES.get(name)
    if not found or page is None:
        return not_found()
    if call.method not in METHODS:
        return method_not_allowed(*METHODS)
    handler, refused = page
    try:
        answer = handler(read_call(call))
    except Refusal as refusal:
        answer = refused(refusal)
    if isinstance(answer, dict):
        return Response(json.dumps(answer, ensure_ascii=False), media_type="application/json")
    return Response(answer, media_type="text/xml" if answer.startswith("<?xml") else "text/plain")


Handler = Callable[[Call], str | dict[str, Any]]
Refused = Callable[[Refusal], str | dict[str, Any]]

PAGES: dict[str, tuple[Handler, Refused]] = {
    "connectionhandler.ashx": (connection, refused_as_json),
    "sendsms.ashx": (send_sms, refused_as_text),
    "sendsms4filtermessage.ashx": (send_filtered, refused_as_text),
    "sendparam.ashx": (send_param, refused_as_json),
    "sendparamsms.ashx": (send_param, refused_as_json),  # the name in the edition of 2021
    "mms/sendmms.ashx": (send_mms, refused_as_text),
    "mms/sendparam.ashx": (send_param, refused_as_json),  # where one would look for it; 3.4.2 says SendParam.ashx
    "getcredit.ashx": (credit, refused_as_text),
    "getdeliverystatus.ashx": (reports("SMS"), refused_as_text),
    "getreplymessage.ashx": (replies, refused_as_text),
    "mms/getdeliverystatus.ashx": (reports("MMS"), refused_as_text),
    "erasebooking.ashx": (erase("SMS"), refused_as_text),
    "mms/erasebooking.ashx": (erase("MMS"), refused_as_text),
}
"""What stands after ``/API21/HTTP/``, in lower case; what answers; and in which form that says no."""
