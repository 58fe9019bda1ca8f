"""SOAP by hand: calls taken apart and answers put together with the standard library, not with our own code."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from attrs import frozen

import sms_core
from sms_core import Client, SmsError
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport

SERVICE = "http://tempuri.org/"
ENVELOPES = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
CONTENT_TYPES = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}
KEY = "e9df35fce357589a8e78c44c3e2abcdd"
BATCH = "220478cc-8506-49b2-93b7-2505f651c12e"
NOW = datetime(2020, 1, 1, tzinfo=UTC)


@frozen
class Call:
    """One call: the operation, and its arguments in the order in which they came."""

    operation: str
    arguments: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        return dict(self.arguments)[name]


def call_of(request: Request, version: str = "1.1") -> Call:
    """The one call of an envelope of this version, every element in the namespace where it belongs."""
    envelope = ET.fromstring(request.body)
    assert envelope.tag == f"{{{ENVELOPES[version]}}}Envelope"
    (body,) = envelope
    assert body.tag == f"{{{ENVELOPES[version]}}}Body"
    (call,) = body
    assert all(argument.tag.startswith(f"{{{SERVICE}}}") and not len(argument) for argument in call)
    names = [argument.tag.removeprefix(f"{{{SERVICE}}}") for argument in call]
    return Call(
        call.tag.removeprefix(f"{{{SERVICE}}}"),
        tuple(zip(names, (argument.text or "" for argument in call), strict=True)),
    )


def operation_of(request: Request) -> str:
    """Which operation a request of whatever version calls."""
    return ET.fromstring(request.body)[0][0].tag.removeprefix(f"{{{SERVICE}}}")


def envelope(inner: str, version: str = "1.1", status: int = 200) -> Response:
    """An answer with this XML as its body, in ASMX's form."""
    text = (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{ENVELOPES[version]}">'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
    )
    return Response(status, {"Content-Type": CONTENT_TYPES[version]}, text.encode())


def result(operation: str, text: str, version: str = "1.1") -> Response:
    """The answer whose result is this text, escaped."""
    element = f"<{operation}Result>{escape(text)}</{operation}Result>"
    return envelope(f'<{operation}Response xmlns="{SERVICE}">{element}</{operation}Response>', version)


def fault(code: str, words: str = "Server was unable to process request.", version: str = "1.1") -> Response:
    """A fault with HTTP status 500, as ASMX makes it."""
    if version == "1.1":
        inner = f"<faultcode>{code}</faultcode><faultstring>{escape(words)}</faultstring><detail />"
    else:
        text = f'<soap:Text xml:lang="en">{escape(words)}</soap:Text>'
        inner = (
            f"<soap:Code><soap:Value>{code}</soap:Value></soap:Code><soap:Reason>{text}</soap:Reason><soap:Detail />"
        )
    return envelope(f"<soap:Fault>{inner}</soap:Fault>", version, 500)


def connection(key: str = KEY, code: str = "0", words: str = "取得連線成功。") -> str:
    """What getConnection says, as the live wire has it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<SMS>\r\n  <GET_CONNECTION>\r\n'
        f"    <CODE>{code}</CODE>\r\n    <SESSION_KEY>{key}</SESSION_KEY>\r\n"
        f"    <DESCRIPTION>{words}</DESCRIPTION>\r\n  </GET_CONNECTION>\r\n</SMS>"
    )


Answer = str | Response | SmsError
"""The text of a result, a whole answer, or an error that the transport raises."""


def vendor(answers: Mapping[str, Answer | Sequence[Answer]] | None = None, version: str = "1.1") -> FakeTransport:
    """A vendor with an answer for each operation, or several in turn, of which the last serves for ever."""
    every: dict[str, Any] = {"getConnection": connection(), **(answers or {})}
    turns: dict[str, Iterator[Answer]] = {name: _in_turn(listed) for name, listed in every.items()}

    def handler(request: Request) -> Response:
        operation = operation_of(request)
        answer = next(turns[operation])
        if isinstance(answer, SmsError):
            raise answer
        return result(operation, answer, version) if isinstance(answer, str) else answer

    return FakeTransport(handler)


def _in_turn(answers: Answer | Sequence[Answer]) -> Iterator[Answer]:
    listed = [answers] if isinstance(answers, str | Response | SmsError) else list(answers)
    return itertools.chain(listed, itertools.repeat(listed[-1]))


def client(transport: FakeTransport, clock: Callable[[], datetime] = lambda: NOW, **options: object) -> Client:
    """A client of this vendor, which does not really wait."""
    dsn = sms_core.dsn.build("every8d-soap", "Test", "XXX", **options)
    return sms_core.connect(dsn, transport=transport, clock=clock, sleep=lambda seconds: None)
