"""The provider `every8d-soap`: EVERY8D's Web Services API 2.1, hook by hook."""

from __future__ import annotations

from typing import Any, TypeVar

from sms_core import Message
from sms_core.provider import (
    Account,
    Callback,
    CallbackRequest,
    Capability,
    Destination,
    Limits,
    MmsLimits,
    Operation,
    ProviderInfo,
    Request,
    Response,
    Session,
    hookimpl,
)
from sms_core_every8d import callbacks
from sms_core_every8d.http.options import SendOptions
from sms_core_every8d.soap import preparation, requests, responses
from sms_core_every8d.soap.options import AccountOptions
from sms_core_every8d.tariff import MMS_SIZE, MMS_SUBJECT_OTHER, MMS_TEXT, RECIPIENTS, TARIFF

T = TypeVar("T")

INFO = ProviderInfo(
    name="every8d-soap",
    title="EVERY8D (SOAP API 2.1)",
    capabilities=frozenset(Capability) - {Capability.SETTLE},
    limits=Limits(
        recipients=RECIPIENTS,
        text=None,  # beyond 333 characters the vendor splits the text itself (1.2)
        mms=MmsLimits(  # 5.1
            subject_ascii=95,
            subject_other=MMS_SUBJECT_OTHER,
            text=MMS_TEXT,
            size=MMS_SIZE,
            formats=("jpg", "jpeg", "png"),
        ),
        one_text_with=(Capability.VALIDITY, Capability.MMS),  # sendParamSMS (2.3) has neither
    ),
    default_host="oms.every8d.com",
    send_options=SendOptions,
    account_options=AccountOptions,
    tariff=TARIFF,
    # No session_doubts: a dead session has a code of its own, -301 (1.2, note 1).
    hints={
        Capability.SETTLE: "SOAP has nothing to ask, but settle() of the same account over HTTP (every8d://) may tell",
    },
)


@hookimpl
def sms_describe() -> ProviderInfo:
    """Say what EVERY8D can do over SOAP."""
    return INFO


@hookimpl
def sms_auth(account: Account) -> Request:
    """1.1, getConnection."""
    return requests.log_in(account)


@hookimpl
def sms_prepare(message: Message, destinations: tuple[Destination, ...]) -> None:
    """Refuse what only the HTTP API can do, and what no XML document can hold."""
    preparation.prepare(message, destinations)


@hookimpl
def sms_send(account: Account, session: Session | None, operation: Operation[Any]) -> Request:
    """Each operation's call: chapters 1 to 5."""
    return requests.build(account, session, operation)


@hookimpl
def sms_parse_response(operation: Operation[T], response: Response) -> T:
    """Each operation's answer: chapters 1 to 5."""
    result: T = responses.parse(operation, response)
    return result


@hookimpl
def sms_parse_callback(request: CallbackRequest) -> Callback:
    """3.1. A push names no account that could be compared."""
    return callbacks.parse(request, "soap")
