"""A Flask application that sends texts, takes what the vendor pushes, and keeps what became of every message.

::

    gunicorn --workers 2 app:app
"""

from __future__ import annotations

import os
from hmac import compare_digest
from typing import Any
from uuid import uuid4

from flask import Blueprint, Flask, abort, request
from ledger import Ledger

import sms_core
from sms_core.webhooks import Receiver
from sms_core.webhooks.flask import blueprint

TOKEN = os.environ["APP_TOKEN"]

# From SMS_DSN. It opens no connection before the first send, so each worker that is forked later has its own.
sms = sms_core.connect()
ledger = Ledger(os.environ.get("DATABASE", "messages.sqlite3"))
receiver = Receiver({sms.info.name: sms}, ledger.add, secrets=os.environ.get("SMS_WEBHOOK_SECRET", ""), store=ledger)
ours = Blueprint("ours", __name__)


@ours.before_request
def require_token() -> None:
    """Let in whoever shows the token: a send costs, and the numbers are nobody else's business."""
    shown = request.authorization.token if request.authorization else None
    if not compare_digest((shown or "").encode(), TOKEN.encode()):
        abort(401)


@ours.post("/messages")
def send() -> tuple[dict[str, Any], int]:
    """Send a text: ``{"text": "…", "to": ["0900000001"]}``."""
    asked = request.get_json()
    reference = uuid4().hex
    try:
        message = sms_core.Message(asked["text"], asked["to"], reference=reference)
        preview = sms.preview(message)
    except (KeyError, TypeError, sms_core.InvalidMessage) as error:
        return {"error": str(error)}, 400
    ledger.begin(reference, preview)
    try:
        result = sms.send(message)
    except sms_core.SendError as error:  # its result tells what became of each recipient all the same
        result = error.result
    ledger.finish(reference, result)
    return {"reference": reference, "outcomes": {row.number: row.outcome.value for row in result.outcomes}}, 200


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
