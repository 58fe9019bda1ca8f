"""SMS-Get's side of its API, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other. Chapters in comments
are those of "SMS-Get 商務簡訊 API 說明" (2017). Where the document is silent, the live wire decides: GET as well as
POST, ``stats`` as a JSON boolean, errors with status 200.
"""

from __future__ import annotations

import itertools
import json

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sms_core.testing import Exchange
from sms_core_sandbox import Face
from sms_core_smsget.sandbox.calls import Refusal, read_call
from sms_core_smsget.sandbox.pushes import acknowledged, push
from sms_core_smsget.sandbox.sends import Sends, query_credit

FIRST_ID = 1783822
"""Message ids are numbers that grow; this is one that was seen."""


def face(exchange: Exchange) -> Face:
    """SMS-Get over this exchange: the entry point."""
    sends = Sends(itertools.count(FIRST_ID))
    pages = {
        "api_send.php": sends.one_way,
        "api_send_twoway.php": sends.two_way,
        "api_query_credit.php": query_credit,
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        page = pages.get(scope["path"].rpartition("/")[2])
        if page is None:
            response = Response("<html><h1>Not Found</h1></html>", 404, media_type="text/html")
        else:
            body = await request.body()
            try:
                response = _answer("000", page(read_call(exchange, request, body)))
            except Refusal as refusal:
                response = _answer(refusal.code, refusal.text)
        await response(scope, receive, send)

    return Face(app, push=push, acknowledged=acknowledged)


def _answer(code: str, message: str) -> Response:
    """輸出 of chapters 1, 3 and 5."""
    answer = {"stats": code == "000", "error_code": code, "error_msg": message}
    return Response(json.dumps(answer), media_type="text/html")  # \u escapes, as PHP writes them
