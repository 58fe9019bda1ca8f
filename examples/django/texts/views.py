"""Our own API, for those who show the token: a send costs, and the numbers are nobody else's business."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from hmac import compare_digest
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

import sms_core
from sms_core_django import get_outbox, send_sms
from sms_core_outbox import KeyConflict, Ticket, UnknownKey

View = Callable[..., HttpResponse]


def needs_token(view: View) -> View:
    """Let in whoever shows ``Authorization: Bearer <APP_TOKEN>``, which no other site's form can."""

    @wraps(view)
    def guarded(request: HttpRequest, **path: str) -> HttpResponse:
        shown = request.headers.get("Authorization", "")
        if not compare_digest(shown.encode(), f"Bearer {settings.APP_TOKEN}".encode()):
            return HttpResponse(status=401)
        return view(request, **path)

    return csrf_exempt(guarded)


@needs_token
@require_POST
def put(request: HttpRequest) -> HttpResponse:
    """Take a text to send, ``{"text": "…", "to": ["0900000001"]}``. Asked again under the same key, it is sent once.

    Where an order causes it, do both in one ``transaction.atomic()``.
    """
    try:
        asked = json.loads(request.body)
        message = sms_core.Message(asked["text"], asked["to"])
        ticket = send_sms(message, key=request.headers.get("Idempotency-Key", ""))
    except KeyConflict as error:
        return JsonResponse({"error": str(error)}, status=409)
    except (KeyError, TypeError, ValueError, sms_core.InvalidMessage) as error:
        return JsonResponse({"error": str(error)}, status=400)
    return JsonResponse(as_json(ticket), status=202)


@needs_token
@require_GET
def get(_: HttpRequest, key: str) -> HttpResponse:
    """What became of it."""
    try:
        return JsonResponse(as_json(get_outbox().get(key, account="default")))
    except UnknownKey as error:
        return JsonResponse({"error": str(error)}, status=404)


def as_json(ticket: Ticket) -> dict[str, Any]:
    """A ticket as the API shows it."""
    rows = []
    for row in ticket.rows:
        status = row.status.value if row.status else None  # as far as the vendor has reported
        rows.append({"number": row.number, "state": row.state.value, "status": status})
    return {"key": ticket.key, "rows": rows}
