"""Our own API, for those who show the token: a send costs, and the numbers are nobody else's business."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from hmac import compare_digest
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

import sms_core
from sms_core_django import get_client, send_sms
from texts.models import Message, Reply

View = Callable[[HttpRequest], HttpResponse]


def needs_token(view: View) -> View:
    """Let in whoever shows ``Authorization: Bearer <APP_TOKEN>``, which no other site's form can."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        shown = request.headers.get("Authorization", "")
        if not compare_digest(shown.encode(), f"Bearer {settings.APP_TOKEN}".encode()):
            return HttpResponse(status=401)
        return view(request)

    return csrf_exempt(guarded)


@needs_token
@transaction.non_atomic_requests  # what is about to be sent stays written down, whatever happens in the send
def messages(request: HttpRequest) -> HttpResponse:
    """Every message with its status; or by POST send a text: ``{"text": "…", "to": ["0900000001"]}``."""
    if request.method != "POST":
        return JsonResponse(Message.with_status(), safe=False)
    reference = uuid4().hex
    try:
        asked = json.loads(request.body)
        message = sms_core.Message(asked["text"], asked["to"], reference=reference)
        preview = get_client().preview(message)
    except (KeyError, TypeError, ValueError, sms_core.InvalidMessage) as error:
        return JsonResponse({"error": str(error)}, status=400)
    rows = {
        recipient.number: Message(reference=reference, number=recipient.number, text=recipient.text)
        for recipient in preview.recipients
    }
    Message.objects.bulk_create(rows.values())
    try:
        result = send_sms(message)
    except sms_core.SendError as error:  # its result tells what became of each recipient all the same
        result = error.result
    for found in result.outcomes:
        row = rows[found.number]
        row.outcome = found.outcome.value
        row.batch_id = found.batch_id or ""
    Message.objects.bulk_update(rows.values(), ["outcome", "batch_id"])
    return JsonResponse({"reference": reference, "outcomes": {number: row.outcome for number, row in rows.items()}})


@needs_token
def replies(_: HttpRequest) -> HttpResponse:
    """What recipients wrote back."""
    return JsonResponse(list(Reply.objects.values("batch_id", "number", "text")), safe=False)
