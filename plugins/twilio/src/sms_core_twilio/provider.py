"""The provider `twilio`: Twilio, hook by hook."""

from __future__ import annotations

from typing import Any, TypeVar

from sms_core import Account, Callback, CallbackRequest, Capability, Limits, ProviderInfo, hookimpl
from sms_core.http import Request, Response
from sms_core.operations import Operation

from sms_core_twilio import callbacks, requests, responses
from sms_core_twilio.options import SendOptions

T = TypeVar("T")

# All that may be known of the provider: the matrix, the checks before a send and the conformance kit read this value.
INFO = ProviderInfo(
    name="twilio",
    title="Twilio",
    capabilities={
        Capability.SEND,
        Capability.SCHEDULE,
        Capability.INTERNATIONAL,
        Capability.BALANCE,
        Capability.PUSHED_REPORTS,
    },
    limits=Limits(recipients=100, text=670),
    default_host="api.twilio.com",
    send_options=SendOptions,
)


@hookimpl
def sms_describe() -> ProviderInfo:
    """Say what Twilio can do."""
    return INFO


@hookimpl
def sms_send(account: Account, operation: Operation[Any]) -> Request:
    """Each operation's request. User and password ride on each."""
    return requests.build(account, operation)


@hookimpl
def sms_parse_response(operation: Operation[T], response: Response) -> T:
    """Each operation's answer."""
    result: T = responses.parse(operation, response)
    return result


@hookimpl
def sms_parse_callback(request: CallbackRequest) -> Callback:
    """The vendor's push."""
    return callbacks.parse(request)
