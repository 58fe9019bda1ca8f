"""Everything that can go wrong, split by who is at fault.

::

    SmsError
    ├── ConfigurationError         the caller: DSN, option, a provider that is not installed, two that clash
    ├── InvalidMessage             the caller: refused here, before anything was sent; names the field
    ├── Unsupported                the provider cannot do this; names the capability
    ├── SendError                  a send that did not wholly succeed; ``.result`` has each recipient's outcome
    │   ├── NotSent                nothing left this machine, or the vendor surely took nothing
    │   ├── PartiallySent          some accepted, some surely not
    │   ├── OutcomeUnknown         at least one may have been accepted; its text says what can be done
    │   └── VendorError            the vendor said no: ``.code``, ``.vendor_text``, ``.retry``
    │       ├── AuthenticationFailed
    │       ├── InsufficientCredit
    │       ├── RecipientRefused
    │       ├── ContentRefused
    │       ├── RateLimited        ``.retry_after`` seconds, where the vendor says
    │       ├── SessionExpired
    │       ├── NotFound
    │       └── VendorUnavailable
    ├── TransportError             the network, for operations that are not sends
    ├── MalformedResponse          an answer that is not what the vendor documents
    └── CallbackRefused            a callback that is not the vendor's, or not ours to take

A vendor can refuse a send with any of its errors, so a `VendorError` is a `SendError`: ``except SendError`` catches
every failed send, ``except InsufficientCredit`` the precise one. After another operation its ``result`` is empty.

Every error is an ordinary class. It survives ``pickle``, ``copy`` and ``type(error)(*error.args)``, also after its args
went through JSON.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from sms_core.caller_errors import ConfigurationError, InvalidMessage, SmsError, Unsupported
from sms_core.http import Response
from sms_core.masking import mask_numbers
from sms_core.model import SendResult
from sms_core.serialize import from_error_data, to_data

__all__ = [
    "AuthenticationFailed",
    "CallbackRefused",
    "ConfigurationError",
    "ContentRefused",
    "InsufficientCredit",
    "InvalidMessage",
    "MalformedResponse",
    "NotFound",
    "NotSent",
    "OutcomeUnknown",
    "PartiallySent",
    "RateLimited",
    "RecipientRefused",
    "SendError",
    "SessionExpired",
    "SmsError",
    "TransportError",
    "Unsupported",
    "VendorError",
    "VendorUnavailable",
]

NO_RESULT = SendResult(())
"""The result of what was no send."""


class SendError(SmsError):
    """A send that did not wholly succeed. ``result`` tells what happened to each recipient.

    In ``args`` the result is JSON. Options of a vendor's package that is not imported where an error is made from its
    args are kept as data (`sms_core.model.UnreadOptions`).
    """

    def __init__(self, reason: str, result: SendResult | Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.result = from_error_data(result or NO_RESULT, SendResult)
        self.args = (*self.args, _in_args(self.result))

    def with_result(self, result: SendResult) -> Self:
        """The same error with another result."""
        error = copy.copy(self)
        error.result = result
        error.args = (*self.args[:-1], _in_args(result))
        return error


def result_of(error: BaseException) -> SendResult | None:
    """What an error that ended a send tells of it: its ``result``, or the ``sms_result`` of whatever broke it off.

    None where nothing was begun.
    """
    if isinstance(error, SendError) and error.result.outcomes:
        return error.result
    found: SendResult | None = getattr(error, "sms_result", None)
    return found


def _in_args(result: SendResult) -> Any:
    return None if result == NO_RESULT else to_data(result)


class NotSent(SendError):
    """Nothing left this machine, or the vendor surely took nothing: it is safe to try again."""

    retry = True


class PartiallySent(SendError):
    """Some recipients were accepted and the others surely were not."""


class OutcomeUnknown(SendError):
    """At least one recipient may have been accepted. Never send again blindly: see `sms_core.Client.settle`."""


class VendorError(SendError):
    """The vendor said no.

    ``code`` is the vendor's own code ("" where there is none), ``vendor_text`` its words, ``retry`` whether trying the
    same again can help. ``maybe_taken`` is True where the vendor may have acted on the request all the same (a
    gateway's 502, a code that its document does not know): after a send that means an unknown outcome.
    """

    plain_fields: ClassVar[tuple[str, ...]] = ("reason", "code", "vendor_text", "retry", "maybe_taken")

    def __init__(
        self,
        reason: str = "",
        code: str = "",
        vendor_text: str = "",
        retry: bool = False,  # noqa: FBT001, FBT002 - args are positional
        maybe_taken: bool = False,  # noqa: FBT001, FBT002 - the same
        result: SendResult | Mapping[str, Any] | None = None,
    ) -> None:
        self.code = code
        self.vendor_text = vendor_text
        self.retry = retry
        self.maybe_taken = maybe_taken
        super().__init__(reason, result)

    def __str__(self) -> str:
        # The vendor's words may quote a number, and this text ends in logs.
        words = " ".join(filter(None, (self.code, mask_numbers(self.vendor_text))))
        return ": ".join(filter(None, (self.reason, words))) or "refused by the vendor"


class AuthenticationFailed(VendorError):
    """Wrong user or password, or the account is blocked. Not tried again until the credentials change."""


class InsufficientCredit(VendorError):
    """The account has too few points."""


class RecipientRefused(VendorError):
    """The vendor does not send to this number."""


class ContentRefused(VendorError):
    """The vendor does not send this text, subject or picture."""


class RateLimited(VendorError):
    """Too many requests. ``retry_after`` is in seconds, None where the vendor does not say."""

    plain_fields = (*VendorError.plain_fields, "retry_after")

    def __init__(
        self,
        reason: str = "",
        code: str = "",
        vendor_text: str = "",
        retry: bool = True,  # noqa: FBT001, FBT002 - args are positional
        maybe_taken: bool = False,  # noqa: FBT001, FBT002 - the same
        retry_after: float | None = None,
        result: SendResult | Mapping[str, Any] | None = None,
    ) -> None:
        self.retry_after = retry_after
        super().__init__(reason, code, vendor_text, retry, maybe_taken, result)


class SessionExpired(VendorError):
    """The login is no longer good. The library logs in again once by itself before this is raised."""


class NotFound(VendorError):
    """The vendor knows no such batch or booking."""


class VendorUnavailable(VendorError):
    """The vendor, or something in front of it, is out of order for now.

    ``status`` is the HTTP status where that is all the answer there is, else None.
    """

    plain_fields = (*VendorError.plain_fields, "status")

    def __init__(
        self,
        reason: str = "",
        code: str = "",
        vendor_text: str = "",
        retry: bool = False,  # noqa: FBT001, FBT002 - args are positional
        maybe_taken: bool = False,  # noqa: FBT001, FBT002 - the same
        status: int | None = None,
        result: SendResult | Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        super().__init__(reason, code, vendor_text, retry, maybe_taken, result)


class TransportError(SmsError):
    """The network failed.

    ``sent`` is False only where surely no byte of the request left this machine (DNS, connect, TLS); ``retry`` is True
    then. ``timed_out`` is True where the peer was still silent when our patience ended, so it may act later.
    """

    plain_fields = ("reason", "sent", "timed_out")

    def __init__(self, reason: str, sent: bool, timed_out: bool = False) -> None:  # noqa: FBT001, FBT002 - args are positional
        self.sent = sent
        self.timed_out = timed_out
        self.retry = not sent
        super().__init__(reason)


class MalformedResponse(SmsError):
    """An answer that is not what the vendor documents. ``response`` is the answer, where there is one."""

    def __init__(self, reason: str, response: Response | Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.response = None if response is None else from_error_data(response, Response)
        self.args = (reason, to_data(self.response))


class CallbackRefused(SmsError):
    """A callback that is not the vendor's, or not ours to take. ``status`` is the HTTP status it deserves."""

    plain_fields = ("reason", "status")

    def __init__(self, reason: str, status: int = 400) -> None:
        self.status = status
        super().__init__(reason)
