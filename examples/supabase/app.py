"""Supabase's "send SMS" hook: its request in, a text through any vendor out.

::

    uvicorn app:app

Supabase signs each request by Standard Webhooks (https://www.standardwebhooks.com) and may send one several times; the
text goes out once for each of its ids.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

import sms_core
from sms_core_policy import LimitReached, Rate, Store, Window
from sms_core_policy.stores import SqlStore

SENDER = os.environ.get("SMS_SENDER", "互動資通")
TEXT = "【{sender}】您的驗證碼是 {code}，請勿告訴他人"
TOLERANCE = 300
"""Seconds that a request may be old, or from a clock that is ahead."""
LARGEST = 64 * 1024
REMEMBERED = timedelta(days=1)
SENDING, SENT = "sending", "sent"


def keys_of(secrets: str) -> list[bytes]:
    """The keys of Supabase's ``v1,whsec_…``; several, while one is replaced, are parted by ``|``."""
    return [base64.b64decode(secret.removeprefix("v1,").removeprefix("whsec_")) for secret in secrets.split("|")]


def is_signed(keys: list[bytes], headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether one of the keys signed this, a short time ago."""
    stamp = headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12 or abs(now - int(stamp)) > TOLERANCE:  # noqa: PLR2004
        return False
    signed = f"{headers.get('webhook-id', '')}.{stamp}.".encode() + body
    shown = [
        part.removeprefix("v1,") for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")
    ]
    for key in keys:
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        if any(hmac.compare_digest(expected, signature.encode()) for signature in shown):
            return True
    return False


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncGenerator[None, None]:
    """One client and one store for the life of a worker; workers share ids and limits through the database."""
    store = SqlStore(os.environ.get("DATABASE_URL", "sqlite:///supabase.sqlite3"))
    rate = Rate(store, Window(5, timedelta(hours=1)), Window(100, timedelta(minutes=10), "prefix", digits=7))
    async with sms_core.connect_async(plugins=[rate]) as sms:  # from SMS_DSN
        application.state.sms, application.state.store = sms, store
        application.state.keys = keys_of(os.environ["SEND_SMS_HOOK_SECRET"])
        yield
    store.close()


app = FastAPI(lifespan=lifespan)


@app.post("/hooks/send-sms")
async def send_sms(request: Request) -> JSONResponse:
    """Send the code that Supabase made. Its answer is 200 and ``{}``, or ``{"error": …}``."""
    body = await request.body()
    if len(body) > LARGEST or not is_signed(app.state.keys, request.headers, body, time.time()):
        return refused(401, "not signed by Supabase")
    try:
        asked = json.loads(body)
        number, code = f"+{str(asked['user']['phone']).lstrip('+')}", str(asked["sms"]["otp"])
    except (ValueError, KeyError, TypeError):
        return refused(400, "no request of the send-SMS hook")
    return await once(f"supabase:{request.headers['webhook-id'][:150]}", number, code)


async def once(name: str, number: str, code: str) -> JSONResponse:
    """Send it, unless this id was sent or is under way. What surely was not sent may come again."""
    store: Store = app.state.store
    now = datetime.now(UTC)
    is_first = await anyio.to_thread.run_sync(store.swap, name, None, SENDING, now + REMEMBERED, now)
    if not is_first:
        return JSONResponse({})  # sent, or nobody knows: a second text is worse than none, and the person may ask again
    try:
        await app.state.sms.send(TEXT.format(sender=SENDER, code=code), to=number)
    except sms_core.OutcomeUnknown:
        return JSONResponse({})
    except sms_core.SmsError as error:
        await anyio.to_thread.run_sync(store.swap, name, SENDING, None, now + REMEMBERED, datetime.now(UTC))
        return refused(status_of(error), f"the text was not sent: {type(error).__name__}")
    await anyio.to_thread.run_sync(store.swap, name, SENDING, SENT, now + REMEMBERED, datetime.now(UTC))
    return JSONResponse({})


def status_of(error: sms_core.SmsError) -> int:
    """Supabase asks again after 429 and 503, three times within seconds, and after no other status."""
    if isinstance(error, LimitReached):
        return 429
    return 503 if error.retry else 500


def refused(status: int, message: str) -> JSONResponse:
    """An error as Supabase reads it."""
    error: dict[str, Any] = {"http_code": status, "message": message}
    return JSONResponse({"error": error}, status)
