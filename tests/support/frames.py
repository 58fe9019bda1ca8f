"""What an error tracker writes down of an error: its words, the errors behind it, and the locals of every frame."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterator

from sms_core import SendError


def errors_behind(error: BaseException) -> Iterator[BaseException]:
    """The error, its causes and contexts, and the errors of its rows, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [found.__cause__, found.__context__]
        if isinstance(found, SendError):
            waiting += [row.error for row in found.result.outcomes]


def shown_by(error: BaseException, secrets: Collection[str], *, but_not_in: str) -> list[str]:
    """Where one of the secrets stands; frames of the file ``but_not_in``, the caller's own, do not count."""
    places = []
    for found in errors_behind(error):
        words = {"repr": repr(found), "words": str(found), "notes": repr(getattr(found, "__notes__", ()))}
        for name, text in words.items():
            if _holds(text, secrets):
                places.append(f"{type(found).__name__}'s {name}: {text}")
        for frame, line in traceback.walk_tb(found.__traceback__):
            code = frame.f_code
            if code.co_filename == but_not_in:
                continue
            for name, value in frame.f_locals.items():
                if _holds(repr(value), secrets):
                    places.append(
                        f"{type(found).__name__}: {code.co_filename}:{line} {code.co_name}: {name} = {value!r}"
                    )
    return places


def _holds(text: str, secrets: Collection[str]) -> bool:
    return any(secret in text for secret in secrets)
