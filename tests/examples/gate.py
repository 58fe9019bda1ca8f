"""What stands between the vendor and the application, so that a test kills the application at an exact moment."""

from __future__ import annotations

import enum
import threading
from collections import deque
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import NamedTuple, Self

TIMEOUT = 10.0


class Moment(enum.Enum):
    """When the application is killed: of both the vendor hears nothing, and pushes again."""

    IN_HAND = "while it has a push in hand"
    HANDLED = "when it has answered, before the vendor hears it"


class Kill(NamedTuple):
    """One kill: after so many answers that the vendor has heard, at this moment of the next push."""

    after: int
    moment: Moment


class Gate:
    """A proxy in front of the application's port. ``kill`` is called at each of the ``plan``'s moments in turn."""

    def __init__(self, port: int, kill: Callable[[], object], *plan: Kill) -> None:
        self._kill = kill
        self._plan = deque(plan)
        self._heard = 0
        self._killed = threading.Semaphore(0)
        self._app = ("127.0.0.1", port)
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gate._pass_on(self)

            def log_message(self, *_: object) -> None:
                """The paths hold the secret."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="gate", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def wait_for_kill(self, timeout: float) -> bool:
        """Wait for the next kill (then True), at most ``timeout`` seconds (then False)."""
        return self._killed.acquire(timeout=timeout)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _pass_on(self, push: BaseHTTPRequestHandler) -> None:
        """Pass a push on, and the answer back; the connection is cut where the application is dead or gets killed."""
        push.close_connection = True
        due = self._plan[0].moment if self._plan and self._heard >= self._plan[0].after else None
        connection = HTTPConnection(*self._app, timeout=TIMEOUT)
        try:
            connection.request("GET", push.path)
            if due is Moment.IN_HAND:
                self._kill_now()
                return
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException):  # it is dead or not up yet
            return
        finally:
            connection.close()
        if due is Moment.HANDLED and answer.status == 200:
            self._kill_now()
            return
        self._heard += answer.status == 200
        push.send_response(answer.status)
        push.send_header("Content-Length", str(len(body)))
        push.end_headers()
        push.wfile.write(body)

    def _kill_now(self) -> None:
        self._plan.popleft()
        self._kill()
        self._killed.release()
