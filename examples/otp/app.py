"""A FastAPI application where people log in with their telephone number and a code.

::

    uvicorn app:app
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

import sms_core
from sms_core_policy import AsyncOneTimeCodes, LimitReached, StoreUnavailable, TicketState, Verdict
from sms_core_policy.stores import SqlStore

SENDER = os.environ.get("SMS_SENDER", "互動資通")


class Asked(BaseModel):
    """Who wants a code."""

    number: str


class Typed(BaseModel):
    """What a person typed."""

    number: str
    code: str


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncGenerator[None, None]:
    """One client and one store for the life of a worker; workers share the limits through the database."""
    store = SqlStore(os.environ.get("DATABASE_URL", "sqlite:///codes.sqlite3"))
    async with sms_core.connect_async() as sms:  # from SMS_DSN
        application.state.codes = AsyncOneTimeCodes(sms, store, key=os.environ["CODES_KEY"], sender=SENDER)
        yield
    store.close()


app = FastAPI(lifespan=lifespan)


@app.post("/codes")
async def start(asked: Asked, request: Request) -> dict[str, str]:
    """Send a code. Behind a proxy, let the server take the address from the header that the proxy sets."""
    address = request.client.host if request.client else ""
    try:
        ticket = await app.state.codes.start(asked.number, "login", ip=address)
    except LimitReached as error:
        raise HTTPException(429, "too many codes", {"Retry-After": f"{error.retry_after or 3600:.0f}"}) from error
    except sms_core.InvalidMessage as error:
        raise HTTPException(400, "no mobile number") from error
    except (sms_core.SmsError, StoreUnavailable) as error:
        raise HTTPException(503, "no code can be sent now: try again") from error
    # An unknown outcome is told like a sent one: the person waits, and may ask again.
    state = "wait" if ticket.state is TicketState.WAIT else "sent"
    return {"state": state, "ask_again_at": ticket.ask_again_at.isoformat()}


@app.post("/sessions")
async def check(typed: Typed) -> dict[str, str]:
    """Let in whoever typed the code. Make a session of your own here."""
    try:
        checked = await app.state.codes.check(typed.number, "login", typed.code)
    except sms_core.InvalidMessage as error:
        raise HTTPException(400, "no mobile number") from error
    except StoreUnavailable as error:
        raise HTTPException(503, "try again") from error
    if checked.verdict is not Verdict.RIGHT:
        raise HTTPException(401, {"verdict": checked.verdict.value, "tries_left": checked.tries_left})
    return {"number": typed.number}
