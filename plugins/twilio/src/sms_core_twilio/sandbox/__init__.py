"""Twilio's side of its API 2010-04-01, for `sms_core_sandbox`: what the vendor answers, from the vendor's documents.

It shares nothing with this package's provider, so that each proves something about the other. The user is the
AccountSid, the password its AuthToken. Where the documents are silent, a comment says what was made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sms_core.testing import Exchange
from sms_core_sandbox import Face
from sms_core_twilio.sandbox.calls import Call, Refusal, read_call
from sms_core_twilio.sandbox.pushes import MOST_RETRIES, Pushes, acknowledged
from sms_core_twilio.sandbox.queries import balance, fetch, listing
from sms_core_twilio.sandbox.resources import Kept
from sms_core_twilio.sandbox.sends import cancel, create

SERVICE = "MG" + "0" * 32
"""A Messaging Service of the sandbox's account: without one Twilio books nothing."""

_ROUTES: tuple[tuple[str, re.Pattern[str], Callable[[Call], Response]], ...] = (
    ("POST", re.compile(r"/Messages\.json"), create),
    ("GET", re.compile(r"/Messages\.json"), listing),
    ("GET", re.compile(r"/Messages/(?P<sid>[^/]+)\.json"), fetch),
    ("POST", re.compile(r"/Messages/(?P<sid>[^/]+)\.json"), cancel),
    ("GET", re.compile(r"/Balance\.json"), balance),
)
"""Method, what follows the account in the path, and what answers."""
_ACCOUNT = re.compile(r"/2010-04-01/Accounts/([^/]+)(/.*)")


def face(exchange: Exchange) -> Face:
    """Twilio over this exchange: the entry point."""
    kept: dict[str, Kept] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        body = await request.body()
        try:
            response = _answer(exchange, kept, request, path, body)
        except Refusal as refusal:
            response = JSONResponse(refusal.body(), refusal.status)
        await response(scope, receive, send)

    pushes = Pushes(exchange, kept)
    return Face(
        app,
        push=pushes.push,
        acknowledged=acknowledged,
        retries=MOST_RETRIES,
        options={"messaging_service": SERVICE},
        callback_option="callback_url",
    )


def _answer(exchange: Exchange, kept: dict[str, Kept], request: HttpRequest, path: str, body: bytes) -> Response:
    below = _ACCOUNT.fullmatch(path)
    for method, pattern, handle in _ROUTES if below else ():
        assert below is not None
        found = pattern.fullmatch(below[2])
        if found and method == request.method:
            return handle(read_call(exchange, kept, request, body, below[1], found.groupdict().get("sid", "")))
    raise Refusal(404, 20404, "The requested resource was not found")
