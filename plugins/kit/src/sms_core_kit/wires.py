"""What a file of recordings says of the wire: requests, answers and pushes, with sugar that stays byte-exact."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

from attrs import field, frozen

from sms_core.callbacks import CallbackRequest, CallbackResponse
from sms_core.errors import TransportError
from sms_core.http import Request, Response, lower_names

FORM_TYPE = "application/x-www-form-urlencoded"

FAILURES = {
    "before": TransportError("no byte of the request left this machine", sent=False),
    "after": TransportError("the connection was cut before an answer", sent=True),
    "silent": TransportError("the peer was silent for too long", sent=True, timed_out=True),
}
"""What ``answer = { fails = "…" }`` stands for."""


@frozen
class Content:
    """A body: ``body`` as text in ``charset``, or ``body_base64`` where it is no text."""

    headers: dict[str, str] = field(factory=dict, converter=lower_names)
    body: str = ""
    body_base64: str = ""
    charset: str = "utf-8"

    def __attrs_post_init__(self) -> None:
        if self.body and self.body_base64:
            raise ValueError("body and body_base64 are two of one thing")
        self.content()

    def content(self) -> bytes:
        """The bytes. Raises `ValueError` for what the charset or base64 does not have."""
        if self.body_base64:
            return base64.b64decode(self.body_base64, validate=True)
        return self.body.encode(self.charset)


@frozen
class Sent(Content):
    """A request's fields: ``query`` as a table or as it stands, ``form`` as a table instead of a body."""

    query: dict[str, str] | str = ""
    form: dict[str, str] | None = None

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.form is not None and (self.body or self.body_base64):
            raise ValueError("form and body are two of one thing")

    def content(self) -> bytes:
        """The bytes of the body."""
        return super().content() if self.form is None else self.encoded(self.form).encode("ascii")

    def encoded(self, fields: Mapping[str, str] | str) -> str:
        """Fields percent-encoded in the charset, in their order, a blank as ``+``."""
        return fields if isinstance(fields, str) else urlencode(fields, encoding=self.charset)

    def typed_headers(self, form_type: str) -> dict[str, str]:
        """The headers; with a form, the content type that goes with one unless it is named."""
        return {**({} if self.form is None else {"content-type": form_type}), **self.headers}


@frozen(kw_only=True)
class WireRequest(Sent):
    """A request that the provider must make, byte for byte. ``query`` is appended to ``url``."""

    method: str = "POST"
    url: str

    def request(self) -> Request:
        """The request itself."""
        query = self.encoded(self.query)
        url = f"{self.url}?{query}" if query else self.url
        return Request(self.method, url, self.typed_headers(f"{FORM_TYPE}; charset=utf-8"), self.content())


@frozen(kw_only=True)
class WireAnswer(Content):
    """What was recorded as the answer; or, with ``fails``, that none came: see `FAILURES`."""

    status: int = 200
    fails: Literal["", "before", "after", "silent"] = ""

    def answer(self) -> Response | TransportError:
        """The answer, or the failure."""
        return FAILURES[self.fails] if self.fails else Response(self.status, self.headers, self.content())


@frozen
class Wire:
    """One request and its answer."""

    request: WireRequest
    answer: WireAnswer


@frozen(kw_only=True)
class PushRequest(Sent):
    """A request that the vendor makes."""

    method: str = "POST"
    path: str = "/"

    def request(self) -> CallbackRequest:
        """The push itself."""
        headers = self.typed_headers(FORM_TYPE)
        return CallbackRequest(self.method, self.path, self.encoded(self.query), headers, self.content())


@frozen(kw_only=True)
class PushResponse(Content):
    """What the vendor waits for. Headers that are not named may be as they like."""

    status: int = 200

    def differences(self, response: CallbackResponse) -> list[str]:
        """What the provider's response has otherwise, in words."""
        found = {name.lower(): value for name, value in response.headers.items()}
        pairs = [("status", self.status, response.status), ("body", self.content(), response.body)]
        pairs += [(f"headers.{name}", value, found.get(name)) for name, value in self.headers.items()]
        return [f"response.{name}: recorded {wanted!r}, got {got!r}" for name, wanted, got in pairs if wanted != got]
