"""For authors of faces: one request to the vendor taken apart, and how the vendor says no.

::

    def _answer(call: Call) -> Response:
        call = call.with_fields(read_form(call.query) + read_body(call))
        try:
            account = call.exchange.login(call.text("user"), call.text("password"))
        except LoginRefused:
            return PlainTextResponse("ERR 5")
        return PlainTextResponse(f"OK {account.credit}")

    def face(exchange: Exchange) -> Face:
        return Face(asgi_app(exchange, "yourvendor", _answer))
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl

import attrs
from attrs import field, frozen
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sms_core.testing import Exchange, NoSuchBatch, StoredMessage

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")

Fields = ImmutableMultiDict[str, Any]
"""Fields by name, in their order. A form's values are text; a JSON object's may be anything."""


class Refusal(Exception):
    """The vendor says no: one of its codes ("" where it gives none), and the words that go with it.

    ``status`` is the HTTP status of the answer.
    """

    def __init__(self, code: str, words: str, status: int = 200) -> None:
        super().__init__(f"{status} {code} {words}")
        self.code = code
        self.words = words
        self.status = status


@frozen
class Call:
    """One request to a face, taken apart.

    ``face`` is the provider's name, ``path`` the path within the face, as it came, and ``url`` the whole address without
    its query. ``headers`` have names in lower case.
    ``fields`` are empty until the vendor's own `read_call` has read them from query and body, by `with_fields`;
    ``path_fields`` are those that a vendor has in its path.
    """

    exchange: Exchange = field(repr=False)
    face: str
    method: str = "GET"
    path: str = "/"
    query: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    fields: Fields = field(factory=Fields, repr=False)
    path_fields: Mapping[str, str] = field(factory=dict, repr=False)
    url: str = ""

    def with_fields(self, pairs: Iterable[tuple[str, Any]], *, lower_names: bool = False) -> Call:
        """The same call with these fields; ``lower_names`` is for a vendor that takes names in any case."""
        if lower_names:
            pairs = [(name.lower(), value) for name, value in pairs]
        return attrs.evolve(self, fields=Fields(pairs))

    def text(self, name: str) -> str:
        """A field's value as text, the last of several; "" where it is missing or null."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a field that comes several times, without the empty ones."""
        return tuple(value for value in self.fields.getlist(name) if value)

    def listed(self, name: str) -> list[str]:
        """The values of a field that separates them by commas, stripped, without the empty ones."""
        values = [value.strip() for value in self.text(name).split(",")]
        return [value for value in values if value]

    @property
    def bearer_token(self) -> str:
        """The token of ``Authorization: Bearer``; "" where there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def basic_credentials(self) -> tuple[str, str] | None:
        """User and password of ``Authorization: Basic``; None where there are none, or none that can be read."""
        scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:  # base64's own error, that of a text outside ASCII, that of bytes which are no UTF-8
            return None
        return user, password

    def fresh_id(self, ids: Iterable[str]) -> str:
        """The first of these batch ids that nothing has yet, as those have that a sandbox kept from an earlier run."""
        return next(batch_id for batch_id in ids if not self.exchange.has_batch(batch_id))

    def batch(self, user: str, batch_id: str) -> tuple[StoredMessage, ...]:
        """The messages of a batch as they stand; none for a batch that this user does not have."""
        try:
            return self.exchange.batch(user, batch_id)
        except NoSuchBatch:
            return ()


def read_form(*encoded: bytes, charset: str = "utf-8", errors: str = "strict") -> list[tuple[str, Any]]:
    """The fields of queries and forms, one after another, empty ones too.

    Bytes that should have been percent-encoded and are not (``curl -d 'MSG=中文'``) are read as if they were: servers do.
    ``errors`` is the one of `bytes.decode`; raises `ValueError` if it is "strict" and a value is not of the charset.
    """
    pairs: list[tuple[str, Any]] = []
    for part in encoded:
        text = _BEYOND_ASCII.sub(lambda found: b"%%%02X" % found[0][0], part).decode("ascii")
        pairs += parse_qsl(text, keep_blank_values=True, encoding=charset, errors=errors)
    return pairs


def read_body(call: Call, *, charset: str = "utf-8", errors: str = "strict") -> list[tuple[str, Any]]:
    """The fields of a request's body, a form or ``multipart/form-data``. Raises `ValueError` as `read_form` does."""
    content_type = call.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        return read_form(call.body, charset=charset, errors=errors)
    head = f"content-type: {content_type}\r\n\r\n".encode("latin-1")
    try:
        message = BytesParser().parsebytes(head + call.body)
    except RecursionError as error:
        raise ValueError("the body is nested too deeply") from error
    if not message.is_multipart():
        raise ValueError("the body has no parts")
    pairs: list[tuple[str, Any]] = []
    for part in message.walk():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            pairs.append((name, content.decode(charset, errors)))
    return pairs


def read_json(body: bytes) -> list[tuple[str, Any]]:
    """The fields of a JSON object. Raises `ValueError` for anything else."""
    try:
        value = json.loads(body)
    except RecursionError as error:
        raise ValueError("the body is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("the body is no JSON object")  # noqa: TRY004 - the caller's one error for what it cannot read
    return [*value.items()]


def asgi_app(exchange: Exchange, face: str, answer: Callable[[Call], Response]) -> ASGIApp:
    """The application of a `Face`: each request becomes a `Call` without fields, and gets what ``answer`` gives."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = Call(
            exchange=exchange,
            face=face,
            method=request.method,
            path=scope["path"].removeprefix(scope.get("root_path", "")),
            query=scope["query_string"],
            headers=request.headers,
            body=await request.body(),
            url=_address(request),
        )
        response = answer(call)
        await response(scope, receive, send)

    return app


def _address(request: Request) -> str:
    """The whole address of a request without its query; ``rooted`` are those at a face's own port or host name."""
    path = request.scope["path"]
    if request.scope.get("rooted"):
        path = path.removeprefix(request.scope.get("root_path", ""))
    return str(request.url.replace(path=path, query=""))


def method_not_allowed(*allowed: str) -> Response:
    """The page of a web server that has something at this path, for other methods."""
    page = "<html><body><h2>405 - HTTP verb used to access this page is not allowed.</h2></body></html>"
    return HTMLResponse(page, 405, headers={"allow": ", ".join(allowed)})


def not_found() -> Response:
    """The page of a web server that has nothing at this path."""
    return HTMLResponse("<html><body><h2>404 - File or directory not found.</h2></body></html>", 404)
