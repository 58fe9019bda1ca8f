"""Results that the database would not take until the end of the process: a file, which the next start reads first."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sms_core.errors import ConfigurationError
from sms_core.serialize import from_data, to_data
from sms_core_outbox.answers import Answer
from sms_core_outbox.holders import is_free

ENDING = ".spill"


def write(path: Path, answers: Mapping[str, Sequence[Answer]]) -> None:
    """Add answers, by account, to a file, and wait until it is on the disk. Raises `OSError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        for account, found in answers.items():
            for answer in found:
                file.write(json.dumps({"account": account, "answer": to_data(answer)}, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> dict[str, list[Answer]]:
    """The answers in a file, by account. A last line that was not finished is left out: its writer died over it.

    Raises `ConfigurationError` for a file that is none of ours.
    """
    found: dict[str, list[Answer]] = {}
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            data = json.loads(line)
            found.setdefault(data["account"], []).append(from_data(data["answer"], Answer))
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigurationError(f"{path} holds no results of sends") from error
    return found


def left_over(folder: Path) -> Iterator[Path]:
    """The files in a folder whose writers have ended."""
    for path in sorted(folder.glob(f"*{ENDING}")):
        lock = path.with_suffix(".lock")
        if not lock.exists() or is_free(lock):
            yield path
