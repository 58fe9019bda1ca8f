"""Mitake's side of its API, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other. Sections in comments
are those of 三竹資訊 B2C API 文件規格說明書 v2.14. Where it is silent, recorded answers decide: status 200 for
everything, CRLF, refusals of a whole request in Big5.
"""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from sms_core.model import DeliveryStatus
from sms_core.testing import Exchange
from sms_core_mitake.sandbox.calls import read_call
from sms_core_mitake.sandbox.pushes import PUSH_RETRIES, acknowledged, push
from sms_core_mitake.sandbox.queries import cancel, query
from sms_core_mitake.sandbox.sends import Sends
from sms_core_sandbox import Face
from sms_core_sandbox.calls import Call, Refusal, asgi_app, method_not_allowed, not_found
from sms_core_sandbox.face import FINAL_STATES

METHODS = ("GET", "POST")
"""What clients send with; what the vendor says to other methods is a guess."""


def face(exchange: Exchange) -> Face:
    """Mitake over this exchange: the entry point. Its accounts have the right to long texts."""
    sends = Sends()
    # SmQueryGet is no page of the document; clients in public ask it, as they do the older editions' SmSendGet.
    pages = {
        "SmSend": sends.single,
        "SmSendGet": sends.single,
        "SmBulkSend": sends.bulk,
        "SmQuery": query,
        "SmQueryGet": query,
        "SmCancel": cancel,
    }

    def answer(call: Call) -> Response:
        page = pages.get(call.path.rpartition("/")[2])
        if page is None:
            return not_found()
        if call.method not in METHODS:
            return method_not_allowed(*METHODS)
        try:
            text = page(read_call(call))
        except Refusal as refusal:
            words = f"statuscode={refusal.code}\r\nError={refusal.words}\r\n"
            return Response(words.encode("cp950"), headers={"content-type": "text/plain; charset=Big5"})
        return PlainTextResponse(text.encode())

    return Face(
        asgi_app(exchange, "mitake", answer),
        push=push,
        acknowledged=acknowledged,
        retries=PUSH_RETRIES,
        states=FINAL_STATES | {DeliveryStatus.SENT, DeliveryStatus.CANCELLED},  # each change of state
        options={"long_sms": "true"},
        operations=tuple(f"/{name}" for name in pages),
    )
