"""The provider `smsgo`: 簡訊購 API 6.0, hook by hook."""

from __future__ import annotations

from typing import Any, TypeVar

from sms_core import Message
from sms_core.provider import (
    Account,
    Callback,
    CallbackRequest,
    Capability,
    Destination,
    Flow,
    Limits,
    Operation,
    Provider,
    ProviderInfo,
    Request,
    Response,
    hookimpl,
)
from sms_core_smsgo import backup, callbacks, preparation, requests, responses
from sms_core_smsgo.options import AccountOptions, SendOptions

T = TypeVar("T")

INFO = ProviderInfo(
    name="smsgo",
    title="smsgo 簡訊購 (API 6.0)",
    capabilities={
        Capability.SEND,
        Capability.SCHEDULE,
        Capability.INTERNATIONAL,
        Capability.BALANCE,
        Capability.REPORTS,
        Capability.CANCEL,
        Capability.PUSHED_REPORTS,
        Capability.PUSHED_INBOUND,
    },
    limits=Limits(
        recipients=50,
        text=330,  # the longest form, chapter 1; what else a text may be, `sms_prepare` checks
    ),
    default_host="ssl.smsgo.com.tw",
    send_options=SendOptions,
    account_options=AccountOptions,
    hints={
        Capability.PERSONAL: "each text is a request of its own",
        Capability.INBOUND: "smsgo only pushes replies: send with SendOptions(reply_url=…) and use parse_callback()",
        Capability.SETTLE: "smsgo cannot be asked: the report that it pushes to your report_url tells, or its web page",
    },
)


@hookimpl
def sms_describe() -> ProviderInfo:
    """Say what smsgo can do."""
    return INFO


@hookimpl
def sms_prepare(message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    """The rules of chapter 1, before anything is sent."""
    return preparation.prepare(message, destinations)


@hookimpl
def sms_send(account: Account, operation: Operation[Any]) -> Request:
    """Each operation's request: chapter 1. User and password ride on each."""
    return requests.build(account, operation)


@hookimpl
def sms_parse_response(account: Account, operation: Operation[T], response: Response) -> T:
    """Each operation's answer: chapters 1 to 3 and JSON 範例."""
    result: T = responses.parse(account, operation, response)
    return result


@hookimpl
def sms_parse_callback(request: CallbackRequest) -> Callback:
    """Chapter 2, and the replies of chapter 1."""
    return callbacks.parse(request)


@hookimpl
def sms_perform(provider: Provider, operation: Operation[Any]) -> Flow[Any] | None:
    """The core's conversation, with a second host for a send if the DSN says ``backup_host``."""
    return backup.perform(provider, operation)
