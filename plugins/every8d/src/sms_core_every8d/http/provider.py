"""The provider `every8d`: EVERY8D's HTTP API 2.1, hook by hook."""

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
from sms_core_every8d.codes import NO_CREDENTIALS, UNKNOWN_ERROR
from sms_core_every8d.http import preparation, requests, responses
from sms_core_every8d.http.options import AccountOptions, SendOptions
from sms_core_every8d.tariff import MMS_SIZE, MMS_SUBJECT_OTHER, MMS_TEXT, RECIPIENTS, TARIFF

T = TypeVar("T")

INFO = ProviderInfo(
    name="every8d",
    title="EVERY8D (HTTP API 2.1)",
    capabilities=frozenset(Capability),
    limits=Limits(
        recipients=RECIPIENTS,
        text=None,  # beyond 333 characters the vendor splits the text itself (2.1.1)
        mms=MmsLimits(  # 3.1
            subject_ascii=39,
            subject_other=MMS_SUBJECT_OTHER,
            text=MMS_TEXT,
            size=MMS_SIZE,
            formats=("jpg", "jpeg", "png", "gif"),
        ),
        pages=10_000,  # 10 replies in each (table 4-3-1)
    ),
    default_host="new.e8d.tw",
    send_options=SendOptions,
    account_options=AccountOptions,
    tariff=TARIFF,
    # The document has no code for a dead token. -99 is what it has for every failure, the one of 1.2 too; and a request
    # with a token lacks user and password, so -300 may say that the token was not taken.
    session_doubts=frozenset({UNKNOWN_ERROR, NO_CREDENTIALS}),
)


@hookimpl
def sms_describe() -> ProviderInfo:
    """Say what EVERY8D can do."""
    return INFO


@hookimpl
def sms_auth(account: Account) -> Request | None:
    """1.1, unless the DSN says ``auth=password``."""
    if account.typed_options(AccountOptions).auth == "password":
        return None
    return requests.log_in(account)


@hookimpl
def sms_prepare(message: Message, destinations: tuple[Destination, ...]) -> None:
    """Refuse what the filter cannot carry."""
    preparation.prepare(message, destinations)


@hookimpl
def sms_send(account: Account, session: Session | None, operation: Operation[Any]) -> Request:
    """Each operation's request: chapters 1 to 5."""
    return requests.build(account, session, operation)


@hookimpl
def sms_parse_response(account: Account, operation: Operation[T], response: Response) -> T:
    """Each operation's answer: chapters 1 to 5."""
    result: T = responses.parse(account, operation, response)
    return result


@hookimpl
def sms_parse_callback(request: CallbackRequest) -> Callback:
    """Chapter 6. A push names no account that could be compared."""
    return callbacks.parse(request, "http")
