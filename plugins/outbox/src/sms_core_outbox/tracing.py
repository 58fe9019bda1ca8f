"""What an outbox says to a tracer, which it knows by this protocol alone: `sms_core_otel.OutboxTraces` is one."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Traces(Protocol):
    """Carries the context of a put to its send, as a W3C ``traceparent`` (https://www.w3.org/TR/trace-context/)."""

    def current(self) -> str | None:
        """The caller's context, to be stored with a put; None where it has none."""
        ...

    def sending(self, puts: Collection[str]) -> AbstractContextManager[object]:
        """Within the block, in its thread, a request is sent that holds texts of puts with these contexts."""
        ...


class NoTraces:
    """Nobody traces."""

    def current(self) -> str | None:
        """Nothing."""
        return None

    def sending(self, puts: Collection[str]) -> AbstractContextManager[object]:
        """Nothing."""
        del puts
        return nullcontext()
