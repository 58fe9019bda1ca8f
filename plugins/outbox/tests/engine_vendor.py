"""A vendor that many processes share: what it took is a file's lines. This file's folder tells a send when to go on."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from outbox_vendor import HASH_KEY, Vendor

from sms_core.http import Request, Response
from sms_core_outbox import Alarm, Outbox
from tests.support.tiny import fields_of

PATIENCE = 60


def say(word: str) -> None:
    """Tell the test, which reads the process's output."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def open_outbox(url: str, folder: Path, *, holds: bool = False) -> Outbox:
    """The outbox of a process. Where it ``holds``, each send waits for the file ``go`` before the vendor takes it."""

    def take(request: Request) -> Response:
        say("sending")
        limit = time.monotonic() + PATIENCE
        while holds and not (folder / "go").exists() and time.monotonic() < limit:
            time.sleep(0.02)
        with (folder / "taken").open("a", encoding="utf-8") as file:
            file.writelines(f"{number}\n" for number in fields_of(request)["numbers"])
        return Response(200, body=f"OK {time.monotonic_ns()}".encode())

    class Shared(Vendor):
        def _answer(self, request: Request) -> Response:
            self.answers = [take]
            return super()._answer(request)

    def note(alarm: Alarm) -> None:
        say(f"alarm {alarm.kind}")

    options: dict[str, Any] = {"hash_key": HASH_KEY, "state": folder / "state", "on_alarm": note}
    return Outbox(url, accounts={"main": Shared().client()}, **options)


def taken(folder: Path) -> list[str]:
    """The numbers that the vendor took, in order, each as often as it did."""
    file = folder / "taken"
    return file.read_text(encoding="utf-8").split() if file.exists() else []
