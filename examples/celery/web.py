"""The web part, with Flask: it stores texts to send, and takes the delivery reports that the vendor pushes.

::

    gunicorn --workers 2 web:app
"""

from __future__ import annotations

import os
from hmac import compare_digest
from typing import Any

from flask import Flask, abort, request
from tasks import DSN, jobs, outbox

import sms_core
from sms_core.webhooks import Receiver
from sms_core.webhooks.flask import blueprint
from sms_core_outbox import KeyConflict, Ticket, UnknownKey

TOKEN = os.environ["APP_TOKEN"]

receiver = Receiver({"main": DSN}, outbox.recorder("main"), secrets=os.environ["SMS_WEBHOOK_SECRET"])

app = Flask(__name__)
app.register_blueprint(blueprint(receiver), url_prefix="/sms")


def require_token() -> None:
    """Let in whoever shows the token: a send costs, and the numbers are nobody else's business."""
    shown = request.authorization.token if request.authorization else None
    if not compare_digest((shown or "").encode(), TOKEN.encode()):
        abort(401)


@app.post("/messages")
def put() -> tuple[dict[str, Any], int]:
    """Take a text to send, ``{"text": "…", "to": ["0900000001"]}``. Asked again under the same key, it is sent once."""
    require_token()
    asked = request.get_json()
    try:
        message = sms_core.Message(asked["text"], asked["to"])
        ticket = jobs.put(message, key=request.headers.get("Idempotency-Key", ""))
    except KeyConflict as error:
        return {"error": str(error)}, 409
    except (KeyError, TypeError, sms_core.InvalidMessage) as error:
        return {"error": str(error)}, 400
    return as_json(ticket), 202


@app.get("/messages/<path:key>")
def get(key: str) -> dict[str, Any]:
    """What became of it."""
    require_token()
    try:
        return as_json(outbox.get(key))
    except UnknownKey:
        abort(404)


@app.get("/health")
def health() -> tuple[dict[str, Any], int]:
    """What a person should look at: status 503, and what kind it is of."""
    alarms = sorted({alarm.kind for alarm in outbox.alarms()})
    return {"alarms": alarms}, 503 if alarms else 200


def as_json(ticket: Ticket) -> dict[str, Any]:
    """A ticket as the API shows it."""
    rows = []
    for row in ticket.rows:
        status = row.status.value if row.status else None  # as far as the vendor has reported
        rows.append({"number": row.number, "state": row.state.value, "status": status})
    return {"key": ticket.key, "rows": rows}
