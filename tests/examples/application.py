"""An example as a user runs it: its real servers, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

EXAMPLES = Path(__file__).parents[2] / "examples"
DEADLINE = 120.0
SECRET = "a-secret-of-these-tests-only"
TOKEN = "a-token-of-these-tests-only"


def wait_until(condition: Callable[[], bool], log: Callable[[], str]) -> None:
    """Look again and again, until it holds. Raises `TimeoutError` with the log."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(log())
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Example(NamedTuple):
    """What an example's README says of how to run it; ``{port}`` is the web server's.

    ``account`` is the name in the webhook's address, ``tables`` what the names of its tables begin with.
    """

    folder: str
    commands: list[list[str]]
    first: tuple[str, ...] = ()
    account: str = "every8d"
    tables: str = ""


class Application:
    """The processes of an example, their files in ``folder``. It is the environment's account that they use."""

    def __init__(self, example: Example, folder: Path, dsn: str) -> None:
        self.example = example
        self.folder = EXAMPLES / example.folder
        self.port = free_port()
        self.database = folder / "messages.sqlite3"
        self._commands = [[word.format(port=self.port) for word in command] for command in example.commands]
        self._log = folder / "log"
        self._processes: list[subprocess.Popen[bytes]] = []
        queue = {name: str(folder / name) for name in ("queue", "control", "processed")}
        self.queue = folder / "queue"
        self.queue.mkdir()
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(EXAMPLES / "shared"),  # as each README says
            "SMS_DSN": dsn,
            "SMS_WEBHOOK_SECRET": SECRET,
            "APP_TOKEN": TOKEN,
            "DATABASE": str(self.database),
            "CELERY_BROKER_URL": "filesystem://",
            "CELERY_BROKER_OPTIONS": json.dumps(
                {
                    "data_folder_in": queue["queue"],
                    "data_folder_out": queue["queue"],
                    "control_folder": queue["control"],
                    "processed_folder": queue["processed"],
                    "polling_interval": 0.05,
                }
            ),
            "TMPDIR": str(folder),  # where a worker that is killed leaves what is its own
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def __enter__(self) -> Self:
        if self.example.first:
            self.run(*self.example.first)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that its processes have said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self, *only: int) -> None:
        """Start its processes (or those of these positions), and wait for the web server's first answer."""
        with self._log.open("ab") as log:
            self._processes += [
                subprocess.Popen(
                    command,
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                for position, command in enumerate(self._commands)
                if not only or position in only
            ]
        wait_until(self._answers, lambda: self.log)

    def _answers(self) -> bool:
        dead = [process for process in self._processes if process.poll() is not None]
        assert not dead, self.log
        try:
            with urllib.request.urlopen(self.url, timeout=5):
                return True
        except urllib.error.HTTPError as answer:
            answer.close()
            return True
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9, them and their children."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let them finish what they have in hand."""
        self._end(signal.SIGTERM)

    def _end(self, signal_number: int) -> None:
        for process in self._processes:
            if process.poll() is None:
                if signal_number == signal.SIGKILL:
                    os.killpg(process.pid, signal_number)
                else:
                    process.send_signal(signal_number)
        for process in self._processes:
            process.wait(DEADLINE)
        self._processes.clear()

    def run(self, *command: str) -> str:
        """The output of a command in its folder and environment."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, path: str, body: object = None, token: str = TOKEN) -> Any:
        """The JSON that it answers to a GET, or with a body to a POST."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return json.load(answer)

    def rows(self, table: str, *columns: str) -> Counter[tuple[Any, ...]]:
        """The rows of a table of its database, and how often each is there."""
        with closing(sqlite3.connect(self.database, timeout=DEADLINE)) as connection:
            return Counter(connection.execute(f"SELECT {', '.join(columns)} FROM {self.example.tables}{table}"))

    def handled(self) -> int:
        """How many events it has handled: the rows of their effects."""
        return self.rows("report", "batch_id").total() + self.rows("reply", "batch_id").total()
