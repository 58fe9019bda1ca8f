"""The provider `sms-get`: SMS-Get's API of 2017, hook by hook."""

from __future__ import annotations

from typing import Any, TypeVar

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
    SegmentTariff,
    hookimpl,
)
from sms_core_smsget import callbacks, numbers, preparation, requests, responses
from sms_core_smsget.options import AccountOptions, SendOptions

T = TypeVar("T")

INFO = ProviderInfo(
    name="sms-get",
    title="SMS-Get (API of 2017)",
    capabilities={
        Capability.SEND,
        Capability.SCHEDULE,
        Capability.INTERNATIONAL,
        Capability.BALANCE,
        Capability.PUSHED_REPORTS,
        Capability.PUSHED_INBOUND,
    },
    limits=Limits(
        recipients=250,  # chapter 1, phone
        text=None,  # code 004 means too long, but no chapter says how long that is
        countries=numbers.PREFIXES,
    ),
    default_host="sms-get.com",
    send_options=SendOptions,
    account_options=AccountOptions,
    tariff=SegmentTariff(
        rates={"+886": 1, "+852": 1, "+86": 2},  # chapter 1, sms_msg
        doubts=("SMS-Get prices 純英文 and does not say whether letters such as é count as such",),
    ),
    hints={
        Capability.REPORTS: "SMS-Get only pushes delivery reports: set the CallBack URL on its page and use parse_callback()",
        Capability.INBOUND: "SMS-Get only pushes replies: set the two-way CallBack URL on its page and use parse_callback()",
        Capability.CANCEL: "the API takes no booking back: ask the vendor",
        Capability.SETTLE: "SMS-Get cannot be asked: the report that it pushes tells, or the records on its page",
    },
)


@hookimpl
def sms_describe() -> ProviderInfo:
    """Say what SMS-Get can do."""
    return INFO


@hookimpl
def sms_prepare(destinations: tuple[Destination, ...]) -> None:
    """Refuse numbers that are not in the table of chapter 1."""
    preparation.prepare(destinations)


@hookimpl
def sms_send(account: Account, operation: Operation[Any]) -> Request:
    """Each operation's request: chapters 1, 3 and 5. User and password ride on each."""
    return requests.build(account, operation)


@hookimpl
def sms_parse_response(operation: Operation[T], response: Response) -> T:
    """Each operation's answer: chapters 1, 3 and 5."""
    result: T = responses.parse(operation, response)
    return result


@hookimpl
def sms_parse_callback(account: Account, request: CallbackRequest) -> Callback:
    """Chapters 2 and 4."""
    return callbacks.parse(account, request)
