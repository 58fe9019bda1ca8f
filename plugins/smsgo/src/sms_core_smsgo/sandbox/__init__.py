"""smsgo's side of its API 6.0, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other. Chapters in comments
are of "簡訊購 API 技術文件 6.0". Where the document is silent, the live wire decides: field names in any case, GET as
well as POST, ``.asp`` and ``.aspx``, lines that end CRLF, errors with status 200.
"""

from __future__ import annotations

from starlette.responses import Response

from sms_core.testing import Exchange
from sms_core_sandbox import Face
from sms_core_sandbox.calls import Call, Refusal, asgi_app, method_not_allowed, not_found
from sms_core_smsgo.sandbox.answers import refused
from sms_core_smsgo.sandbox.calls import read_call, rtype_of
from sms_core_smsgo.sandbox.pushes import PUSH_RETRIES, acknowledged, push
from sms_core_smsgo.sandbox.queries import cancel, points, query, query_bulk
from sms_core_smsgo.sandbox.sends import Sends

METHODS = ("GET", "POST")
"""What clients send with; what the vendor says to other methods is a guess."""


def face(exchange: Exchange) -> Face:
    """Smsgo over this exchange: the entry point."""
    sends = Sends()
    # What stands after /sms_gw/, in lower case.
    pages = {
        "sendsms.aspx": sends.send_sms,
        "query.asp": query,
        "query.aspx": query,
        "querybulk.asp": query_bulk,
        "querybulk.aspx": query_bulk,
        "query_point.asp": points,
        "query_point.aspx": points,
        "sendsms_cancel.asp": cancel,
        "sendsms_cancel.aspx": cancel,
    }

    def answer(call: Call) -> Response:
        _, found, name = call.path.lower().rpartition("/sms_gw/")
        page = pages.get(name)
        if not found or page is None:
            return not_found()
        if call.method not in METHODS:
            return method_not_allowed(*METHODS)
        form = rtype_of(call)
        try:
            return page(read_call(call)).response(form)
        except Refusal as refusal:
            return refused(refusal).response(form)

    return Face(
        asgi_app(exchange, "smsgo", answer),
        push=push,
        acknowledged=acknowledged,
        retries=PUSH_RETRIES,
        operations=tuple(f"/sms_gw/{name}" for name in pages),
    )
