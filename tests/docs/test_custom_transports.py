"""The custom transports of the page docs/async.md carry each request once, whatever the method: the HTTP libraries would not.

Fails where a later release of a library changes what the page relies on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sms_core import TransportError
from sms_core.http import Request, Response
from tests.support.scripted_server import Action, Connection, ScriptedServer, answer, close_after_reading

PAGE = Path(__file__).parents[2] / "docs" / "async.md"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
Serve = Callable[..., ScriptedServer]
Carry = Callable[[Request], Response]


def shown(library: str, end: str) -> dict[str, Any]:
    """What the fence for a library defines, up to where it begins to send."""
    fences = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (code,) = (fence for fence in fences if f"import {library}\n" in fence)
    names: dict[str, Any] = {}
    exec(code.partition(end)[0], names)
    return names


@contextmanager
def over_urllib3() -> Iterator[Carry]:
    names = shown("urllib3", "with sms_core.connect(")
    try:
        yield names["carry"]
    finally:
        names["pool"].clear()


@contextmanager
def over_aiohttp() -> Iterator[Carry]:
    names = shown("aiohttp", "async def main(")
    with asyncio.Runner() as runner:

        async def opened() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(middlewares=[names["once"]], timeout=aiohttp.ClientTimeout(total=10))

        session = runner.run(opened())
        carry: Callable[..., Awaitable[Response]] = names["carry"]
        yield lambda request: runner.run(carry(session, request))  # type: ignore[arg-type]
        runner.run(session.close())


@pytest.mark.parametrize("library", [over_urllib3, over_aiohttp])
@pytest.mark.parametrize("kept", [False, True], ids=["fresh", "kept"])
@pytest.mark.parametrize("end", [Connection.read_request, close_after_reading], ids=["closed", "reset"])
def test_a_request_without_an_answer_goes_out_once(
    serve: Serve, library: Callable[[], Any], kept: bool, end: Action
) -> None:
    script = [answer(b"first"), end] if kept else [end]
    server = serve(*[script for _ in METHODS], [answer(b"again")])
    with library() as carry:
        for method in METHODS:
            if kept:
                assert carry(Request("POST", f"{server.url}/")).body == b"first"
            with pytest.raises(TransportError) as caught:
                carry(Request(method, f"{server.url}/"))
            assert caught.value.sent is True, method
    expected = [name for method in METHODS for name in ([*["POST"] * kept, method])]
    assert [received.method for received in server.requests] == expected


@pytest.mark.parametrize("library", [over_urllib3, over_aiohttp])
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://127.0.0.1:1/", "http://vendor.invalid/"])
def test_what_surely_has_not_left_is_told_as_not_sent(library: Callable[[], Any], url: str) -> None:
    with library() as carry, pytest.raises(TransportError) as caught:
        carry(Request("GET", url))
    assert caught.value.sent is False
