"""A receiver as a router of FastAPI."""

from __future__ import annotations

from fastapi import APIRouter

from sms_core.webhooks import starlette
from sms_core.webhooks.receiver import Receiver


def router(receiver: Receiver) -> APIRouter:
    """A router to include: after ``app.include_router(router(…), prefix="/sms")`` pushes come to ``/sms/<name>/<secret>``.

    It can be mounted too. The OpenAPI page does not show it, since only the vendor is to call it.
    """
    made = APIRouter()
    made.routes.extend(starlette.router(receiver).routes)
    return made
