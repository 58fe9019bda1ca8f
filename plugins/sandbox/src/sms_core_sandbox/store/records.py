"""What a store keeps beside the exchange's own values."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime

from attrs import field, frozen


@frozen
class CallRecord:
    """A request to a face and what came back, as text without secrets.

    ``fields`` are those of its query and form, decoded. ``status`` is None where the connection was cut. ``fault`` is the kind of the fault that it got, "" for none, and
    ``acts`` whether the vendor carried the request out.
    """

    number: int
    at: datetime
    face: str
    method: str
    path: str = field(repr=False)
    request: str = field(repr=False)
    answer: str = field(repr=False)
    status: int | None
    fault: str = ""
    acts: bool = True
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)


current_call: ContextVar[int | None] = ContextVar("sms_core_sandbox_call", default=None)
"""The number of the request that this task answers."""
