"""What an operation of the control API is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen

from sms_core_sandbox.api.fields import Arguments, Field
from sms_core_sandbox.controlled import Controlled


class NotHere(LookupError):
    """There is nothing of this id, or nothing came: status 404."""


Answer = Callable[[Controlled, Arguments], object | Awaitable[object]]
"""Does what is asked and gives what goes out as JSON, or a `starlette.responses.Response`.

Raises `NotHere`, and `ValueError`, `LookupError` or `ArithmeticError` for what cannot be done: status 400.
"""


@frozen
class Operation:
    """One operation. ``gives`` is the JSON Schema of its answer; ``media_type`` of an answer that is no JSON.

    ``may_miss`` says that it may find nothing, which is status 404.
    """

    method: str
    path: str
    summary: str
    answer: Answer
    gives: dict[str, Any]
    in_path: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    body: tuple[Field, ...] = ()
    may_miss: bool = False
    media_type: str = "application/json"
