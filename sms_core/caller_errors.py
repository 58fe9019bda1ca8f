"""The root of all errors, and those that are the caller's to mend: raised here, before anything is sent.

They stand apart from the rest of `sms_core.errors`, which exports them too, since the values of `sms_core.model` raise
them, and the errors of a send hold such values.
"""

from __future__ import annotations

import copy
from typing import ClassVar, Self, TypeVar


class SmsError(Exception):
    """The root: ``except SmsError`` catches all that this library raises on purpose.

    ``retry`` says whether the same call may succeed later without sending anything twice. ``args`` are plain JSON
    values from which the class makes an equal error, so that an error crosses a queue: Celery's JSON backend does
    just that. ``str`` and ``repr`` mask what ``args`` hold.
    """

    retry: bool = False
    reason: str

    plain_fields: ClassVar[tuple[str, ...]] = ("reason",)
    """The attributes that are arguments of the constructor, in its order, and plain JSON values."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(*(getattr(self, name) for name in self.plain_fields))

    def __str__(self) -> str:
        return self.reason

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


ErrorT = TypeVar("ErrorT", bound=BaseException)


def bare(error: ErrorT) -> ErrorT:
    """The same error without the frames that it passed so far and the errors behind it.

    Error trackers write down the locals of every frame, and there secrets, numbers and texts stand plain. Raise it
    outside of the ``except`` block, or it gets its context again.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


class ConfigurationError(SmsError):
    """The set-up is wrong: a DSN, an option, a provider that is missing or that clashes with another."""


class InvalidMessage(SmsError):
    """The message was refused here, before anything was sent or paid.

    ``field`` is the path of what is wrong, such as ``text`` or ``to[3].number`` (counted from 0).
    """

    plain_fields: ClassVar[tuple[str, ...]] = ("field", "reason")

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(reason)

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"

    def with_field(self, field: str) -> Self:
        """The same error about another field: that of the same recipient in the whole message, say."""
        error = copy.copy(self)
        error.field = field
        error.args = tuple(getattr(error, name) for name in self.plain_fields)
        return error


class Unsupported(SmsError):
    """The provider cannot do this. ``capability`` is the name of what is missing, ``hint`` what to do instead."""

    plain_fields = ("provider", "capability", "hint")

    def __init__(self, provider: str, capability: str, hint: str = "") -> None:
        self.provider = provider
        self.capability = capability
        self.hint = hint
        reason = f"provider {provider!r} does not support {capability!r}"
        if hint:
            reason = f"{reason}: {hint}"
        super().__init__(reason)
