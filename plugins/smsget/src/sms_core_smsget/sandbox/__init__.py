"""SMS-Get's side of its API, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other. Chapters in comments
are those of "SMS-Get 商務簡訊 API 說明" (2017). Where the document is silent, the live wire decides: GET as well as
POST, ``stats`` as a JSON boolean, errors with status 200.
"""

from __future__ import annotations

import json

from starlette.responses import HTMLResponse, Response

from sms_core.testing import Exchange
from sms_core_sandbox import Face
from sms_core_sandbox.calls import Call, Refusal, asgi_app, method_not_allowed, not_found
from sms_core_smsget.sandbox.calls import read_call
from sms_core_smsget.sandbox.pushes import acknowledged, push
from sms_core_smsget.sandbox.queries import query_credit
from sms_core_smsget.sandbox.sends import Sends

METHODS = ("GET", "POST")
"""What clients send with; what the vendor says to other methods is a guess."""


def face(exchange: Exchange) -> Face:
    """SMS-Get over this exchange: the entry point."""
    sends = Sends()
    pages = {
        "api_send.php": sends.one_way,
        "api_send_twoway.php": sends.two_way,
        "api_query_credit.php": query_credit,
    }

    def answer(call: Call) -> Response:
        page = pages.get(call.path.rpartition("/")[2])
        if page is None:
            return not_found()
        if call.method not in METHODS:
            return method_not_allowed(*METHODS)
        try:
            return _page("000", page(read_call(call)))
        except Refusal as refusal:
            return _page(refusal.code, refusal.words)

    operations = tuple(f"/{name}" for name in pages)
    return Face(asgi_app(exchange, "sms-get", answer), push=push, acknowledged=acknowledged, operations=operations)


def _page(code: str, message: str) -> Response:
    """輸出 of chapters 1, 3 and 5."""
    answer = {"stats": code == "000", "error_code": code, "error_msg": message}
    return HTMLResponse(json.dumps(answer))  # \u escapes, as PHP writes them
