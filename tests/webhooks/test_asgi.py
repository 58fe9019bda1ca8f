"""What only an event loop can do, and what must not happen to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sms_core import CallbackRequest, ConfigurationError, InboundMessage
from sms_core.webhooks import Event, MemoryEvents, SqliteEvents
from sms_core.webhooks.events import EventStore
from tests.webhooks.serving import (
    EVERY8D,
    PATIENCE,
    SECRET,
    SMSGET,
    Calls,
    over_asgi,
    over_fastapi,
    over_starlette,
    receiver,
)

REQUEST = CallbackRequest("GET", f"/every8d/{SECRET}", urlencode(EVERY8D.fields))


class AsyncEvents:
    """`MemoryEvents` as a database with an async driver would be asked."""

    def __init__(self) -> None:
        self._events = MemoryEvents()

    @asynccontextmanager
    async def aclaim(self, key: str) -> AsyncGenerator[bool, None]:
        await asyncio.sleep(0)
        with self._events.claim(key) as is_new:
            yield is_new
        await asyncio.sleep(0)


@pytest.fixture(params=["memory", "sqlite", "async"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    stores = {"memory": MemoryEvents, "sqlite": lambda: SqliteEvents(tmp_path / "events.db"), "async": AsyncEvents}
    return stores[request.param]()


@pytest.mark.parametrize("kind", [MemoryEvents, AsyncEvents])
def test_an_async_handler_and_store_use_no_thread(kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise AssertionError(f"{thread} was started")

    handled = []

    async def handle(event: Event) -> None:
        handled.append(event.number)

    made = receiver(handle, store=kind())
    monkeypatch.setattr(threading.Thread, "start", start)

    async def push() -> int:
        return (await made.receive_async(REQUEST)).status

    assert asyncio.run(push()) == 200
    assert len(handled) == 1


def test_an_async_store_needs_an_event_loop() -> None:
    made = receiver(print, store=AsyncEvents())
    with pytest.raises(ConfigurationError, match="async store"):
        made.receive(REQUEST)
    with pytest.raises(ConfigurationError, match="async store"):
        _ = made.wsgi
    assert asyncio.run(made.receive_async(REQUEST)).status == 200


def test_an_async_handler_runs_in_the_loop_whatever_the_store(store: EventStore) -> None:
    loops = []

    async def handle(event: Event) -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())

    made = receiver(handle, store=store)

    async def twice() -> tuple[asyncio.AbstractEventLoop, list[int]]:
        answers = [(await made.receive_async(REQUEST)).status for _ in range(2)]
        return asyncio.get_running_loop(), answers

    loop, answers = asyncio.run(twice())
    assert answers == [200, 200]
    assert loops == [loop]


def test_an_async_handler_that_fails_is_asked_again(store: EventStore) -> None:
    errors, handled = [RuntimeError("not yet")], []

    async def handle(event: Event) -> None:
        if errors:
            raise errors.pop()
        handled.append(event)

    made = receiver(handle, store=store)

    async def thrice() -> list[int]:
        return [(await made.receive_async(REQUEST)).status for _ in range(3)]

    assert asyncio.run(thrice()) == [500, 200, 200]
    assert len(handled) == 1


@pytest.mark.parametrize("adapter", [over_asgi, over_starlette, over_fastapi])
def test_async_handlers_work_over_a_real_server(adapter: Any, store: EventStore) -> None:
    handled = []

    async def handle(event: Event) -> None:
        await asyncio.sleep(0)
        handled.append(event)

    with adapter(receiver(handle, store=store)) as base:
        assert [EVERY8D.send(base).status for _ in range(2)] == [200, 200]
    assert len(handled) == 1


def test_a_plain_handler_never_blocks_the_loop(store: EventStore) -> None:
    entered, leave = threading.Event(), threading.Event()

    def handle(event: Event) -> None:
        entered.set()
        assert leave.wait(PATIENCE)

    made = receiver(handle, store=store)

    async def ticking() -> int:
        under_way = asyncio.create_task(made.receive_async(REQUEST))
        assert await asyncio.to_thread(entered.wait, PATIENCE)
        # The loop is at work while the handler waits for it.
        leave.set()
        return (await under_way).status

    assert asyncio.run(ticking()) == 200


def test_a_cancelled_push_leaves_its_event_unhandled() -> None:
    handled: list[str] = []
    entered = asyncio.Event()

    async def handle(event: Event) -> None:
        if not handled:
            handled.append("broken off")
            entered.set()
            await asyncio.Event().wait()
        handled.append("done")

    made = receiver(handle)

    async def cancelled_and_again() -> int:
        under_way = asyncio.create_task(made.receive_async(REQUEST))
        await entered.wait()
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        return (await made.receive_async(REQUEST)).status

    assert asyncio.run(cancelled_and_again()) == 200
    assert handled == ["broken off", "done"]


def test_the_same_event_twice_at_a_time_is_handled_once_and_not_acknowledged_before_it_is() -> None:
    entered, handled = asyncio.Event(), []

    async def handle(event: Event) -> None:
        entered.set()
        await asyncio.sleep(0.01)
        handled.append(event)

    made = receiver(handle)

    async def both() -> list[Any]:
        first = asyncio.create_task(made.receive_async(REQUEST))
        await entered.wait()
        second = await made.receive_async(REQUEST)
        return [second, await first]

    second, first = asyncio.run(both())
    assert (second.status, second.headers["retry-after"], second.body) == (503, "5", b"")
    assert first.status == 200
    assert len(handled) == 1


async def asgi(app: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> list[MutableMapping[str, Any]]:
    """What an app sends to a server that has these messages for it."""
    incoming, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def http(path: str = f"/sms-get/{SECRET}", **more: Any) -> dict[str, Any]:
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    return {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers, **more}


def test_a_get_that_announces_no_body_is_answered_without_waiting_for_one() -> None:
    calls = Calls()
    scope = http(f"/every8d/{SECRET}", method="GET", query_string=urlencode(EVERY8D.fields).encode(), headers=[])
    sent = asyncio.run(asgi(receiver(calls).asgi, scope))
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"OK")
    assert len(calls.handled) == 1


@pytest.mark.parametrize("header", [(b"content-length", b"1"), (b"transfer-encoding", b"chunked")])
def test_the_body_that_a_get_announces_is_read(header: tuple[bytes, bytes]) -> None:
    scope = http(f"/every8d/{SECRET}", method="GET", query_string=urlencode(EVERY8D.fields).encode(), headers=[header])
    sent = asyncio.run(asgi(receiver(Calls()).asgi, scope, {"type": "http.disconnect"}))
    assert sent[0]["status"] == 400


def test_a_caller_that_hangs_up_in_its_body_pushed_nothing() -> None:
    calls = Calls()
    half = {"type": "http.request", "body": urlencode(SMSGET.fields).encode(), "more_body": True}
    sent = asyncio.run(asgi(receiver(calls).asgi, http(), half, {"type": "http.disconnect"}))
    assert sent[0]["status"] == 400
    assert calls.events == []


def test_a_body_comes_in_any_pieces() -> None:
    calls = Calls()
    body = urlencode(SMSGET.fields).encode()
    pieces = [{"type": "http.request", "body": body[n : n + 1], "more_body": True} for n in range(len(body))]
    sent = asyncio.run(asgi(receiver(calls).asgi, http(), *pieces, {"type": "http.request"}))
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"ok")
    assert len(calls.handled) == 1


def test_big5_that_nobody_encoded_reaches_the_provider() -> None:
    calls = Calls()
    query = b"BatchID=b&RM=0900000001&STATUS=999&SM=" + "好的".encode("big5")
    scope = http(f"/every8d/{SECRET}", query_string=query)
    asyncio.run(asgi(receiver(calls).asgi, scope, {"type": "http.request"}))
    (reply,) = calls.handled
    assert isinstance(reply, InboundMessage)
    assert reply.text == "好的"


def test_a_header_that_comes_twice_is_one_list() -> None:
    """A caller may send the header too; what the proxy adds stands behind it."""
    headers = [(b"x-forwarded-for", b"203.0.113.7"), (b"x-forwarded-for", b"198.51.100.7")]
    made = receiver(Calls(), networks=["203.0.113.0/24"], trusted_proxies=1)
    sent = asyncio.run(asgi(made.asgi, http(headers=headers), {"type": "http.request"}))
    assert sent[0]["status"] == 403


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/sms-get/{}", ""),
        ("/sms-get/{}", "/"),
        ("/hooks/sms-get/{}", "/hooks"),
        ("/hooks/sms-get/{}", "/hooks/"),
        ("/sms-get/{}", "/hooks"),
        ("/sms-get/{}", "/sms"),
    ],
)
def test_the_mounts_own_path_may_be_in_the_path_or_not(path: str, root_path: str) -> None:
    calls = Calls()
    whole = {"type": "http.request", "body": urlencode(SMSGET.fields).encode()}
    scope = http(path.format(SECRET), root_path=root_path)
    sent = asyncio.run(asgi(receiver(calls).asgi, scope, whole))
    assert sent[0]["status"] == 200


def test_a_server_may_start_and_stop_it() -> None:
    scope = {"type": "lifespan"}
    sent = asyncio.run(asgi(receiver(Calls()).asgi, scope, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))
    assert sent == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


def test_a_websocket_is_closed_and_what_is_unknown_is_an_error() -> None:
    app = receiver(Calls()).asgi
    assert asyncio.run(asgi(app, {"type": "websocket"})) == [{"type": "websocket.close"}]
    with pytest.raises(NotImplementedError):
        asyncio.run(asgi(app, {"type": "gopher"}))


def test_many_pushes_at_once_go_through_a_store_that_blocks(tmp_path: Path) -> None:
    """Its lock is held while a handler waits for the loop, which therefore must not wait for the lock."""
    handled: list[Event] = []

    async def handle(event: Event) -> None:
        await asyncio.sleep(0.001)
        handled.append(event)

    made = receiver(handle, store=SqliteEvents(tmp_path / "events.db"))

    async def all_at_once() -> set[int]:
        requests = [
            CallbackRequest("GET", f"/smsgo/{SECRET}", f"msgid={n}&statusstr=DELIVRD&statuscode=0&dstaddr=0900000001")
            for n in range(30)
        ]
        answers = await asyncio.gather(*(made.receive_async(request) for request in requests))
        return {answer.status for answer in answers}

    assert asyncio.run(all_at_once()) == {200}
    assert len({event.key for event in handled}) == len(handled) == 30


def test_a_handler_under_way_when_the_server_stops_is_awaited() -> None:
    """uvicorn lets what is under way end; the vendor has its acknowledgement."""
    entered, answers = threading.Event(), []

    async def handle(event: Event) -> None:
        entered.set()
        await asyncio.sleep(0.05)

    with over_asgi(receiver(handle)) as base:
        pushing = threading.Thread(target=lambda: answers.append(EVERY8D.send(base).status))
        pushing.start()
        assert entered.wait(PATIENCE)
    pushing.join()
    assert answers == [200]
