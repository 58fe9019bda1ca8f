"""Send SMS and MMS through any vendor, say truthfully what became of each message, and never send one twice.

::

    import sms_core

    with sms_core.connect("every8d://UID:PWD@new.e8d.tw") as sms:
        result = sms.send("【互動資通】您的驗證碼是 123456", to="0900000001")
"""

from typing import TYPE_CHECKING

from sms_core.lazy import lazy_names

if TYPE_CHECKING:
    from sms_core._engine.bulk import Bulk, Sent
    from sms_core._engine.plan import Plan
    from sms_core._engine.preview import Preview, RecipientPreview
    from sms_core._engine.registry import InstalledProvider, installed_providers, providers
    from sms_core._engine.sessions import MemorySessions, SessionStore
    from sms_core._engine.transports.sync import SocketTransport
    from sms_core.aio import AsyncBulk, AsyncClient, AsyncioTransport, connect_async
    from sms_core.callbacks import Callback, CallbackRequest, CallbackResponse
    from sms_core.client import Client, connect
    from sms_core.errors import (
        AuthenticationFailed,
        CallbackRefused,
        ConfigurationError,
        ContentRefused,
        InsufficientCredit,
        InvalidMessage,
        MalformedResponse,
        NotFound,
        NotSent,
        OutcomeUnknown,
        PartiallySent,
        RateLimited,
        RecipientRefused,
        SendError,
        SessionExpired,
        SmsError,
        TransportError,
        Unsupported,
        VendorError,
        VendorUnavailable,
    )
    from sms_core.http import AsyncTransport, Transport
    from sms_core.model import (
        Balance,
        Cancellation,
        DeliveryReport,
        DeliveryStatus,
        Duplicate,
        InboundMessage,
        Media,
        Message,
        Outcome,
        Recipient,
        RecipientOutcome,
        SendResult,
        UnreadOptions,
        VendorOptions,
    )
    from sms_core.provider.account import Account
    from sms_core.provider.hooks import ProviderHooks, hookimpl
    from sms_core.provider.info import Limits, MmsLimits, ProviderInfo
    from sms_core.provider.operations import Capability
    from sms_core.provider.tariffs import SegmentTariff, Tariff

_NAMES_OF = {
    "sms_core._engine.bulk": ("Bulk", "Sent"),
    "sms_core._engine.plan": ("Plan",),
    "sms_core._engine.preview": ("Preview", "RecipientPreview"),
    "sms_core._engine.registry": ("InstalledProvider", "installed_providers", "providers"),
    "sms_core._engine.sessions": ("MemorySessions", "SessionStore"),
    "sms_core._engine.transports.sync": ("SocketTransport",),
    "sms_core.aio": ("AsyncBulk", "AsyncClient", "AsyncioTransport", "connect_async"),
    "sms_core.callbacks": ("Callback", "CallbackRequest", "CallbackResponse"),
    "sms_core.client": ("Client", "connect"),
    "sms_core.dsn": (),
    "sms_core.errors": (
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
    ),
    "sms_core.http": ("AsyncTransport", "Transport"),
    "sms_core.masking": (),
    "sms_core.model": (
        "Balance",
        "Cancellation",
        "DeliveryReport",
        "DeliveryStatus",
        "Duplicate",
        "InboundMessage",
        "Media",
        "Message",
        "Outcome",
        "Recipient",
        "RecipientOutcome",
        "SendResult",
        "UnreadOptions",
        "VendorOptions",
    ),
    "sms_core.numbers": (),
    "sms_core.provider": (),
    "sms_core.provider.account": ("Account",),
    "sms_core.provider.hooks": ("ProviderHooks", "hookimpl"),
    "sms_core.provider.info": ("Limits", "MmsLimits", "ProviderInfo"),
    "sms_core.provider.operations": ("Capability",),
    "sms_core.provider.tariffs": ("SegmentTariff", "Tariff"),
    "sms_core.serialize": (),
    "sms_core.text": (),
    "sms_core.tracking": (),
}
"""The names by the module that is their home, which is imported with the first of them."""

if not TYPE_CHECKING:  # a type checker would take any name for one of the package's
    __getattr__, __dir__ = lazy_names(__name__, _NAMES_OF)

__all__ = [
    "Account",
    "AsyncBulk",
    "AsyncClient",
    "AsyncTransport",
    "AsyncioTransport",
    "AuthenticationFailed",
    "Balance",
    "Bulk",
    "Callback",
    "CallbackRefused",
    "CallbackRequest",
    "CallbackResponse",
    "Cancellation",
    "Capability",
    "Client",
    "ConfigurationError",
    "ContentRefused",
    "DeliveryReport",
    "DeliveryStatus",
    "Duplicate",
    "InboundMessage",
    "InstalledProvider",
    "InsufficientCredit",
    "InvalidMessage",
    "Limits",
    "MalformedResponse",
    "Media",
    "MemorySessions",
    "Message",
    "MmsLimits",
    "NotFound",
    "NotSent",
    "Outcome",
    "OutcomeUnknown",
    "PartiallySent",
    "Plan",
    "Preview",
    "ProviderHooks",
    "ProviderInfo",
    "RateLimited",
    "Recipient",
    "RecipientOutcome",
    "RecipientPreview",
    "RecipientRefused",
    "SegmentTariff",
    "SendError",
    "SendResult",
    "Sent",
    "SessionExpired",
    "SessionStore",
    "SmsError",
    "SocketTransport",
    "Tariff",
    "Transport",
    "TransportError",
    "UnreadOptions",
    "Unsupported",
    "VendorError",
    "VendorOptions",
    "VendorUnavailable",
    "connect",
    "connect_async",
    "hookimpl",
    "installed_providers",
    "providers",
]
