"""Supabase's "send SMS" hook: its request in, a text through any vendor out.

::

    uvicorn app:app

Supabase signs each request by Standard Webhooks (https://www.standardwebhooks.com). It repeats one that it heard no answer
to, with the same body and an id of its own (supabase/auth, hookshttp.go), so the text goes out once for each id and once
for each body.
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
from sms_core_policy import LimitReached, Rate, Store, StoreUnavailable, Window
from sms_core_policy.stores import SqlStore

SENDER = os.environ.get("SMS_SENDER", "互動資通")
TEXT = "【{sender}】您的驗證碼是 {code}，請勿告訴他人"
TOLERANCE = 300
"""Seconds that a request may be old, or from a clock that is ahead."""
LARGEST = 64 * 1024
REMEMBERED = timedelta(days=1)
SEEN = "seen"


def keys_of(secrets: str) -> list[bytes]:
    """The keys of Supabase's ``v1,whsec_…``; several, while one is replaced, are parted by ``|``."""
    return [base64.b64decode(secret.removeprefix("v1,").removeprefix("whsec_")) for secret in secrets.split("|")]


def is_signed(keys: list[bytes], headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether one of the keys signed this, a short time ago."""
    stamp = headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12 or abs(now - int(stamp)) > TOLERANCE:  # noqa: PLR2004
        return False
    name = headers.get("webhook-id", "")
    if not name:
        return False
    signed = f"{name}.{stamp}.".encode() + body
    # The standard parts signatures by a blank, Supabase by a comma and a blank.
    parts = [part.removesuffix(",") for part in headers.get("webhook-signature", "").split()]
    shown = [part.removeprefix("v1,") for part in parts if part.startswith("v1,")]
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
    names = [f"supabase:{request.headers['webhook-id'][:150]}", f"supabase:{hashlib.sha256(body).hexdigest()}"]
    try:
        return await once(names, number, code)
    except StoreUnavailable:
        return refused(503, "the text was not sent: nobody knows whether it was before")


async def once(names: list[str], number: str, code: str) -> JSONResponse:
    """Send it, unless one of these names was seen. What surely was not sent may come again."""
    for name in names:
        if not await swap(name, None, SEEN):
            return JSONResponse({})  # a second text is worse than none, and the person may ask for another code
    try:
        await app.state.sms.send(TEXT.format(sender=SENDER, code=code), to=number)
    except sms_core.OutcomeUnknown:
        return JSONResponse({})
    except sms_core.SmsError as error:
        for name in names:
            await swap(name, SEEN, None)
        return refused(status_of(error), f"the text was not sent: {type(error).__name__}")
    return JSONResponse({})


async def swap(name: str, old: str | None, new: str | None) -> bool:
    """Change what the store has under this name, if it is ``old``. Raises `StoreUnavailable`."""
    store: Store = app.state.store
    now = datetime.now(UTC)
    return await anyio.to_thread.run_sync(store.swap, name, old, new, now + REMEMBERED, now)


def status_of(error: sms_core.SmsError) -> int:
    """Supabase tells the person that it failed; after a 503 it asks again first (see `refused`)."""
    if isinstance(error, LimitReached):
        return 429
    return 503 if error.retry else 500


def refused(status: int, message: str) -> JSONResponse:
    """An error as Supabase reads it. It asks again, at once and twice, only if the answer has a ``retry-after``."""
    error: dict[str, Any] = {"http_code": status, "message": message}
    headers = {"retry-after": "1"} if status == 503 else {}  # noqa: PLR2004 - a limit is not over in a second
    return JSONResponse({"error": error}, status, headers)
