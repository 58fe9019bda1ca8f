"""What an `AsyncClient` has beyond a `Client`: tasks, cancellation, event loops. All else the tests of both colours show."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import pytest

import sms_core
from sms_core import (
    Account,
    AsyncClient,
    AuthenticationFailed,
    ConfigurationError,
    InvalidMessage,
    MemorySessions,
    Outcome,
    SendResult,
    SmsError,
    hookimpl,
)
from sms_core.aio import connect_provider_async
from sms_core.http import Request, Response
from sms_core.provider import Operation, Session
from sms_core.testing import FakeTransport, memory_exchange
from tests.support.forks import in_children
from tests.support.frames import shown_by
from tests.support.scripted_server import Action, Connection, ScriptedServer, answer, half_answer, stall
from tests.support.tiny import PASSWORD, Tiny, Vendor, bind, operation_of, text

A, B, C, D = (f"+88690000000{last}" for last in range(1, 5))
PATIENCE = 20.0
TASKS = 100
Serve = Callable[..., ScriptedServer]
DSN = "tiny://user:password@tiny.invalid"


class Loud:
    """Runs a coroutine in a loop of its own; what the loop would only log fails the test."""

    def __call__(self, work: Coroutine[Any, Any, Any]) -> Any:
        unheard: list[dict[str, Any]] = []

        async def watched() -> Any:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
            async with asyncio.timeout(PATIENCE):
                found = await work
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert not others, "orphan tasks"
            gc.collect()
            return found

        found = asyncio.run(watched())
        gc.collect()
        assert not unheard
        return found


run = Loud()


def vendor_of(network: FakeTransport) -> Callable[[Request], Awaitable[Response]]:
    """A network on which each request lets other tasks run."""

    async def carry(request: Request) -> Response:
        await asyncio.sleep(0)
        return await network.asend(request)

    return carry


class Slow:
    """Answers when it is let; notes that a request has come."""

    def __init__(self, **answers: Any) -> None:
        self.network = FakeTransport(Vendor(**answers))
        self.has_come = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.slow = "send"

    async def __call__(self, request: Request) -> Response:
        raise NotImplementedError

    async def asend(self, request: Request) -> Response:
        if operation_of(request) == self.slow:
            self.has_come.set()
            await self.may_answer.wait()
        return await self.network.asend(request)

    async def aclose(self) -> None:
        await self.network.aclose()


def outcomes(result: SendResult) -> list[Outcome]:
    return [row.outcome for row in result.outcomes]


def connect(transport: Any, plugin: Tiny | None = None, **named: Any) -> AsyncClient:
    return connect_provider_async(plugin or Tiny(), DSN, transport=transport, **named)


# Login


@pytest.mark.parametrize("logs_in", [True, False])
def test_many_tasks_with_a_wrong_password_make_exactly_one_request(serve: Serve, logs_in: bool) -> None:
    server = serve([answer(b"NO auth"), answer(b"never")])

    async def main() -> list[BaseException]:
        dsn = f"tiny://user:wrong@127.0.0.1:{server.port}?scheme=http"
        async with connect_provider_async(Tiny(logs_in=logs_in), dsn) as sms:
            sends = (sms.send("x", to=A) if place % 2 else sms.balance() for place in range(TASKS))
            return await asyncio.gather(*sends, return_exceptions=True)  # type: ignore[arg-type]

    assert [type(error) for error in run(main())] == [AuthenticationFailed] * TASKS
    assert len(server.requests) == 1


def test_many_tasks_log_in_once() -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))

    async def main() -> None:
        async with connect(vendor_of(network)) as sms:
            await asyncio.gather(*(sms.send("x", to=A) for _ in range(TASKS)))

    run(main())
    assert [operation_of(request) for request in network.requests].count("login") == 1


def test_clients_of_both_colours_share_a_store_of_logins() -> None:
    sessions = MemorySessions()
    network = FakeTransport(Vendor(login=["NO auth"]))

    def in_thread(place: int) -> object:
        async def main() -> None:
            async with connect(vendor_of(network), sessions=sessions) as sms:
                await asyncio.gather(*(sms.balance() for _ in range(10)))

        try:
            if place % 2:
                run(main())
            else:
                bind(network, password="password", sessions=sessions).balance()
        except SmsError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(in_thread, range(8), timeout=PATIENCE))
    assert found == [AuthenticationFailed] * 8
    assert len(network.requests) == 1


def test_a_lock_that_another_thread_holds_does_not_hold_up_the_loop() -> None:
    sessions = MemorySessions()
    network = FakeTransport(Vendor(balance=["OK 1"]))
    held, may_leave = threading.Event(), threading.Event()

    async def main() -> None:
        async with connect(vendor_of(network), sessions=sessions) as sms:
            with sessions.lock("nobody's"):
                pass  # a lock of another account holds up nobody
            waiting = [asyncio.create_task(sms.balance()) for _ in range(3)]
            for _ in range(10):
                await asyncio.sleep(0.001)  # the loop runs
            assert not any(task.done() for task in waiting)
            waiting[0].cancel()  # the one whose thread waits for the lock
            with pytest.raises(asyncio.CancelledError):
                await waiting[0]
            may_leave.set()
            assert [(await task).credit for task in waiting[1:]] == [1, 1]

    def hold() -> None:
        with sessions.lock(connect(vendor_of(network))._provider.account.key):
            held.set()
            assert may_leave.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert held.wait(PATIENCE)
        run(main())
        holding.result(PATIENCE)
    assert [operation_of(request) for request in network.requests] == ["login", "balance", "balance"]


# Cancellation


async def cancelled(sending: Coroutine[Any, Any, SendResult], when: asyncio.Event) -> asyncio.CancelledError:
    """Cancel a send at this moment; what its task raised."""
    task = asyncio.create_task(sending)
    await when.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    return caught.value


def test_cancelled_before_its_request_left_a_send_was_not_sent() -> None:
    async def main() -> None:
        heard: list[SendResult] = []
        slow = Slow(send=["OK b1"])
        slow.slow = "login"
        async with connect(slow, on_result=heard.append, finish=True) as sms:
            cancellation = await cancelled(sms.send("x", to=[A, B]), slow.has_come)
        assert outcomes(cancellation.sms_result) == [Outcome.NOT_SENT] * 2  # type: ignore[attr-defined]
        assert heard == [cancellation.sms_result]  # type: ignore[attr-defined]
        assert not slow.network.requests

    run(main())


def test_cancelled_within_the_handshake_a_send_was_not_sent(serve: Serve) -> None:
    connected = threading.Event()
    server = serve([lambda _: connected.set(), stall])

    async def main() -> list[SendResult]:
        heard: list[SendResult] = []
        dsn = f"tiny://user:password@127.0.0.1:{server.port}"
        async with connect_provider_async(Tiny(logs_in=False), dsn, on_result=heard.append) as sms:
            task = asyncio.create_task(sms.send("x", to=A))
            assert await asyncio.to_thread(connected.wait, PATIENCE)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return heard

    assert [outcomes(result) for result in run(main())] == [[Outcome.NOT_SENT]]


def test_cancelled_after_its_request_left_a_send_is_unknown(serve: Serve) -> None:
    server = serve([answer(b"OK token"), stall])

    async def main() -> None:
        heard: list[SendResult] = []
        dsn = f"tiny://user:password@127.0.0.1:{server.port}?scheme=http"
        async with connect_provider_async(Tiny(), dsn, on_result=heard.append) as sms:
            task = asyncio.create_task(sms.send("x", to=[A, B, C, D], reference="m"))
            await asyncio.to_thread(server.wait_for_requests, 2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
        result: SendResult = caught.value.sms_result  # type: ignore[attr-defined]
        assert outcomes(result) == [Outcome.UNKNOWN] * 3 + [Outcome.NOT_SENT]
        assert result.message is not None
        assert result.message.reference == "m"
        assert heard == [result]

    run(main())


def test_under_a_timeout_the_result_stands_on_the_cause() -> None:
    async def main() -> None:
        slow = Slow()

        async def send_in_time() -> None:
            async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
                group.create_task(expire(limit))
                await sms.send("x", to=A)

        async def expire(limit: asyncio.Timeout) -> None:
            await slow.has_come.wait()
            limit.reschedule(0)

        async with connect(slow) as sms:
            with pytest.raises(TimeoutError) as caught:
                await send_in_time()
        assert outcomes(caught.value.__cause__.sms_result) == [Outcome.UNKNOWN]  # type: ignore[union-attr]

    run(main())


def test_every_outcome_is_heard() -> None:
    network = FakeTransport(Vendor(send=["OK b1", "NO credit", "OK b2", sms_core.TransportError("cut off", sent=True)]))
    heard: list[SendResult] = []

    async def main() -> None:
        async with connect(vendor_of(network), on_result=heard.append, sessions=MemorySessions()) as sms:
            await sms.send("x", to=A)
            for _ in range(3):
                with suppress(SmsError):
                    await sms.send("x", to=[A, B, C, D])
            with pytest.raises(InvalidMessage):
                await sms.send("", to=A)

    run(main())
    assert [[outcome.name for outcome in outcomes(result)] for result in heard] == [
        ["ACCEPTED"],
        ["REFUSED"] * 3 + ["NOT_SENT"],
        ["ACCEPTED"] * 3 + ["UNKNOWN"],
        ["UNKNOWN"] * 3 + ["NOT_SENT"],
    ]


def test_a_listener_that_fails_takes_no_outcome_away() -> None:
    async def main() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        network = FakeTransport(Vendor(send=["OK b1"]))
        async with connect(network, on_result=lambda _: 1 / 0) as sms:
            assert (await sms.send("x", to=A)).batch_id == "b1"
        assert [type(context["exception"]) for context in told] == [ZeroDivisionError]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("said", "outcome"), [("OK b1", Outcome.ACCEPTED), ("NO credit", Outcome.REFUSED), ("what?", Outcome.UNKNOWN)]
)
def test_a_cancelled_send_goes_on_and_closing_waits_for_it(said: str, outcome: Outcome) -> None:
    async def main() -> None:
        heard: list[SendResult] = []
        slow = Slow(send=[said])
        async with connect(slow, on_result=heard.append, finish=True) as sms:
            cancellation = await cancelled(sms.send("x", to=A), slow.has_come)
            assert outcomes(cancellation.sms_result) == [Outcome.UNKNOWN]  # type: ignore[attr-defined]
            assert not heard
            asyncio.get_running_loop().call_later(0.01, slow.may_answer.set)
        assert [outcomes(result) for result in heard] == [[outcome]]
        assert slow.network.closed

    run(main())


def test_a_send_goes_on_until_its_deadline() -> None:
    async def main() -> None:
        heard: list[SendResult] = []
        slow = Slow()
        dsn = f"{DSN}?deadline=0.05"
        async with connect_provider_async(Tiny(), dsn, transport=slow, on_result=heard.append, finish=True) as sms:
            await cancelled(sms.send("x", to=A), slow.has_come)
        assert [outcomes(result) for result in heard] == [[Outcome.UNKNOWN]]

    run(main())


def test_a_close_that_is_cancelled_still_hears_of_each_send() -> None:
    async def main() -> None:
        heard: list[SendResult] = []
        slow = Slow()
        sms = connect(slow, on_result=heard.append, finish=True)
        await cancelled(sms.send("x", to=A), slow.has_come)
        closing = asyncio.create_task(sms.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert [outcomes(result) for result in heard] == [[Outcome.UNKNOWN]]
        assert slow.network.closed

    run(main())


@pytest.mark.parametrize("finish", [False, True])
def test_in_a_task_group_that_fails_every_send_is_heard(finish: bool) -> None:
    async def main() -> None:
        heard: list[SendResult] = []
        slow = Slow(send=["OK b1"])
        async with connect(slow, on_result=heard.append, finish=finish) as sms:

            async def fail() -> None:
                async with asyncio.TaskGroup() as group:
                    for _ in range(10):
                        group.create_task(sms.send("x", to=A))
                    await slow.has_come.wait()
                    raise ZeroDivisionError

            with pytest.raises(ExceptionGroup):
                await fail()
            slow.may_answer.set()
        found = Outcome.ACCEPTED if finish else Outcome.UNKNOWN
        assert [outcomes(result) for result in heard].count([found]) >= 1
        assert len(heard) == 10

    run(main())


SECRET_TEXT = "短訊 4711"


class Get(Tiny):
    """Its secrets stand in the address."""

    @hookimpl
    def sms_send(self, account: Account, session: Session | None, operation: Operation[Any]) -> Request:
        request = super().sms_send(account, session, operation)
        query = {"password": account.password, "body": request.body.decode()}
        return Request("GET", f"{request.url}?{urlencode(query)}")


@pytest.mark.parametrize("plugin", [Tiny, Get])
@pytest.mark.parametrize("finish", [False, True])
@pytest.mark.parametrize("action", [stall, half_answer(b"OK"), Connection.read_request, answer(b"what?"), None])
def test_no_error_of_a_send_shows_a_secret_in_its_frames(
    serve: Serve, plugin: type[Tiny], finish: bool, action: Action | None
) -> None:
    server = serve([action or stall])
    port = server.port if action else 1
    dsn = f"tiny://user:{PASSWORD}@127.0.0.1:{port}?scheme=http&retries=0&deadline={1 if action is stall else 20}"

    async def main() -> BaseException:
        async with connect_provider_async(plugin(logs_in=False), dsn, finish=finish) as sms:
            task = asyncio.create_task(sms.send(SECRET_TEXT, to=A))
            if action is stall:
                await asyncio.to_thread(server.wait_for_requests, 1)
                task.cancel()
            with pytest.raises((SmsError, asyncio.CancelledError)) as caught:
                await task
        return caught.value

    secrets = {PASSWORD, SECRET_TEXT, quote(SECRET_TEXT), A[1:]}
    assert shown_by(run(main()), secrets, but_not_in=__file__) == []


# Loops and processes


def test_one_client_in_one_loop_after_another_and_in_children(serve: Serve) -> None:
    server = serve([answer(b"OK token"), answer(b"OK b1")], [answer(b"OK b2")])
    sms = connect_provider_async(Tiny(), f"tiny://user:password@127.0.0.1:{server.port}?scheme=http&idle_timeout=60")

    def send(_: int = 0) -> str | None:
        async def main() -> str | None:
            async with sms:
                return (await sms.send("x", to=A)).batch_id

        found: str | None = run(main())
        return found

    assert send() == "b1"
    assert send() == "b2"
    assert in_children(2, send) == ["b2", "b2"]
    assert server.connections == 4


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_of_a_running_loop_leaves_its_parent_s_connection_alone(serve: Serve) -> None:
    server = serve([answer(b"OK token"), answer(b"OK b1"), answer(b"OK b3")], [answer(b"OK b2")])
    sms = connect_provider_async(Tiny(), f"tiny://user:password@127.0.0.1:{server.port}?scheme=http&idle_timeout=60")

    async def send() -> str | None:
        return (await sms.send("x", to=A)).batch_id

    async def main() -> list[object]:
        async with sms:
            return [await send(), *in_children(1, lambda _: asyncio.run(send())), await send()]

    assert run(main()) == ["b1", "b2", "b3"]
    assert server.connections == 2


def test_the_client_that_blocks_says_so_once_in_a_running_loop() -> None:
    async def main() -> list[warnings.WarningMessage]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with bind(FakeTransport(Vendor(send=["OK b1"], balance=["OK 1"]))) as sms:
                sms.send("x", to=A)
                sms.balance()
                await asyncio.to_thread(sms.balance)
        return caught

    (said,) = asyncio.run(main())
    assert said.category is RuntimeWarning
    assert "connect_async()" in str(said.message)
    assert said.filename == __file__


def test_elsewhere_it_says_nothing() -> None:
    with bind(FakeTransport(Vendor(balance=["OK 1"]))) as sms:
        asyncio.run(asyncio.sleep(0))
        assert sms.balance().credit == 1
        asyncio.run(asyncio.to_thread(sms.balance))  # type: ignore[arg-type]


# What it is made of


def test_memory_works_without_a_network() -> None:
    async def main() -> None:
        async with sms_core.connect_async("memory://aio") as sms:
            result = await sms.send("您好", to="0900000001")
            (report,) = [report async for report in sms.reports(result)]
            assert report.batch_id == result.batch_id
            assert [reply async for reply in sms.inbound(result)] == []
            with pytest.raises(sms_core.NotFound):
                await sms.cancel(result)
            assert sms.preview(sms_core.Message("您好", "0900000001")).requests == 1
            assert (await sms.send(sms.plan(sms_core.Message("您好", "0900000001")))).accepted == 1

    run(main())
    assert [message.text for message in memory_exchange("aio").accepted] == ["您好", "您好"]


def test_a_function_is_a_transport_in_either_colour() -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))

    async def main() -> str | None:
        async with connect(vendor_of(network)) as sms:
            return (await sms.send("x", to=A)).batch_id

    assert run(main()) == "b1"
    with sms_core.testing.connect_provider(Tiny(), DSN, transport=network.send) as sms:
        assert sms.send("x", to=A).batch_id == "b1"


def test_a_transport_of_the_other_colour_is_refused() -> None:
    async def carry(_: Request) -> Response:
        return text("OK")

    with pytest.raises(ConfigurationError, match="async def"):
        connect(lambda _: text("OK"))
    with pytest.raises(ConfigurationError, match="a function"):
        sms_core.testing.connect_provider(Tiny(), DSN, transport=carry)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="asend"):
        connect(sms_core.SocketTransport())


# Clients that nobody closes


@pytest.mark.parametrize("loops", [1, 5])
def test_connections_that_nobody_closes_end_with_their_loop(serve: Serve, loops: int) -> None:
    server = serve([answer(b"OK token"), answer(b"OK 1"), stall], [answer(b"OK 1"), stall])
    sms = connect_provider_async(Tiny(), f"tiny://user:password@127.0.0.1:{server.port}?scheme=http")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(loops):
            asyncio.run(asyncio.wait_for(sms.balance(), PATIENCE))
            gc.collect()
    assert [str(warning.message) for warning in said] == []


def test_connections_of_a_client_that_is_dropped_are_closed_in_its_loop(serve: Serve) -> None:
    server = serve([answer(b"OK token"), answer(b"OK 1"), stall])

    async def main() -> None:
        sms = connect_provider_async(Tiny(), f"tiny://user:password@127.0.0.1:{server.port}?scheme=http")
        await sms.balance()
        del sms
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)
        gc.collect()

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run(main())
    assert [str(warning.message) for warning in said] == []
