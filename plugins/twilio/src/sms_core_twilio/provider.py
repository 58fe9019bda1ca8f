"""The provider `twilio`: the Messages resource of its API 2010-04-01, hook by hook."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

from sms_core import (
    Account,
    Callback,
    CallbackRequest,
    Capability,
    ConfigurationError,
    InvalidMessage,
    Limits,
    Message,
    ProviderInfo,
    hookimpl,
)
from sms_core.http import Request, Response
from sms_core.provider import Destination, Operation, in_words, options_of
from sms_core_twilio import callbacks, requests, responses
from sms_core_twilio.options import AccountOptions, SendOptions

T = TypeVar("T")

LONGEST_VALIDITY = timedelta(seconds=36000)

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
    own = options_of(message, SendOptions)
    sender, service = requests.sender_of(account, own)
    if not sender and not service:
        hint = "in the DSN, percent-encoded, or from_ or messaging_service in the SendOptions"
        raise ConfigurationError(f"Twilio needs a sender: from or messaging_service {hint}")
    if not service and any(one.send_at for one in destinations):
        raise InvalidMessage("send_at", "needs a messaging_service: Twilio books nothing without one")
    if not service and own.shorten_urls:
        raise InvalidMessage("options.shorten_urls", "needs a messaging_service")
    if own.content_sid and any(one.text for one in destinations):
        raise InvalidMessage("text", "beside a template is not sent: leave it empty, or content_sid out")
    if own.content_variables and not own.content_sid:
        raise InvalidMessage("options.content_variables", "are for a template: name its content_sid")
    validity = message.validity
    if validity is not None and (validity > LONGEST_VALIDITY or validity % timedelta(seconds=1)):
        raise InvalidMessage("validity", f"is whole seconds, {in_words(LONGEST_VALIDITY)} at most")


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
