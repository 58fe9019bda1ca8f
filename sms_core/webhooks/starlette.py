"""A receiver as a router of Starlette."""

from __future__ import annotations

from attrs import frozen
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from sms_core.webhooks.asgi import AsgiApp
from sms_core.webhooks.receiver import Receiver


@frozen
class _Endpoint:
    app: AsgiApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rest = {"path": f"/{scope['path_params']['rest']}", "root_path": ""}
        await self.app({**scope, **rest}, receive, send)


def router(receiver: Receiver) -> Router:
    """A router to mount: after ``app.mount("/sms", …)`` pushes come to ``/sms/<name>/<secret>``."""
    return Router([Route("/{rest:path}", _Endpoint(receiver.asgi))])
