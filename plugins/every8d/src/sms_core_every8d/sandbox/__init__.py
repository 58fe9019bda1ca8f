"""EVERY8D's side of its HTTP API 2.1, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other. Numbers in comments
are sections and tables of "簡訊 API2.1 規格書" version 2.2. Where the document is silent, the live wire decides:
paths and field names in any case, GET as well as POST, JSON or form, errors with status 200.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sms_core.testing import Exchange
from sms_core_every8d.sandbox.calls import Call, Refusal, no_as_json, no_as_text, read_call
from sms_core_every8d.sandbox.pushes import PUSH_RETRIES, push
from sms_core_every8d.sandbox.queries import connection, credit, erase, replies, reports
from sms_core_every8d.sandbox.sends import send_filtered, send_mms, send_param, send_sms
from sms_core_sandbox import Face


def face(exchange: Exchange) -> Face:
    """EVERY8D over this exchange: the entry point."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        response = _answer(exchange, path, request, await request.body())
        await response(scope, receive, send)

    return Face(app, push=push, retries=PUSH_RETRIES)


def _answer(exchange: Exchange, path: str, request: HttpRequest, body: bytes) -> Response:
    """Any prefix may stand in front of ``/API21/HTTP/``; on some hosts one does."""
    _, found, name = path.lower().rpartition("/api21/http/")
    endpoint = ENDPOINTS.get(name)
    if not found or endpoint is None:
        page = "<html><body><h2>404 - File or directory not found.</h2></body></html>"
        return Response(page, 404, media_type="text/html")
    handler, says_no = endpoint
    try:
        answer = handler(read_call(exchange, request, body))
    except Refusal as refusal:
        answer = says_no(refusal)
    if isinstance(answer, dict):
        return Response(json.dumps(answer, ensure_ascii=False), media_type="application/json")
    return Response(answer, media_type="text/xml" if answer.startswith("<?xml") else "text/plain")


Handler = Callable[[Call], str | dict[str, Any]]
SaysNo = Callable[[Refusal], str | dict[str, Any]]

ENDPOINTS: dict[str, tuple[Handler, SaysNo]] = {
    "connectionhandler.ashx": (connection, no_as_json),
    "sendsms.ashx": (send_sms, no_as_text),
    "sendsms4filtermessage.ashx": (send_filtered, no_as_text),
    "sendparam.ashx": (send_param, no_as_json),
    "sendparamsms.ashx": (send_param, no_as_json),  # the name in the edition of 2021
    "mms/sendmms.ashx": (send_mms, no_as_text),
    "mms/sendparam.ashx": (send_param, no_as_json),  # where one would look for it; 3.4.2 says SendParam.ashx
    "getcredit.ashx": (credit, no_as_text),
    "getdeliverystatus.ashx": (reports("SMS"), no_as_text),
    "getreplymessage.ashx": (replies, no_as_text),
    "mms/getdeliverystatus.ashx": (reports("MMS"), no_as_text),
    "erasebooking.ashx": (erase("SMS"), no_as_text),
    "mms/erasebooking.ashx": (erase("MMS"), no_as_text),
}
"""What stands after ``/API21/HTTP/``, in lower case; what answers; and in which form that says no."""
