"""The web part, with Flask: it queues texts to send, and keeps what the vendor pushes for the worker.

::

    gunicorn --workers 2 web:app
"""

from __future__ import annotations

import os
from hmac import compare_digest
from typing import Any
from uuid import uuid4

from flask import Blueprint, Flask, abort, request
from tasks import handle, jobs, ledger, send, sms

import sms_core
from sms_core.webhooks import Event, Receiver
from sms_core.webhooks.flask import blueprint

TOKEN = os.environ["APP_TOKEN"]


def take(event: Event) -> None:
    """Keep the event, and queue its task. If the broker is down the vendor hears a 500, and pushes again."""
    handle.delay(jobs.put(event))


# The receiver's own store may forget: whatever `take` does can be done twice.
receiver = Receiver({sms.info.name: sms}, take, secrets=os.environ.get("SMS_WEBHOOK_SECRET", ""))
ours = Blueprint("ours", __name__)


@ours.before_request
def require_token() -> None:
    """Let in whoever shows the token: a send costs, and the numbers are nobody else's business."""
    shown = request.authorization.token if request.authorization else None
    if not compare_digest((shown or "").encode(), TOKEN.encode()):
        abort(401)


@ours.post("/messages")
def post() -> tuple[dict[str, Any], int]:
    """Queue a text to send: ``{"text": "…", "to": ["0900000001"]}``."""
    asked = request.get_json()
    try:
        message = sms_core.Message(asked["text"], asked["to"], reference=uuid4().hex)
        sms.preview(message)
    except (KeyError, TypeError, sms_core.InvalidMessage) as error:
        return {"error": str(error)}, 400
    send.delay(jobs.put(message))
    return {"reference": message.reference}, 202


@ours.get("/messages")
def messages() -> list[dict[str, Any]]:
    """Every message with its status."""
    return ledger.messages()


@ours.get("/replies")
def replies() -> list[dict[str, Any]]:
    """What recipients wrote back."""
    return ledger.replies()


app = Flask(__name__)
app.register_blueprint(ours)
app.register_blueprint(blueprint(receiver), url_prefix="/sms")
