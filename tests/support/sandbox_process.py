"""A sandbox in a process of its own: this file runs there, and `Vendor` starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self


class Vendor:
    """EVERY8D in a process of its own, while a ``with`` block lasts."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.dsn = str(self._ask())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def take_stock(self) -> list[tuple[str, str]]:
        """What it took since this was asked last, as pairs of batch id and number. It forgets that, and all logins."""
        return [(batch_id, number) for batch_id, number in self._ask()]

    def _ask(self) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def main() -> None:
    """Answer each line of the input with one of the output: the first with the DSN, the others with what was taken."""
    from sms_core_sandbox import Sandbox  # noqa: PLC0415 - a sandbox is for its own process

    with Sandbox(faces=["every8d"]) as box:
        sys.stdin.readline()
        _say(box.dsn("every8d"))
        while sys.stdin.readline():
            _say([(message.batch_id, message.number) for message in box.exchange.messages])
            box.reset()


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
