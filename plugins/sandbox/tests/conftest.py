"""One sandbox for each file of tests, emptied for each test; and a receiver of pushes."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import urllib3

# At the end, so that an installed sms_core is tested and not the folder of this name.
sys.path.append(str(Path(__file__).parents[3]))

from sms_core_sandbox import Sandbox

CREDIT = 1000


@pytest.fixture(scope="module")
def shared_box() -> Iterator[Sandbox]:
    with Sandbox(faces=["every8d"], credit=CREDIT, push_delay=0.0, push_interval=0.01) as box:
        yield box


@pytest.fixture
def box(shared_box: Sandbox) -> Iterator[Sandbox]:
    shared_box.reset()
    shared_box.callback_url = None
    shared_box.exchange.filter_sees_all = False
    yield shared_box
    shared_box.callback_url = None


class Wire:
    """EVERY8D's wire, spoken by hand."""

    def __init__(self, box: Sandbox) -> None:
        self.base = f"{box.url}/every8d/API21/HTTP/"
        self.credentials = {"UID": "sandbox", "PWD": "sandbox-password"}
        self.pool = urllib3.PoolManager(retries=False, timeout=5.0)

    def __call__(self, path: str, /, *, token: str = "", **fields: str) -> str:
        """A form POST; with the user's name and password unless there is a token."""
        fields = fields if token else {**self.credentials, **fields}
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        answer = self.pool.request("POST", self.base + path, body=urlencode(fields), headers=headers)
        assert answer.status == 200
        return answer.data.decode()

    def json(self, path: str, value: object, token: str = "") -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        answer = self.pool.request("POST", self.base + path, body=body, headers=headers)
        assert answer.status == 200
        decoded: dict[str, Any] = answer.json()
        return decoded

    def login(self) -> str:
        answer = self.json("ConnectionHandler.ashx", {"HandlerType": 3, "VerifyType": 1, **self.credentials})
        assert answer["Result"] is True
        token: str = answer["Msg"]
        return token


@pytest.fixture
def wire(box: Sandbox) -> Iterator[Wire]:
    made = Wire(box)
    yield made
    made.pool.clear()


class Receiver:
    """Takes pushes; ``status`` decides what it answers to each."""

    def __init__(self, status: Callable[[dict[str, str]], int]) -> None:
        self.queries: list[dict[str, str]] = []
        self.paths: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                receiver.queries.append(query)
                receiver.paths.append(parts.path)
                self.send_response(status(query))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/Report.aspx"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    """Start receivers; they stop with the test."""
    running: list[Receiver] = []

    def start(status: Callable[[dict[str, str]], int] = lambda _: 200) -> Receiver:
        running.append(Receiver(status))
        return running[-1]

    yield start
    for receiver in running:
        receiver.stop()
