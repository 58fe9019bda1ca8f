"""The provider `mitake`: Mitake's HTTP API v2.14, hook by hook."""

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
    Replay,
    Request,
    Response,
    SegmentTariff,
    hookimpl,
)
from sms_core_mitake import callbacks, preparation, requests, responses
from sms_core_mitake.options import AccountOptions, SendOptions

T = TypeVar("T")

INFO = ProviderInfo(
    name="mitake",
    title="Mitake 三竹簡訊 (HTTP API v2.14)",
    capabilities={
        Capability.SEND,
        Capability.PERSONAL,
        Capability.SCHEDULE,
        Capability.VALIDITY,
        Capability.INTERNATIONAL,
        Capability.BALANCE,
        Capability.REPORTS,
        Capability.CANCEL,
        Capability.PUSHED_REPORTS,
    },
    limits=Limits(
        recipients=500,  # lines of SmBulkSend
        text=None,  # no document says how long a long SMS may be; without that right `sms_prepare` holds to one SMS
        soonest=timedelta(minutes=11),  # more than 10, and a nearer booking may go out at once; a minute for the clocks
        batches=100,  # msgids of SmQuery
    ),
    default_host="smsb2c.mitake.com.tw",
    send_options=SendOptions,
    account_options=AccountOptions,
    tariff=SegmentTariff(
        rates={"+886": 1},
        doubts=(
            "Mitake's document prints no prices: a point for 160 characters of ASCII or 70 others is an older one's",
        ),
    ),
    hints={
        Capability.SUBJECT: "SendOptions(object_id=…) names a batch on the vendor's pages",
        Capability.INBOUND: "the API knows no replies",
        Capability.SETTLE: "Mitake cannot be asked what it sent: settle(replay=True) asks again under the same clientid",
    },
    # clientid, of SmSend and SmBulkSend; the section 回應 has Duplicate=Y where an SMS was taken before.
    replay=Replay(window=timedelta(hours=12), mark="Duplicate=Y"),
)


@hookimpl
def sms_describe() -> ProviderInfo:
    """Say what Mitake can do."""
    return INFO


@hookimpl
def sms_prepare(account: Account, message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    """Refuse what the vendor would cut, change or misread in silence."""
    return preparation.prepare(account, message, destinations)


@hookimpl
def sms_send(account: Account, operation: Operation[Any]) -> Request:
    """Each operation's request: SmSend, SmBulkSend, SmQuery, SmCancel. User and password ride on each."""
    return requests.build(account, operation)


@hookimpl
def sms_parse_response(operation: Operation[T], response: Response) -> T:
    """Each operation's answer."""
    result: T = responses.parse(operation, response)
    return result


@hookimpl
def sms_parse_callback(request: CallbackRequest) -> Callback:
    """狀態主動回報."""
    return callbacks.parse(request)
