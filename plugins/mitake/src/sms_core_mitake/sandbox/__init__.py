"""Mitake's side of its API, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other. Sections in comments
are those of 三竹資訊 B2C API 文件規格說明書 v2.14. Where it is silent, recorded answers decide: status 200 for
everything, CRLF, refusals of a whole request in Big5.
"""

from __future__ import annotations

from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send

from sms_core.testing import Exchange
from sms_core_mitake.sandbox.calls import Refusal, read_call
from sms_core_mitake.sandbox.pushes import PUSH_RETRIES, acknowledged, push
from sms_core_mitake.sandbox.queries import cancel, query
from sms_core_mitake.sandbox.sends import Sends
from sms_core_sandbox import Face


def face(exchange: Exchange) -> Face:
    """Mitake over this exchange: the entry point. Its accounts have the right to long texts."""
    sends = Sends()
    pages = {"SmSend": sends.one, "SmBulkSend": sends.many, "SmQuery": query, "SmCancel": cancel}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        body = await request.body()
        page = pages.get(scope["path"].rpartition("/")[2])
        if page is None:
            response = HttpResponse("<html><h1>Not Found</h1></html>", 404, media_type="text/html")
        else:
            try:
                response = _text(page(read_call(exchange, request, body)).encode("ascii"))
            except Refusal as refusal:
                response = _text(f"statuscode={refusal.code}\r\nError={refusal.text}\r\n".encode("cp950"))
        await response(scope, receive, send)

    return Face(app, push=push, acknowledged=acknowledged, retries=PUSH_RETRIES, options={"long_sms": "true"})


def _text(content: bytes) -> HttpResponse:
    return HttpResponse(content, media_type="text/plain")
