"""A sandbox in a process of its own, with its own database: it knows what was taken, whatever becomes of those who send."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from attrs import frozen

PATIENCE = 30.0


@frozen
class Taken:
    """A text that the vendor accepted."""

    number: str
    text: str
    batch_id: str


class SandboxProcess:
    """``python -m sms_core_sandbox`` while a ``with`` block lasts. Its vendor is EVERY8D, whose filter knows every send."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sms-sandbox-")
        command = [sys.executable, "-u", "-m", "sms_core_sandbox", "--port", "0"]
        command += ["--db", f"{self._folder.name}/sandbox.db", "--filter-sees-all"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
        self._dsn = self._read_dsn()
        self.port: int = urlsplit(self._dsn).port or 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def dsn(self, *, port: int | None = None, **options: object) -> str:
        """The DSN of EVERY8D, by way of another port if one is given."""
        parts = urlsplit(self._dsn)
        place = parts.netloc.rpartition(":")[0] + f":{port or self.port}"
        query = "&".join([parts.query, *(f"{name}={value}" for name, value in options.items())])
        return urlunsplit((parts.scheme, place, parts.path, query, ""))

    def taken(self) -> list[Taken]:
        """What it accepted since the last reset, in order."""
        return [Taken(row["number"], row["text"], row["batch_id"]) for row in self._ask("GET", "accepted")]

    def reset(self) -> None:
        """Let it forget that, and all logins."""
        self._ask("POST", "reset")

    def _ask(self, method: str, name: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, f"/_sandbox/{name}", "{}", {"Content-Type": "application/json"})
            answer = connection.getresponse()
            words = answer.read()
            assert answer.status < HTTPStatus.BAD_REQUEST, words
            return json.loads(words)
        finally:
            connection.close()

    def _read_dsn(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, _, dsn = line.strip().partition(" ")
            if name == "every8d":
                return dsn.strip()
        raise AssertionError("the sandbox has not started")
