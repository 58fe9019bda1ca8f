"""The vendor that the examples send through: a sandbox in a process of its own, with a database of its own.

This file runs there, and `Oracle` starts it. It pushes each report until it is heard.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

PATIENCE = 30.0


class Taken(NamedTuple):
    """A text that the vendor took; times are seconds since 1970, and None where it has not come to that."""

    number: str
    batch_id: str
    status: str
    taken_at: float
    done_at: float | None


class Oracle:
    """EVERY8D while a ``with`` block lasts. It pushes to the receiver ``callback_url``, or with "" nowhere.

    The answer to each send takes ``slow`` seconds.
    """

    def __init__(self, file: Path, callback_url: str, slow: float = 0.0) -> None:
        command = [sys.executable, __file__, str(file), callback_url, str(slow)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.dsn = str(self._ask("dsn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def taken(self) -> list[Taken]:
        """Every text that it took, each as often as it did."""
        return [Taken(*row) for row in self._ask("taken")]

    def wait_pushed(self) -> bool:
        """Wait until everything that it had to report was heard; False where that does not happen."""
        return bool(self._ask("pushed"))

    def _ask(self, word: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def main() -> None:
    """Answer each line of the input with one of the output."""
    import attrs  # noqa: PLC0415 - all of this is for the sandbox's own process

    from sms_core.testing import Exchange  # noqa: PLC0415
    from sms_core_every8d.sandbox import face  # noqa: PLC0415
    from sms_core_sandbox import Face, Sandbox  # noqa: PLC0415

    def patient(exchange: Exchange) -> Face:
        return attrs.evolve(face(exchange), retries=1_000_000)

    file, callback_url, slow = sys.argv[1:]
    options: dict[str, Any] = {"db": file, "callback_url": callback_url or None, "filter_sees_all": True}
    with Sandbox(faces={"every8d": patient}, **options) as box:
        if float(slow):
            box.faults.add("slow", match="SendSMS.ashx", seconds=float(slow), times=None)
        answers = {
            "dsn": lambda: box.dsn("every8d", filter_sees_all="true"),
            "taken": lambda: [
                (
                    message.number,
                    message.batch_id,
                    message.status.value,
                    message.accepted_at.timestamp(),
                    message.done_at and message.done_at.timestamp(),
                )
                for message in box.exchange.messages
            ],
            "pushed": lambda: box.wait_pushed(PATIENCE),
        }
        for line in sys.stdin:
            sys.stdout.write(json.dumps(answers[line.strip()]()) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
