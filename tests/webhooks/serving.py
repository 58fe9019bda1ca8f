"""The adapters of a receiver on real sockets, what vendors push, and who pushes it."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import fastapi
import flask
import uvicorn
from attrs import field, frozen
from starlette.applications import Starlette
from werkzeug.serving import WSGIRequestHandler as WerkzeugHandler
from werkzeug.serving import make_server as make_werkzeug_server

from sms_core.webhooks import Event, Handler, Receiver
from sms_core.webhooks import fastapi as for_fastapi
from sms_core.webhooks.flask import blueprint
from sms_core.webhooks.starlette import router

SECRET = "a-secret-of-the-tests-alone-0123456789"
PATIENCE = 10.0
"""Seconds after which a test gives up."""
DSNS = {
    "every8d": "every8d://user:password@",
    "mitake": "mitake://user:password@",
    "smsgo": "smsgo://user:password@",
    "sms-get": "sms-get://user:password@?code=03",
    # Its own address is not the one that the vendor signs, as behind a proxy.
    "twilio": f"twilio://AC1:12345@?callback_url=https%3A%2F%2Fexample.com%2Fsms%2F{SECRET}",
}


@frozen
class Push:
    """What a vendor sends, and the answer that it documents."""

    name: str
    method: str
    fields: Mapping[str, str]
    number: str
    content_type: str
    acknowledgement: bytes
    headers: Mapping[str, str] = field(factory=dict)

    def send(self, base: str, secret: str = SECRET) -> Answer:
        """Push to the receiver at this base."""
        encoded, form = urlencode(self.fields), {"Content-Type": "application/x-www-form-urlencoded", **self.headers}
        if self.method == "POST":
            return call(f"{base}/{self.name}/{secret}", "POST", encoded.encode(), form)
        return call(f"{base}/{self.name}/{secret}?{encoded}")


EVERY8D = Push(
    "every8d",
    "GET",
    {
        "BatchID": "c496f706-9b0f-4ff8-9644-9503edbb7064",
        "RM": "+886900000001",
        "RT": "20211216160906",
        "STATUS": "100",
        "SM": "",
        "ST": "20211216160900",
        "MR": "order-17",
        "SUBJECT": "主旨",
        "NAME": "小明",
        "SOURCE": "API",
        "CHARGE": "1.00",
        "TYPE": "SMS",
        "MSGID": "",
    },
    "+886900000001",
    "text/plain; charset=utf-8",
    b"OK",
)
MITAKE = Push(
    "mitake",
    "GET",
    {
        "msgid": "8091234567",
        "dstaddr": "0900000001",
        "dlvtime": "20060810125612",
        "donetime": "20060810165612",
        "statusstr": "DELIVRD",
        "statuscode": "0",
        "StatusFlag": "4",
    },
    "+886900000001",
    "text/plain",
    b"magicid=sms_gateway_rpack\nmsgid=8091234567\n",
)
SMSGO = Push(
    "smsgo",
    "GET",
    {"msgid": "100101121234567", "statusstr": "DELIVRD", "statuscode": "0", "dstaddr": "0900000001"},
    "+886900000001",
    "text/plain",
    b"magicid=tccrd_sms_gateway_rpack\nmsgid=100101121234567\n",
)
SMSGET = Push(
    "sms-get",
    "POST",
    {"sms_id": "1783822", "content": "0900000001|59c4e123|2013-01-01 21:08:07|DELIVRD"},
    "+886900000001",
    "text/plain; charset=utf-8",
    b"ok",
)
TWO_REPORTS = Push(
    "sms-get",
    "POST",
    {
        "sms_id": "1783823",
        "content": "0900000001|a|2013-01-01 21:08:07|DELIVRD,0900000002|b|2013-01-01 21:08:09|EXPIRED",
    },
    "+886900000001",
    "text/plain; charset=utf-8",
    b"ok",
)
REPLY = Push(
    "sms-get",
    "POST",
    {"content": "0900000001|59c4e123|2013-01-01 21:08:07|03%E9%9B%99%E5%90%91%E7%B0%A1%E8%A8%8A%E5%9B%9E%E5%82%B3"},
    "+886900000001",
    "text/plain; charset=utf-8",
    b"ok",
)


TWILIO = Push(
    "twilio",
    "POST",
    {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+886900000001"},
    "+886900000001",
    "text/xml; charset=utf-8",
    b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>',
    {"X-Twilio-Signature": "QISIljpvc0h/TH9cA3Q+HJIuFVI="},
)


@frozen
class Answer:
    """What came back. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def call(
    url: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None, *, chunked: bool = False
) -> Answer:
    """One request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        connection.request(
            method,
            parts.path + (f"?{parts.query}" if parts.query else ""),
            body,
            dict(headers or {}),
            encode_chunked=chunked,
        )
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


@frozen
class Calls:
    """A handler that keeps what it gets. It raises each of ``errors`` once, before it begins to work."""

    events: list[Event] = field(factory=list)
    handled: list[Event] = field(factory=list)
    errors: list[Exception] = field(factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if self.errors:
            raise self.errors.pop(0)
        self.handled.append(event)


def receiver(handler: Handler, **options: Any) -> Receiver:
    """A receiver of every vendor."""
    return Receiver(DSNS, handler, **{"secrets": SECRET, **options})


def until(condition: Callable[[], object]) -> None:
    """Return when the condition holds; fail if it does not for too long."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing of it belongs into the tests' output."""


@contextmanager
def _running(server: Any, port: int) -> Generator[str, None, None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def over_wsgi(made: Receiver) -> Generator[str, None, None]:
    """The WSGI adapter under wsgiref; gives its base URL."""
    server = make_server("127.0.0.1", 0, made.wsgi, _Server, _Quiet)
    with _running(server, server.server_port) as base:
        yield base


@contextmanager
def uvicorn_of(app: Any, **options: Any) -> Generator[str, None, None]:
    """An ASGI app under uvicorn; gives its base URL."""
    config = uvicorn.Config(
        app, port=0, http="h11", loop="asyncio", lifespan="on", log_config=None, access_log=False, **options
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def over_asgi(made: Receiver) -> Generator[str, None, None]:
    """The ASGI adapter under uvicorn; gives its base URL."""
    with uvicorn_of(made.asgi) as base:
        yield base


class _QuietWerkzeug(WerkzeugHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing of it belongs into the tests' output."""


@contextmanager
def over_flask(made: Receiver) -> Generator[str, None, None]:
    """The blueprint below ``/hooks/sms`` under werkzeug; gives its base URL."""
    app = flask.Flask(__name__)
    app.register_blueprint(blueprint(made), url_prefix="/hooks/sms")
    server = make_werkzeug_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietWerkzeug)
    with _running(server, server.server_port) as base:
        yield f"{base}/hooks/sms"


@contextmanager
def over_starlette(made: Receiver) -> Generator[str, None, None]:
    """The router mounted below ``/hooks/sms`` under uvicorn; gives its base URL."""
    app = Starlette()
    app.mount("/hooks/sms", router(made))
    with uvicorn_of(app) as base:
        yield f"{base}/hooks/sms"


@contextmanager
def over_fastapi(made: Receiver) -> Generator[str, None, None]:
    """The router included below ``/hooks/sms`` by way of a router of the application's own; gives its base URL."""
    hooks, app = fastapi.APIRouter(), fastapi.FastAPI()
    hooks.include_router(for_fastapi.router(made), prefix="/sms")
    app.include_router(hooks, prefix="/hooks")
    assert app.openapi()["paths"] == {}
    with uvicorn_of(app) as base:
        yield f"{base}/hooks/sms"


Adapter = Callable[[Receiver], AbstractContextManager[str]]

ADAPTERS: dict[str, Adapter] = {
    "wsgi": over_wsgi,
    "asgi": over_asgi,
    "flask": over_flask,
    "starlette": over_starlette,
    "fastapi": over_fastapi,
}
