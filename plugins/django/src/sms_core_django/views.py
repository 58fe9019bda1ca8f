"""The view behind a webhook: Django's request to the core's receiver, and its answer back."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from sms_core import CallbackRefused, CallbackRequest, CallbackResponse
from sms_core.webhooks import BODY_LIMIT
from sms_core.webhooks.bodies import DRAINED, ascii_query
from sms_core.webhooks.handling import Body
from sms_core_django import webhooks

_CHUNK = 65536


@csrf_exempt
@transaction.non_atomic_requests  # each event has a transaction of its own
def receive(request: HttpRequest, rest: str) -> HttpResponse:
    """Take what a vendor pushed to ``<alias>/<secret>``, and give the answer that it waits for."""
    head = _head(request, rest)
    try:
        answer = webhooks.receiver_for(head.path).receive(head, partial(_read, request))
    except Exception:  # noqa: BLE001 - Django itself would log the path, and with it the secret
        webhooks.log.exception("a push could not be taken; 500")
        answer = CallbackResponse(500)
    _drain(request)
    headers = {"content-type": "text/plain; charset=utf-8", **answer.headers}
    response = HttpResponse(answer.body, status=answer.status, headers=headers)
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


receive.login_required = False  # type: ignore[attr-defined]  # what Django's login_not_required does since 5.1


def _head(request: HttpRequest, rest: str) -> CallbackRequest:
    return CallbackRequest(
        method=request.method or "",
        path=f"/{rest}",
        query=ascii_query(request.META.get("QUERY_STRING", "").encode("latin-1" if _is_wsgi(request) else "utf-8")),
        headers=request.headers,
        remote_addr=request.META.get("REMOTE_ADDR", ""),
    )


def _read(request: HttpRequest) -> Body:
    """The body, read past ``request.body``, whose limits are those of forms and whose refusal is a page of HTML."""
    if _is_wsgi(request) and "Transfer-Encoding" in request.headers:
        return CallbackRefused("Django reads no body without a length over WSGI", 411)
    try:
        body: bytes = request.read(BODY_LIMIT + 1)
    except UnreadablePostError:
        return CallbackRefused("the body ended early")
    if len(body) < min(int(request.headers.get("Content-Length") or 0), BODY_LIMIT):
        return CallbackRefused("the body ended early")
    return body


def _drain(request: HttpRequest) -> None:
    """Read what is left and forget it: an answer before the end of the body is lost in many a connection's reset."""
    left = DRAINED
    try:
        while left > 0:
            chunk = request.read(_CHUNK)
            if not chunk:
                break
            left -= len(chunk)
    except UnreadablePostError:
        webhooks.log.info("the caller is gone")


def _is_wsgi(request: HttpRequest) -> bool:
    return hasattr(request, "environ")
