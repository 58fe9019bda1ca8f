"""A FastAPI application that sends texts through an outbox, and takes the delivery reports that the vendor pushes.

::

    uvicorn --no-access-log app:app
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

import sms_core
from sms_core.webhooks import Receiver
from sms_core.webhooks.fastapi import router
from sms_core_outbox import AsyncOutbox, KeyConflict, Ticket, UnknownKey

DSN = os.environ["SMS_DSN"]
TOKEN = os.environ["APP_TOKEN"]

outbox = AsyncOutbox(os.environ.get("SMS_OUTBOX", "sqlite:///sms.db"), accounts={"main": DSN})
receiver = Receiver({"main": DSN}, outbox.recorder("main"), secrets=os.environ["SMS_WEBHOOK_SECRET"])


class Asked(BaseModel):
    """A text to send."""

    text: str
    to: list[str]


def require_token(shown: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> None:
    """Let in whoever shows the token: a send costs, and the numbers are nobody else's business."""
    if not compare_digest(shown.credentials.encode(), TOKEN.encode()):
        raise HTTPException(401)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
    """Send for as long as the server runs; at its end, what is under way is finished first."""
    async with outbox:
        await outbox.create()
        async with outbox.worker():
            yield


app = FastAPI(title="Texts", lifespan=lifespan)
ours = APIRouter(prefix="/messages", dependencies=[Depends(require_token)])


@ours.post("", status_code=202)
async def put(asked: Asked, idempotency_key: Annotated[str, Header()]) -> dict[str, Any]:
    """Take a text to send. Asked again under the same key, it is sent once."""
    try:
        ticket = await outbox.put(sms_core.Message(asked.text, asked.to), key=idempotency_key)
    except KeyConflict as error:
        raise HTTPException(409, str(error)) from error
    except sms_core.InvalidMessage as error:
        raise HTTPException(400, str(error)) from error
    return as_json(ticket)


@ours.get("/{key:path}")
async def get(key: str) -> dict[str, Any]:
    """What became of it."""
    try:
        return as_json(await outbox.get(key))
    except UnknownKey as error:
        raise HTTPException(404) from error


@app.get("/health")
async def health(response: Response) -> dict[str, Any]:
    """What a person should look at: status 503, and what kind it is of."""
    alarms = sorted({alarm.kind for alarm in await outbox.alarms()})
    response.status_code = 503 if alarms else 200
    return {"alarms": alarms}


def as_json(ticket: Ticket) -> dict[str, Any]:
    """A ticket as the API shows it."""
    rows = []
    for row in ticket.rows:
        status = row.status.value if row.status else None  # as far as the vendor has reported
        rows.append({"number": row.number, "state": row.state.value, "status": status})
    return {"key": ticket.key, "rows": rows}


app.include_router(ours)
app.include_router(router(receiver), prefix="/sms")
