"""Which connection a request goes out on, when it may begin and when it has to end, over real sockets."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sms_core import MalformedResponse, TransportError
from sms_core._engine.transports.sync import SocketTransport
from sms_core.clocks import BeginBefore
from sms_core.http import Request
from tests.support.colours import BlockingTransport
from tests.support.scripted_server import (
    Action,
    Connection,
    ScriptedServer,
    answer,
    close_after_reading,
    drip,
    raw_answer,
    say,
    stall,
    wait_for_hang_up,
)
from tests.support.tiny import bind

Serve = Callable[..., ScriptedServer]
Open = Callable[..., SocketTransport]
PATIENCE = 20.0


@pytest.fixture(params=[SocketTransport, BlockingTransport], ids=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SocketTransport", request.param)


HEAD = b"HTTP/1.1 200 OK\r\n"
WHOLE = HEAD + b"Content-Length: 5\r\n\r\nfirst"


@pytest.fixture
def open_transport() -> Iterator[Open]:
    opened: list[SocketTransport] = []

    def do(**settings: object) -> SocketTransport:
        opened.append(SocketTransport(**{"connect_timeout": 5, "read_timeout": 5, **settings}))  # type: ignore[arg-type]
        return opened[-1]

    yield do
    for transport in opened:
        transport.close()


def post(url: str, body: bytes = b"a=1", **carried: object) -> Request:
    return Request("POST", f"{url}/send", body=body, **carried)  # type: ignore[arg-type]


def failure(transport: SocketTransport, request: Request) -> TransportError:
    with pytest.raises(TransportError) as caught:
        transport.send(request)
    return caught.value


# Once, whatever becomes of it


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


@pytest.mark.parametrize("kept", [False, True], ids=["fresh", "kept"])
@pytest.mark.parametrize("end", [Connection.read_request, close_after_reading], ids=["closed", "reset"])
@pytest.mark.parametrize("repeatable", [False, True])
def test_a_request_without_an_answer_goes_out_once_whatever_its_method(
    serve: Serve, open_transport: Open, kept: bool, end: Action, repeatable: bool
) -> None:
    script = [answer(b"first"), end] if kept else [end]
    server = serve(*[script for _ in METHODS], [answer(b"again")])
    transport = open_transport()
    for method in METHODS:
        if kept:
            transport.send(post(server.url))
        assert failure(transport, Request(method, f"{server.url}/send", repeatable=repeatable)).sent is True
    expected = [[*["POST"] * kept, method] for method in METHODS]
    assert [received.method for received in server.requests] == list(itertools.chain(*expected))
    assert server.connections == len(METHODS)


# Each answer to its own request


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
    ],
    ids=["103", "102", "100", "several"],
)
def test_an_interim_answer_is_skipped_and_the_next_request_has_its_own(
    serve: Serve, open_transport: Open, interim: bytes
) -> None:
    server = serve([raw_answer(interim + WHOLE), answer(b"never")], [answer(b"second")])
    transport = open_transport()
    assert transport.send(post(server.url)).body == b"first"
    assert transport.send(post(server.url)).body == b"second"
    assert server.connections == 2


@pytest.mark.parametrize(
    "script",
    [
        [raw_answer(b"HTTP/1.1 103 Early Hints\r\n\r\n"), say(WHOLE)],
        [raw_answer(b"HTTP/1.1 103 Early Hints\r\n"), say(b"\r\n" + WHOLE)],
    ],
)
def test_a_final_answer_may_come_later_than_the_interim_one(
    serve: Serve, open_transport: Open, script: list[Action]
) -> None:
    assert open_transport().send(post(serve(script).url)).body == b"first"


def test_a_change_of_protocol_is_no_answer(serve: Serve, open_transport: Open) -> None:
    server = serve([raw_answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + WHOLE)], [answer(b"again")])
    assert failure(open_transport(), post(server.url)).sent is True
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "first",
    [
        WHOLE + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
        WHOLE + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\nx",
        HEAD + b"Connection: close\r\nContent-Length: 5\r\n\r\nfirst",
        HEAD + b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nfirst",
    ],
    ids=["another answer", "a line", "after chunks", "close", "two lengths", "HTTP/1.0"],
)
def test_a_connection_is_not_used_again_after_an_answer_that_was_not_clean(
    serve: Serve, open_transport: Open, first: bytes
) -> None:
    server = serve([raw_answer(first), answer(b"never")], [answer(b"second")])
    transport = open_transport()
    assert [transport.send(post(server.url)).body for _ in range(2)] == [b"first", b"second"]
    assert server.connections == 2


@pytest.mark.parametrize(
    "first",
    [
        HEAD + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nfirst",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nfirst\r\n0\r\n\r\n",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nfirst",
    ],
    ids=["two lengths", "a wrong chunk", "no gzip"],
)
def test_a_connection_is_not_used_again_after_what_was_no_answer(
    serve: Serve, open_transport: Open, first: bytes
) -> None:
    server = serve([raw_answer(first), answer(b"never")], [answer(b"second")])
    transport = open_transport()
    assert failure(transport, post(server.url)).sent is True
    assert transport.send(post(server.url)).body == b"second"


def test_what_came_in_while_a_connection_was_idle_answers_nothing(serve: Serve, open_transport: Open) -> None:
    said = threading.Event()

    def say_more(connection: Connection) -> None:
        connection.raw.sendall(HEAD + b"Content-Length: 5\r\n\r\nwrong")
        said.set()
        wait_for_hang_up(connection)

    asked = threading.Event()
    server = serve([answer(b"first"), lambda _: asked.wait(PATIENCE), say_more], [answer(b"second")])
    transport = open_transport()
    assert transport.send(post(server.url)).body == b"first"
    asked.set()
    assert said.wait(PATIENCE)
    assert transport.send(post(server.url, repeatable=True)).body == b"second"
    assert server.connections == 2


def test_threads_never_get_each_other_s_answers(serve: Serve, open_transport: Open) -> None:
    interims = itertools.cycle([b"", b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"])

    def echo(connection: Connection) -> None:
        request = connection.read_request()
        if request is not None:
            length = len(request.body)
            connection.raw.sendall(next(interims) + HEAD + b"Content-Length: %d\r\n\r\n%s" % (length, request.body))

    server = serve([echo] * 1000)
    transport = open_transport(connections=8)

    def ask(number: int) -> bool:
        return transport.send(post(server.url, b"%d" % number)).body == b"%d" % number

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))


# Idle connections


def test_only_what_may_be_repeated_goes_out_on_a_connection_that_was_idle_for_long(
    serve: Serve, open_transport: Open
) -> None:
    server = serve([answer(b"1"), answer(b"2")], [answer(b"3"), answer(b"4")])
    transport = open_transport(idle_timeout=1e-9)
    carried = [{}, {"repeatable": True}, {}, {"repeatable": True}]
    assert [transport.send(post(server.url, **each)).body for each in carried] == [b"1", b"2", b"3", b"4"]
    assert server.connections == 2


def test_the_client_says_what_may_be_repeated(serve: Serve, open_transport: Open) -> None:
    server = serve([answer(b"OK token"), stall], [answer(b"OK batch"), answer(b"OK 7")])
    with bind(open_transport(idle_timeout=1e-9, read_timeout=1), base_url=server.url, retries=0) as sms:
        assert sms.send("x", to="0900000001").batch_id == "batch"  # not where the login was: that connection is old
        assert sms.balance().credit == 7
    assert server.connections == 2


# The deadline


@pytest.mark.parametrize(
    "begin",
    [b"", HEAD + b"X: ", HEAD + b"Content-Length: 1000000\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"],
    ids=["at all", "head", "body", "chunks"],
)
def test_a_server_that_drips_is_left_at_the_deadline(serve: Serve, open_transport: Open, begin: bytes) -> None:
    def act(connection: Connection) -> None:
        connection.raw.sendall(begin)
        drip(b"1\r\n1\r\n" if begin.endswith(b"chunked\r\n\r\n") else b"x")(connection)

    server = serve([act])
    started = time.monotonic()
    error = failure(open_transport(deadline=0.5), post(server.url))
    assert (error.sent, error.timed_out) == (True, True)
    assert 0.4 < time.monotonic() - started < PATIENCE / 4


def test_interim_answers_without_an_end_are_left_at_the_deadline(serve: Serve, open_transport: Open) -> None:
    server = serve([drip(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001)])
    assert failure(open_transport(deadline=0.5), post(server.url)).timed_out


def test_a_server_that_takes_nothing_is_left_in_time(serve: Serve, open_transport: Open) -> None:
    server = serve([lambda connection: connection.server.stopping.wait(PATIENCE)])
    started = time.monotonic()
    error = failure(open_transport(deadline=0.5), post(server.url, b"x" * 10_000_000))
    assert (error.sent, error.timed_out) == (True, True)
    assert time.monotonic() - started < PATIENCE / 4


def test_a_proxy_that_drips_has_had_nothing(serve: Serve, open_transport: Open) -> None:
    proxy = serve([drip(b"x")])
    error = failure(open_transport(deadline=0.5, proxy=proxy.url), post("https://vendor.invalid"))
    assert error.sent is False
    assert [request.method for request in proxy.requests] == ["CONNECT"]


def test_each_exchange_has_the_whole_time(serve: Serve, open_transport: Open) -> None:
    def answer_slowly(connection: Connection) -> None:
        if connection.read_request() is not None:
            connection.server.stopping.wait(0.2)
            connection.raw.sendall(WHOLE)

    server = serve([answer_slowly] * 5)
    transport = open_transport(deadline=0.6)
    assert [transport.send(post(server.url)).body for _ in range(4)] == [b"first"] * 4


# Too late to begin


def test_a_request_that_may_still_begin_is_carried(serve: Serve, open_transport: Open) -> None:
    server = serve([answer(b"ok")])
    assert open_transport().send(post(server.url, begin_before=BeginBefore.within(60))).body == b"ok"


@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
def test_a_request_that_is_too_late_does_not_begin(serve: Serve, open_transport: Open, kept: bool) -> None:
    server = serve([answer(b"ok"), answer(b"never")])
    transport = open_transport()
    if kept:
        transport.send(post(server.url))
    error = failure(transport, post(server.url, begin_before=BeginBefore.within(0)))
    assert (error.sent, error.retry) == (False, True)
    assert "too late" in str(error)
    assert len(server.requests) == kept


def test_waiting_for_a_connection_makes_a_request_too_late(serve: Serve, open_transport: Open) -> None:
    limit = BeginBefore.within(0.3)

    def answer_when_it_is_late(connection: Connection) -> None:
        connection.read_request()
        while not limit.has_passed():
            time.sleep(0.01)
        connection.raw.sendall(WHOLE)

    server = serve([answer_when_it_is_late, answer(b"never")])
    transport = open_transport(connections=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(transport.send, post(server.url))
        server.wait_for_requests(1)
        assert failure(transport, post(server.url, begin_before=limit)).sent is False
        assert first.result(PATIENCE).body == b"first"
    assert len(server.requests) == 1


# What cannot be written


def test_an_answer_that_comes_before_the_request_is_whole_is_taken(serve: Serve, open_transport: Open) -> None:
    def refuse(connection: Connection) -> None:
        connection.raw.recv(1)
        connection.raw.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        wait_for_hang_up(connection)

    server = serve([refuse])
    assert open_transport().send(post(server.url, b"x" * 5_000_000)).status == 413


def test_a_large_answer_is_refused_before_it_is_read(serve: Serve, open_transport: Open) -> None:
    server = serve([raw_answer(HEAD + b"Content-Length: 99999999\r\n\r\n"), answer(b"never")], [answer(b"second")])
    transport = open_transport()
    with pytest.raises(MalformedResponse, match="larger than"):
        transport.send(post(server.url))
    assert transport.send(post(server.url)).body == b"second"
