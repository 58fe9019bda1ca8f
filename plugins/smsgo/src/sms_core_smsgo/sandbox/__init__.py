"""smsgo's side of its API 6.0, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other. Chapters in comments
are of "簡訊購 API 技術文件 6.0". Where the document is silent, the live wire decides: field names in any case, GET as
well as POST, ``.asp`` and ``.aspx``, lines that end CRLF, errors with status 200.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count

from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send

from sms_core.http import Response
from sms_core.testing import Exchange
from sms_core_sandbox import Face
from sms_core_smsgo.sandbox.calls import Answer, Call, Refusal, read_call
from sms_core_smsgo.sandbox.pushes import PUSH_RETRIES, push
from sms_core_smsgo.sandbox.queries import cancel, points, query, query_bulk
from sms_core_smsgo.sandbox.sends import send_sms

_ACKNOWLEDGEMENT = re.compile(rb"magicid=tccrd_sms_gateway_rpack\nmsgid=\d+\n")
HTTP_OK = 200


def face(exchange: Exchange) -> Face:
    """Smsgo over this exchange: the entry point."""
    numbers = count(100_000)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        response = _answer(exchange, numbers, path, request, await request.body())
        await response(scope, receive, send)

    return Face(app, push=push, acknowledged=acknowledged, retries=PUSH_RETRIES)


def acknowledged(response: Response) -> bool:
    """Chapter 2, 2: status 200, Text/Plain, and two lines that each end with chr(10)."""
    plain = response.headers.get("content-type", "").lower().startswith("text/plain")
    return response.status == HTTP_OK and plain and _ACKNOWLEDGEMENT.fullmatch(response.body) is not None


def _answer(exchange: Exchange, numbers: count[int], path: str, request: HttpRequest, body: bytes) -> HttpResponse:
    _, found, name = path.lower().rpartition("/sms_gw/")
    handler = ENDPOINTS.get(name)
    if not found or handler is None:
        return HttpResponse("<html><body>404 - File or directory not found.</body></html>", 404, media_type="text/html")
    call = read_call(exchange, request, body, numbers)
    try:
        answer = handler(call)
    except Refusal as refusal:
        answer = Answer(({"msgid": "-1", "statuscode": refusal.code, "statusstr": refusal.text, "point": "0"},))
    return answer.response(call.text("rtype"))


ENDPOINTS: dict[str, Callable[[Call], Answer]] = {
    "sendsms.aspx": send_sms,
    "query.asp": query,
    "query.aspx": query,
    "querybulk.asp": query_bulk,
    "query_point.asp": points,
    "query_point.aspx": points,
    "sendsms_cancel.asp": cancel,
}
"""What stands after ``/sms_gw/``, in lower case, and what answers."""
