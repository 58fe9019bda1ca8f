"""The transport against real sockets: what it says of a request that failed decides whether it may be sent again."""

from __future__ import annotations

import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from sms_core import MalformedResponse, NotSent, Outcome, OutcomeUnknown, SmsError, TransportError
from sms_core._engine.transports.sync import LARGEST_ANSWER, SocketTransport
from sms_core.http import Request, Response
from tests.support.colours import BlockingTransport
from tests.support.scripted_server import (
    Connection,
    ScriptedServer,
    answer,
    close_after_reading,
    half_answer,
    half_chunked,
    oversize,
    raw_answer,
    redirect,
    reset,
    say,
    stall,
    wait_for_hang_up,
)
from tests.support.tiny import bind

Serve = Callable[..., ScriptedServer]
PATIENCE = 20.0


@pytest.fixture(params=[SocketTransport, BlockingTransport], ids=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SocketTransport", request.param)


@pytest.fixture
def transport() -> Iterator[SocketTransport]:
    """One that waits long enough for anything but a silent peer."""
    opened = SocketTransport(connect_timeout=5, read_timeout=5)
    yield opened
    opened.close()


@contextmanager
def impatient(**settings: float) -> Iterator[SocketTransport]:
    opened = SocketTransport(**{"connect_timeout": 0.2, "read_timeout": 0.2, **settings})  # type: ignore[arg-type]
    try:
        yield opened
    finally:
        opened.close()


def get(url: str) -> Request:
    return Request("GET", f"{url}/credit?pwd=kept-secret", {"Authorization": "Bearer kept-secret"})


def post(url: str, body: bytes = b"a=1") -> Request:
    return Request("POST", f"{url}/send", {"Content-Type": "application/x-www-form-urlencoded"}, body)


def failure(transport: SocketTransport, request: Request) -> TransportError:
    with pytest.raises(TransportError) as caught:
        transport.send(request)
    return caught.value


@pytest.fixture
def dead_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


# Whole answers


def test_a_request_and_its_answer_are_carried_as_they_are(serve: Serve, transport: SocketTransport) -> None:
    server = serve([answer("簡訊".encode(), 201, {"X-Odd": "Value"})])
    found = transport.send(Request("POST", f"{server.url}/a/b?c=%20d", {"X-Token": "t"}, b"\x00body"))
    assert (found.status, found.body, found.headers["x-odd"]) == (201, "簡訊".encode(), "Value")
    received = server.requests[0]
    assert (received.method, received.target, received.body) == ("POST", "/a/b?c=%20d", b"\x00body")
    assert received.headers["x-token"] == "t"
    assert received.headers["host"] == f"127.0.0.1:{server.port}"
    assert "cookie" not in received.headers


@pytest.mark.parametrize("url", ["", "/", "?a=b"])
def test_the_shortest_urls(serve: Serve, transport: SocketTransport, url: str) -> None:
    server = serve([answer(b"ok")])
    assert transport.send(Request("GET", server.url + url)).body == b"ok"
    assert server.requests[0].target in {"/", "/?a=b"}


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 404, 429, 500, 502, 503])
def test_every_status_is_an_answer_and_none_is_repeated(serve: Serve, transport: SocketTransport, status: int) -> None:
    server = serve([answer(b"" if status == 204 else b"x", status)], [answer(b"again")])
    assert transport.send(post(server.url)).status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(serve: Serve, transport: SocketTransport, status: int) -> None:
    other = serve([answer(b"never")])
    server = serve([redirect(f"{other.url}/login", status)])
    found = transport.send(post(server.url))
    assert (found.status, found.headers["location"]) == (status, f"{other.url}/login")
    assert not other.requests


def test_cookies_are_not_kept(serve: Serve, transport: SocketTransport) -> None:
    server = serve([answer(b"", headers={"Set-Cookie": "a=b"}), answer(b"")])
    transport.send(get(server.url))
    transport.send(get(server.url))
    assert "cookie" not in server.requests[1].headers


def test_chunks_and_a_large_answer(serve: Serve, transport: SocketTransport) -> None:
    body = b"0123456789" * 50_000
    server = serve(
        [
            raw_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
            answer(body),
        ]
    )
    assert transport.send(get(server.url)).body == b"abcde"
    assert transport.send(get(server.url)).body == body
    assert server.connections == 1


# Nothing left this machine


def test_a_refused_connection_was_not_sent(transport: SocketTransport, dead_port: int) -> None:
    error = failure(transport, post(f"http://127.0.0.1:{dead_port}"))
    assert (error.sent, error.timed_out) == (False, False)
    assert "127.0.0.1" in str(error)


def test_a_name_that_nobody_knows_was_not_sent(transport: SocketTransport) -> None:
    error = failure(transport, post("https://vendor.invalid"))
    assert (error.sent, error.timed_out) == (False, False)
    assert "vendor.invalid" in str(error)


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x15\x03\x01\x00\x02\x02\x28"])
def test_a_failed_handshake_was_not_sent(serve: Serve, transport: SocketTransport, greeting: bytes) -> None:
    server = serve([say(greeting)])
    error = failure(transport, post(f"https://127.0.0.1:{server.port}"))
    assert (error.sent, error.timed_out) == (False, False)
    assert not server.requests


def test_a_silent_handshake_was_not_sent(serve: Serve) -> None:
    server = serve([wait_for_hang_up])
    with impatient() as transport:
        assert failure(transport, post(f"https://127.0.0.1:{server.port}")).sent is False


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "http://127.0.0.1:1/", {"X": "a\nkept-secret: b"}),
        Request("GET", "http://127.0.0.1:1/", {"X": "簡訊 kept-secret"}),
        Request("GET\r\nkept-secret", "http://127.0.0.1:1/"),
    ],
    ids=["newline", "not latin", "method"],
)
def test_a_request_that_cannot_be_written_was_not_sent(
    serve: Serve, transport: SocketTransport, request_: Request
) -> None:
    server = serve([answer(b"never")])
    request = Request(request_.method, f"{server.url}/", request_.headers)
    error = failure(transport, request)
    assert error.sent is False
    assert not server.requests
    assert "kept-secret" not in "".join(traceback.format_exception_only(error))


def test_no_error_in_the_chain_shows_a_header(serve: Serve, transport: SocketTransport) -> None:
    server = serve([answer(b"never")])
    error = failure(transport, Request("GET", f"{server.url}/", {"Authorization": "Bearer kept-secret\n"}))
    assert "kept-secret" not in "".join(traceback.format_exception(error, limit=0))


@pytest.mark.parametrize(
    "url",
    [
        "http://a b/",
        "http:///path",
        "http://[::1/",
        "http://h:port/",
        "http://" + "a" * 64 + ".invalid/",
        "ftp://127.0.0.1/",
    ],
)
def test_a_url_that_leads_nowhere_was_not_sent(transport: SocketTransport, url: str) -> None:
    assert failure(transport, Request("GET", url)).sent is False


# It may have been taken


def test_a_connection_that_is_reset_before_reading_may_have_been_taken(
    serve: Serve, transport: SocketTransport
) -> None:
    begun = threading.Event()

    def reset_when_bytes_came(connection: Connection) -> None:
        connection.raw.recv(1)
        begun.set()
        reset(connection)

    server = serve([reset_when_bytes_came])
    error = failure(transport, post(server.url, b"x" * 1_000_000))
    assert begun.is_set()
    assert (error.sent, error.timed_out) == (True, False)
    assert server.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        [close_after_reading],
        [raw_answer(b"")],
        [raw_answer(b"HTTP/1.1 200 OK\r\n")],
        [raw_answer(b"HTTP/1.1 200 OK\r\nContent-Le")],
        [raw_answer(b"garbage\r\n\r\n")],
        [half_answer(b"87.00,1,1.0,0,")],
        [half_answer(b"")],
        [half_chunked(b"87.00,1,1.0,0,")],
        [raw_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n")],
        [raw_answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")],
    ],
    ids=[
        "no answer",
        "closed",
        "a status line",
        "half a head",
        "no HTTP",
        "half a body",
        "no body",
        "half a chunk",
        "no chunk",
        "no gzip",
    ],
)
def test_less_than_a_whole_answer_is_an_error_and_never_a_short_result(
    serve: Serve, transport: SocketTransport, script: list[Callable[[Connection], object]]
) -> None:
    server = serve(script, [answer(b"again")])
    error = failure(transport, post(server.url))
    assert (error.sent, error.timed_out) == (True, False)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "begin", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"], ids=["at all", "half way"]
)
def test_a_silent_peer_times_out(serve: Serve, begin: bytes) -> None:
    def fall_silent(connection: Connection) -> None:
        connection.read_request()
        connection.raw.sendall(begin)
        connection.server.stopping.wait(PATIENCE)

    server = serve([fall_silent])
    with impatient(connect_timeout=5) as transport:
        started = time.monotonic()
        error = failure(transport, post(server.url))
    assert (error.sent, error.timed_out) == (True, True)
    assert time.monotonic() - started < PATIENCE / 2
    assert len(server.requests) == 1


def test_an_answer_beyond_16_mib_is_refused_and_frees_its_place(serve: Serve) -> None:
    server = serve([oversize(LARGEST_ANSWER + 1)], [oversize(LARGEST_ANSWER * 2)], [answer(b"ok")])
    opened = SocketTransport(connect_timeout=5, read_timeout=5, connections=1)

    def send() -> Response | SmsError:
        try:
            return opened.send(get(server.url))
        except SmsError as error:
            return error

    # In a thread of their own: a place that is not freed makes the next request wait for ever.
    found: list[Response | SmsError] = []
    worker = threading.Thread(target=lambda: found.extend(send() for _ in range(3)), daemon=True)
    worker.start()
    worker.join(PATIENCE / 4)
    opened.close()
    assert [type(answer) for answer in found] == [MalformedResponse, MalformedResponse, Response]


def test_an_answer_of_16_mib_is_taken(serve: Serve, transport: SocketTransport) -> None:
    server = serve([oversize(LARGEST_ANSWER)])
    assert len(transport.send(get(server.url)).body) == LARGEST_ANSWER


@pytest.mark.parametrize(
    "script", [[close_after_reading], [half_answer(b"x")], [stall]], ids=["closed", "half", "silent"]
)
def test_a_failure_frees_its_place(serve: Serve, script: list[Callable[[Connection], object]]) -> None:
    server = serve(script, script, [answer(b"ok")])
    with impatient(connect_timeout=5, connections=1) as transport:
        for _ in range(2):
            failure(transport, post(server.url))
        done = threading.Thread(target=transport.send, args=(post(server.url),), daemon=True)
        done.start()
        done.join(PATIENCE / 4)
        assert not done.is_alive()


def test_no_error_shows_query_header_or_body(serve: Serve, transport: SocketTransport) -> None:
    server = serve([close_after_reading], [half_answer(b"kept-secret")])
    for _ in range(2):
        shown = "".join(traceback.format_exception(failure(transport, get(server.url)), limit=0))
        assert "kept-secret" not in shown


# Connections


def test_a_connection_is_kept_and_used_again(serve: Serve, transport: SocketTransport) -> None:
    server = serve([answer(b"1"), answer(b"2"), answer(b"3", 404), answer(b""), answer(b"5")])
    assert [transport.send(post(server.url)).body for _ in range(5)] == [b"1", b"2", b"3", b"", b"5"]
    assert server.connections == 1


def test_a_kept_connection_that_the_server_closed_is_replaced_before_anything_is_sent(
    serve: Serve, transport: SocketTransport
) -> None:
    closed = threading.Event()

    def hang_up(connection: Connection) -> None:
        connection.raw.shutdown(socket.SHUT_RDWR)
        closed.set()

    server = serve([answer(b"1"), hang_up], [answer(b"2")])
    assert transport.send(post(server.url)).body == b"1"
    assert closed.wait(PATIENCE)
    assert transport.send(post(server.url)).body == b"2"
    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_kept_connection_that_breaks_under_the_request_is_not_tried_again(
    serve: Serve, transport: SocketTransport
) -> None:
    server = serve([answer(b"1"), close_after_reading], [answer(b"again")])
    transport.send(post(server.url))
    assert failure(transport, post(server.url)).sent is True
    assert len(server.requests) == 2


def test_hosts_have_their_own_connections(serve: Serve, transport: SocketTransport) -> None:
    first, other = serve([answer(b"1"), answer(b"1")]), serve([answer(b"2")])
    assert [transport.send(get(server.url)).body for server in (first, other, first)] == [b"1", b"2", b"1"]
    assert (first.connections, other.connections) == (1, 1)


def test_threads_share_a_transport_up_to_its_connections(serve: Serve) -> None:
    gate = threading.Barrier(4)

    def answer_together(connection: Connection) -> None:
        if connection.read_request() is not None:
            gate.wait(PATIENCE)  # passes only if four are in flight at once
            connection.raw.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    server = serve([answer_together] * 10)
    opened = SocketTransport(connect_timeout=5, read_timeout=PATIENCE, connections=4)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(opened.send, post(server.url)) for _ in range(8)]
        found = [future.result(PATIENCE).body for future in waiting]
    opened.close()
    assert found == [b"ok"] * 8
    assert server.connections == 4


def test_one_thread_s_failure_is_not_another_s(serve: Serve, transport: SocketTransport, dead_port: int) -> None:
    server = serve([close_after_reading])

    def sent(number: int) -> bool:
        return failure(transport, post(server.url if number % 2 else f"http://127.0.0.1:{dead_port}")).sent

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(sent, range(40))) == [False, True] * 20


def test_close_gives_up_idle_connections_and_a_later_send_opens_new_ones(
    serve: Serve, transport: SocketTransport
) -> None:
    hung_up = threading.Event()

    def note_hang_up(connection: Connection) -> None:
        wait_for_hang_up(connection)
        hung_up.set()

    server = serve([answer(b"1"), note_hang_up], [answer(b"2")])
    transport.send(post(server.url))
    transport.close()
    assert hung_up.wait(PATIENCE)
    assert transport.send(post(server.url)).body == b"2"


# Proxies


@pytest.fixture
def proxied() -> Iterator[Callable[[str], SocketTransport]]:
    opened: list[SocketTransport] = []

    def do(proxy: str = "") -> SocketTransport:
        opened.append(SocketTransport(connect_timeout=5, read_timeout=5, proxy=proxy))
        return opened[-1]

    yield do
    for transport in opened:
        transport.close()


Proxied = Callable[..., SocketTransport]


def test_a_proxy_of_an_option_carries_plain_http(serve: Serve, proxied: Proxied) -> None:
    proxy = serve([answer(b"through")], [answer(b"again")])
    transport = proxied(proxy.url)
    assert transport.send(Request("POST", "http://vendor.invalid/send?a=%20b", {}, b"x")).body == b"through"
    assert transport.send(Request("GET", "http://vendor.invalid:8080")).body == b"again"
    targets = [request.target.rstrip("/") for request in proxy.requests]
    assert targets == ["http://vendor.invalid/send?a=%20b", "http://vendor.invalid:8080"]
    assert [request.headers["host"] for request in proxy.requests] == ["vendor.invalid", "vendor.invalid:8080"]


def test_a_proxy_of_the_environment(serve: Serve, proxied: Proxied, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve([answer(b"through")])
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    assert proxied().send(Request("GET", "http://vendor.invalid/")).body == b"through"
    assert len(proxy.requests) == 1


def test_a_proxy_of_the_environment_without_a_scheme(
    serve: Serve, proxied: Proxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve([answer(b"through")])
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
    assert proxied().send(Request("GET", "http://vendor.invalid/")).body == b"through"


def test_hosts_that_the_environment_exempts_need_no_proxy(
    serve: Serve, proxied: Proxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve([answer(b"never")])
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "vendor.invalid")
    assert failure(proxied(), Request("GET", "http://vendor.invalid/")).sent is False
    assert not proxy.requests


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_needs_no_proxy_of_the_environment(
    serve: Serve, proxied: Proxied, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    proxy, server = serve([answer(b"through")]), serve([answer(b"direct")])
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert proxied().send(Request("GET", f"http://{host}:{server.port}/")).body == b"direct"
    assert not proxy.requests


@pytest.mark.parametrize(
    "script",
    [[answer(b"no", 403)], [answer(b"no", 407)], [close_after_reading], [say(b"garbage\r\n\r\n")]],
    ids=["403", "407", "closed", "garbage"],
)
def test_a_tunnel_that_the_proxy_refuses_was_not_sent(
    serve: Serve, proxied: Proxied, script: list[Callable[[Connection], object]]
) -> None:
    proxy = serve(script)
    error = failure(proxied(proxy.url), post("https://vendor.invalid"))
    assert error.sent is False
    assert all(request.method == "CONNECT" for request in proxy.requests)


def test_a_dead_proxy_was_not_sent(proxied: Proxied, dead_port: int) -> None:
    assert failure(proxied(f"http://127.0.0.1:{dead_port}"), post("http://vendor.invalid")).sent is False


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_user_and_password_of_a_proxy_are_used_and_not_shown(serve: Serve, proxied: Proxied, scheme: str) -> None:
    proxy = serve([answer(b"no", 407)])
    transport = proxied(f"http://user:kept%2Fsecret@127.0.0.1:{proxy.port}")
    try:
        transport.send(Request("GET", f"{scheme}://vendor.invalid/"))
    except TransportError as error:
        assert "secret" not in "".join(traceback.format_exception(error, limit=0))
    # "user:kept/secret" in base64, RFC 7617
    assert proxy.requests[0].headers.get("proxy-authorization") == "Basic dXNlcjprZXB0L3NlY3JldA=="


# All together: what a client makes of it


@pytest.mark.parametrize(
    ("script", "raised", "outcome"),
    [
        ([close_after_reading], OutcomeUnknown, Outcome.UNKNOWN),
        ([half_answer(b"OK b1")], OutcomeUnknown, Outcome.UNKNOWN),
        ([redirect("https://elsewhere.invalid/")], OutcomeUnknown, Outcome.UNKNOWN),
        ([answer(b"<html>403</html>", 403)], SmsError, Outcome.NOT_SENT),
    ],
    ids=["no answer", "half an answer", "redirect", "403"],
)
def test_a_send_over_a_real_socket_says_what_is_known(
    serve: Serve,
    transport: SocketTransport,
    script: list[Callable[[Connection], object]],
    raised: type[SmsError],
    outcome: Outcome,
) -> None:
    server = serve([answer(b"OK token"), *script])
    with bind(transport, base_url=server.url) as sms, pytest.raises(raised) as caught:
        sms.send("x", to="0900000001")
    assert [row.outcome for row in caught.value.result.outcomes] == [outcome]  # type: ignore[attr-defined]
    assert [request.target for request in server.requests] == ["/login", "/send"]


def test_a_send_without_a_connection_is_tried_again_and_then_surely_unsent(
    transport: SocketTransport, dead_port: int
) -> None:
    with bind(transport, base_url=f"http://127.0.0.1:{dead_port}") as sms, pytest.raises(NotSent) as caught:
        sms.send("x", to="0900000001")
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.NOT_SENT]


def test_a_read_is_tried_again_over_a_new_connection(serve: Serve, transport: SocketTransport) -> None:
    server = serve([answer(b"OK token"), close_after_reading], [half_answer(b"OK 1")], [answer(b"OK 7")])
    with bind(transport, base_url=server.url) as sms:
        assert sms.balance().credit == 7
    assert [request.target for request in server.requests] == ["/login", "/balance", "/balance", "/balance"]
