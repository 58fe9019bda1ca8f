"""The provider `twilio`: the Messages resource of its API 2010-04-01, hook by hook."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

from sms_core import Message
from sms_core.provider import (
    Account,
    Callback,
    CallbackRequest,
    Capability,
    Destination,
    Limits,
    Operation,
    ProviderInfo,
    Request,
    Response,
    hookimpl,
)
from sms_core_twilio import callbacks, preparation, requests, responses
from sms_core_twilio.options import AccountOptions, SendOptions

T = TypeVar("T")

INFO = ProviderInfo(
    name="twilio",
    title="Twilio",
    capabilities={
        Capability.SEND,
        Capability.SCHEDULE,
        Capability.VALIDITY,
        Capability.INTERNATIONAL,
        Capability.BALANCE,
        Capability.REPORTS,
        Capability.CANCEL,
        Capability.SETTLE,
        Capability.PUSHED_REPORTS,
        Capability.PUSHED_INBOUND,
    },
    limits=Limits(
        recipients=1,
        text=1600,  # Body; longer: 21617
        soonest=timedelta(minutes=15),  # SendAt; otherwise: 35114
        latest=timedelta(days=35),
    ),
    default_host="api.twilio.com",
    send_options=SendOptions,
    account_options=AccountOptions,
    hints={
        Capability.MMS: "Twilio fetches pictures by itself: SendOptions(media_urls=['https://…'])",
        Capability.INBOUND: "Twilio does not say which message is answered: it pushes inbound messages, use parse_callback()",
    },
)


@hookimpl
def sms_describe() -> ProviderInfo:
    """Say what Twilio can do."""
    return INFO


@hookimpl
def sms_prepare(account: Account, message: Message, destinations: tuple[Destination, ...]) -> None:
    """Refuse what Twilio would refuse, or leave out without a word."""
    preparation.prepare(account, message, destinations)


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
def sms_parse_callback(account: Account, request: CallbackRequest) -> Callback:
    """A status callback or an inbound message, if Twilio signed it."""
    return callbacks.parse(account, request)
