"""A client that is used before a fork: each process sends over connections of its own, and every outcome is true."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trustme

import sms_core
from sms_core.http import Request
from sms_core.webhooks import MemoryEvents
from tests.reliability.forks import lies, send_some
from tests.support import tiny
from tests.support.colours import BlockingTransport, bind_async, connect_blocking
from tests.support.forks import Work, fork, fork_by_multiprocessing, in_children
from tests.support.sandbox_process import SandboxProcess
from tests.support.scripted_server import Connection, ScriptedServer, answer

# What we promise is to be tested with threads around; Python warns of a fork then since 3.12.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

Serve = Callable[..., ScriptedServer]
PATIENCE = 20.0
SENDS = 12
"""For each process; `nox -s reliability` has twice as many."""
# Of either colour, see below.
connect: Callable[..., Any] = sms_core.connect
bind: Callable[..., Any] = tiny.bind
Transport: Callable[..., Any] = sms_core.SocketTransport


@pytest.fixture(params=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    is_async = request.param == "async"
    monkeypatch.setitem(globals(), "connect", connect_blocking if is_async else sms_core.connect)
    monkeypatch.setitem(globals(), "bind", bind_async if is_async else tiny.bind)
    monkeypatch.setitem(globals(), "Transport", BlockingTransport if is_async else sms_core.SocketTransport)


@pytest.fixture(scope="module")
def vendor() -> Iterator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


CASES = [
    ("token", "nothing", 8, fork),
    ("token", "check", 8, fork_by_multiprocessing),
    ("token", "send", 2, fork),
    ("token", "send", 8, fork),
    ("password", "nothing", 8, fork_by_multiprocessing),
    ("password", "send", 8, fork),
]


@pytest.mark.parametrize(("auth", "before", "children", "start"), CASES)
def test_no_process_is_told_another_s_answer(
    vendor: SandboxProcess, auth: str, before: str, children: int, start: Callable[[Work, int], tuple[int, int]]
) -> None:
    vendor.reset()
    with connect(vendor.dsn(auth=auth)) as sms:
        said: list[Sequence[Sequence[str]]] = []
        if before == "check":
            sms.check()
        if before == "send":
            said.append(send_some(sms, 99, 1))
        with ThreadPoolExecutor(1) as pool:  # the parent goes on meanwhile, in another thread
            own = pool.submit(send_some, sms, 98, SENDS)
            said += in_children(children, lambda child: send_some(sms, child, SENDS), start)
            said.append(own.result(PATIENCE))
    taken = vendor.taken()
    assert len(taken) == (children + 1) * SENDS + (before == "send")
    assert lies(said, taken) == []


def test_a_child_takes_over_the_login_and_its_parent_keeps_connection_and_session(serve: Serve) -> None:
    parent_s = [answer(b"OK token"), answer(b"OK b1"), answer(b"OK b3"), answer(b"OK")]
    server = serve(parent_s, [answer(b"OK b2"), answer(b"never")])
    transport = Transport(idle_timeout=60)
    with bind(transport, base_url=server.url, close_session=True) as sms:

        def work(_: int) -> str | None:
            with sms:
                return sms.send("x", to="0900000001").batch_id

        assert sms.send("x", to="0900000001").batch_id == "b1"
        assert in_children(1, work) == ["b2"]
        assert sms.send("x", to="0900000001").batch_id == "b3"
        assert [request.target for request in server.requests] == ["/login", "/send", "/send", "/send"]
        assert server.connections == 2


def test_a_child_s_own_login_is_ended_by_the_child(serve: Serve) -> None:
    server = serve([answer(b"OK token"), answer(b"OK b1"), answer(b"OK")])
    sms = bind(Transport(), base_url=server.url, close_session=True)

    def work(_: int) -> str | None:
        with sms:
            return sms.send("x", to="0900000001").batch_id

    assert in_children(1, work) == ["b1"]
    assert [request.target for request in server.requests] == ["/login", "/send", "/logout"]


def test_a_refusal_is_taken_over_too(serve: Serve) -> None:
    server = serve([answer(b"NO auth"), answer(b"never")])
    sms = bind(Transport(), base_url=server.url)

    def refused(_: int) -> str:
        with pytest.raises(sms_core.AuthenticationFailed) as caught:
            sms.check()
        return str(caught.value)

    refused(0)
    assert all("refused before" in text for text in in_children(8, refused))
    assert len(server.requests) == 1


def test_a_fork_while_a_thread_logs_in_holds_up_no_child(serve: Serve) -> None:
    may_answer = threading.Event()

    def log_in_slowly(connection: Connection) -> None:
        connection.read_request()
        may_answer.wait(PATIENCE)
        connection.raw.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nOK token")

    server = serve([log_in_slowly, answer(b"OK p")], [answer(b"OK token"), answer(b"OK c")])
    sms = bind(Transport(), base_url=server.url)

    def send(_: int = 0) -> str | None:
        return sms.send("x", to="0900000001").batch_id

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(send)
        server.wait_for_requests(1)
        assert in_children(8, send, patience=PATIENCE) == ["c"] * 8
        may_answer.set()
        assert waiting.result(PATIENCE) == "p"


def test_places_that_the_parent_s_threads_hold_are_free_in_a_child(serve: Serve) -> None:
    may_answer = threading.Event()
    server = serve([lambda _: may_answer.wait(PATIENCE), answer(b"p")], [answer(b"c")])
    transport = Transport(connections=1)
    request = Request("POST", f"{server.url}/send", body=b"x")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(transport.send, request)
        while not server.connections:
            threading.Event().wait(0.01)
        assert in_children(2, lambda _: transport.send(request).body.decode(), patience=PATIENCE) == ["c", "c"]
        may_answer.set()
        assert waiting.result(PATIENCE).body == b"p"


def test_a_child_does_not_shut_its_parent_s_tls_down(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    connections = []

    def serve_one(raw: socket.socket) -> None:
        with context.wrap_socket(raw, server_side=True) as connection:
            while connection.recv(65536):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:  # the test has ended
                return
            raw.settimeout(PATIENCE)
            connections.append(threading.Thread(target=serve_one, args=(raw,), daemon=True))
            connections[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        transport = Transport(idle_timeout=60, ca_file=str(tmp_path / "ca.pem"))
        request = Request("GET", f"https://localhost:{listener.getsockname()[1]}/")

        def ask(_: int) -> str:
            said = transport.send(request).body.decode()
            transport.close()
            return said

        assert transport.send(request).body == b"ok"
        assert in_children(2, ask) == ["ok", "ok"]
        assert transport.send(request).body == b"ok"
        assert len(connections) == 3
        transport.close()
        listener.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.join(PATIENCE)


def test_an_event_that_the_parent_has_in_hand_is_not_held_up_in_a_child() -> None:
    events = MemoryEvents()
    with events.claim("handled") as is_new:
        assert is_new

    def claim(_: int) -> list[bool]:
        with events.claim("handled") as known, events.claim("in hand") as other:
            return [known, other]

    with events.claim("in hand"):
        assert in_children(2, claim) == [[False, True]] * 2
