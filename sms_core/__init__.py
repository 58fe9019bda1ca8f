"""Send SMS and MMS through any vendor, say truthfully what became of each message, and never send one twice.

::

    import sms_core

    with sms_core.connect("every8d://UID:PWD@new.e8d.tw") as sms:
        result = sms.send("您的驗證碼是 123456", to="0900000001")
"""

from typing import TYPE_CHECKING, Any

from sms_core._engine.bulk import Bulk, Sent
from sms_core._engine.plan import Plan
from sms_core._engine.preview import Preview, RecipientPreview
from sms_core._engine.registry import InstalledProvider, installed_providers, providers
from sms_core._engine.sessions import MemorySessions, SessionStore
from sms_core._engine.transports.sync import SocketTransport
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

if TYPE_CHECKING:
    from sms_core.aio import AsyncClient, AsyncioTransport, connect_async

__all__ = [
    "Account",
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


def __getattr__(name: str) -> Any:
    # Who never runs an event loop need not wait for asyncio's import.
    if name in {"AsyncClient", "AsyncioTransport", "connect_async"}:
        from sms_core import aio  # noqa: PLC0415 - see above

        return getattr(aio, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
