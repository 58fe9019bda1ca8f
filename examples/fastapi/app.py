"""A FastAPI application that sends texts, takes what the vendor pushes, and keeps what became of every message.

::

    uvicorn --no-access-log app:app
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from ledger import Ledger
from pydantic import BaseModel

import sms_core
from sms_core.webhooks import Receiver
from sms_core.webhooks.fastapi import router

TOKEN = os.environ["APP_TOKEN"]

sms = sms_core.connect()  # from SMS_DSN
ledger = Ledger(os.environ.get("DATABASE", "messages.sqlite3"))
# A plain handler, since SQLite blocks: it runs in a thread, within the store's transaction, and never holds up the loop.
receiver = Receiver({sms.info.name: sms}, ledger.add, secrets=os.environ.get("SMS_WEBHOOK_SECRET", ""), store=ledger)


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
    """One client for the life of a worker."""
    with sms:
        yield


ours = APIRouter(dependencies=[Depends(require_token)])


@ours.post("/messages")
def send(asked: Asked) -> dict[str, Any]:
    """Send a text. A plain function, which FastAPI runs in a thread, as the client waits for the vendor."""
    reference = uuid4().hex
    try:
        message = sms_core.Message(asked.text, asked.to, reference=reference)
        preview = sms.preview(message)
    except sms_core.InvalidMessage as error:
        raise HTTPException(400, str(error)) from error
    ledger.begin(reference, preview)
    try:
        result = sms.send(message)
    except sms_core.SendError as error:  # its result tells what became of each recipient all the same
        result = error.result
    ledger.finish(reference, result)
    return {"reference": reference, "outcomes": {row.number: row.outcome.value for row in result.outcomes}}


@ours.get("/messages")
def messages() -> list[dict[str, Any]]:
    """Every message with its status."""
    return ledger.messages()


@ours.get("/replies")
def replies() -> list[dict[str, Any]]:
    """What recipients wrote back."""
    return ledger.replies()


app = FastAPI(title="Texts", lifespan=lifespan)
app.include_router(ours)
app.include_router(router(receiver), prefix="/sms")
