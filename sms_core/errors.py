"""Everything that can go wrong, split by who is at fault.

::

    SmsError
    ├── ConfigurationError         the caller: DSN, option, a provider that is not installed, two that clash
    ├── InvalidMessage             the caller: refused here, before anything was sent; names the field
    ├── Unsupported                the provider cannot do this; names the capability
    ├── SendError                  a send that did not wholly succeed; ``.result`` has each recipient's outcome
    │   ├── NotSent                nothing left this machine, or the vendor surely took nothing
    │   ├── PartiallySent          some accepted, some surely not
    │   └── OutcomeUnknown         at least one may have been accepted: ``settle()`` it
    ├── VendorError                the vendor said no: ``.code``, ``.vendor_text``, ``.retry``
    │   ├── AuthenticationFailed
    │   ├── InsufficientCredit
    │   ├── RecipientRefused
    │   ├── ContentRefused
    │   ├── RateLimited            ``.retry_after`` seconds, where the vendor says
    │   ├── SessionExpired
    │   ├── NotFound
    │   └── VendorUnavailable
    ├── TransportError             the network, for operations that are not sends
    ├── MalformedResponse          an answer that is not what the vendor documents
    └── CallbackRefused            a callback that is not the vendor's, or not ours to take

A refused send raises the `VendorError` it is, as a class that is a `SendError` too: ``except SendError``
catches every failed send, ``except InsufficientCredit`` the precise one.

Every error can be pickled, so it can cross a process boundary (Celery, multiprocessing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sms_core.masking import mask_numbers

if TYPE_CHECKING:
    from sms_core.http import Response
    from sms_core.model import SendResult


class SmsError(Exception):
    """The root: ``except SmsError`` catches all that this library raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(cls: type[SmsError], args: tuple[Any, ...], attributes: dict[str, Any]) -> SmsError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class ConfigurationError(SmsError):
    """The set-up is wrong: a DSN, an option, a provider that is missing or that clashes with another."""


class InvalidMessage(SmsError):
    """The message was refused here, before anything was sent or paid.

    ``field`` is the path of what is wrong, such as ``text`` or ``to[3].number`` (counted from 0).
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Unsupported(SmsError):
    """The provider cannot do this. ``capability`` is the name of what is missing."""

    def __init__(self, provider: str, capability: str, hint: str = "") -> None:
        super().__init__(f"provider {provider!r} does not support {capability!r}" + (f": {hint}" if hint else ""))
        self.provider = provider
        self.capability = capability


class SendError(SmsError):
    """A send that did not wholly succeed. ``result`` still tells what happened to each recipient."""

    result: SendResult

    def __init__(self, message: str, result: SendResult) -> None:
        super().__init__(message)
        self.result = result


class NotSent(SendError):
    """Nothing left this machine, or the vendor surely took nothing: it is safe to try again."""


class PartiallySent(SendError):
    """Some recipients were accepted and the others surely were not."""


class OutcomeUnknown(SendError):
    """At least one recipient may have been accepted. Never send again blindly: `Client.settle` it."""


class VendorError(SmsError):
    """The vendor said no.

    ``code`` is the vendor's own code ("" where there is none), ``vendor_text`` its words, ``retry`` whether
    trying the same again can help. ``maybe_taken`` is True where the vendor may have acted on the
    request all the same (a gateway's 502): after a send that means an unknown outcome.
    """

    def __init__(
        self,
        reason: str = "",
        *,
        code: str = "",
        vendor_text: str = "",
        retry: bool = False,
        maybe_taken: bool = False,
    ) -> None:
        # The vendor's words may quote a number, and this text ends in logs.
        words = " ".join(filter(None, (code, mask_numbers(vendor_text))))
        super().__init__(": ".join(filter(None, (reason, words))) or "refused by the vendor")
        self.reason = reason
        self.code = code
        self.vendor_text = vendor_text
        self.retry = retry
        self.maybe_taken = maybe_taken


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

    def __init__(self, reason: str = "", *, retry_after: float | None = None, **details: Any) -> None:
        details.setdefault("retry", True)
        super().__init__(reason, **details)
        self.retry_after = retry_after


class SessionExpired(VendorError):
    """The login is no longer good. The library logs in again once by itself before this is raised."""


class NotFound(VendorError):
    """The vendor knows no such batch or booking."""


class VendorUnavailable(VendorError):
    """The vendor, or something in front of it, is out of order for now.

    ``status`` is the HTTP status where that is all the answer there is, else None.
    """

    def __init__(self, reason: str = "", *, status: int | None = None, **details: Any) -> None:
        super().__init__(reason, **details)
        self.status = status


class TransportError(SmsError):
    """The network failed.

    ``sent`` is False only where surely no byte of the request left this machine (DNS, connect, TLS).
    ``timed_out`` is True where the peer was still silent when our patience ended, so it may act later.
    """

    def __init__(self, reason: str, *, sent: bool, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.sent = sent
        self.timed_out = timed_out


class MalformedResponse(SmsError):
    """An answer that is not what the vendor documents. ``response`` is the answer, where there is one."""

    def __init__(self, reason: str, response: Response | None = None) -> None:
        super().__init__(reason)
        self.response = response


class CallbackRefused(SmsError):
    """A callback that is not the vendor's, or not ours to take. ``status`` is the HTTP status it deserves."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class _RefusedSend(SendError):
    """What a `VendorError` becomes when it refuses a send: still itself, and a `SendError` with a result."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_refused, (_vendor_class(self), self.args, self.__dict__)


def _vendor_class(error: SmsError) -> type[Any]:
    return type(error).__mro__[1] if isinstance(error, _RefusedSend) else type(error)


_refused_classes: dict[type[VendorError], type[VendorError]] = {}


def _refused_class(vendor_class: type[VendorError]) -> type[VendorError]:
    if vendor_class not in _refused_classes:
        details = {"__module__": vendor_class.__module__, "__doc__": vendor_class.__doc__}
        _refused_classes[vendor_class] = type(vendor_class.__name__, (vendor_class, _RefusedSend), details)
    return _refused_classes[vendor_class]


def _restore_refused(cls: type[VendorError], args: tuple[Any, ...], attributes: dict[str, Any]) -> SmsError:
    return _restore(_refused_class(cls), args, attributes)


def refused_send(error: VendorError, result: SendResult) -> SmsError:
    """The same vendor error, as one that ``except SendError`` catches too, with ``.result``."""
    attributes = {**error.__dict__, "result": result}
    return _restore_refused(_vendor_class(error), error.args, attributes)
