"""Every error is an ordinary class that survives a process boundary, whichever way it is carried."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
from attrs import frozen

import sms_core
from sms_core import (
    AuthenticationFailed,
    CallbackRefused,
    ConfigurationError,
    ContentRefused,
    InsufficientCredit,
    InvalidMessage,
    MalformedResponse,
    Media,
    Message,
    NotFound,
    NotSent,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    RateLimited,
    Recipient,
    RecipientOutcome,
    RecipientRefused,
    SendError,
    SendResult,
    SessionExpired,
    SmsError,
    TransportError,
    Unsupported,
    VendorError,
    VendorOptions,
    VendorUnavailable,
)
from sms_core.http import Response
from sms_core.model import Duplicate, UnreadOptions
from sms_core.serialize import from_data, to_data

NUMBER = "+886900000123"
TEXT = "您的驗證碼是 123456"


@frozen
class SendOptions(VendorOptions):
    """A vendor's options, as its package has them."""

    event_id: str = ""
    limit: Decimal | None = None
    tags: tuple[str, ...] = ()


MESSAGE = Message(
    TEXT,
    [Recipient(NUMBER, name="王", params={"code": "7"}, reference="r1"), "0900000456"],
    send_at=datetime(2026, 12, 1, 9, tzinfo=UTC),
    media=Media(b"\xff\xd8\xff", "jpg"),
    reference="order-7",
    options=SendOptions("e1", Decimal("1.50"), ("a", "b")),
)
ROWS = (
    RecipientOutcome(NUMBER, Outcome.ACCEPTED, "b1", "r1"),
    RecipientOutcome("+886900000456", Outcome.UNKNOWN, None, "r2", TransportError("cut off", sent=True)),
    RecipientOutcome("+886900000789", Outcome.REFUSED, None, "r3", RateLimited("slow", code="429", retry_after=2.5)),
)
RESULT = SendResult(
    ROWS,
    accepted=1,
    cost=Decimal("1.5"),
    balance=Decimal(80),
    batches=("b1",),
    duplicates=(Duplicate(3, 0),),
    message=MESSAGE,
    sent_at=datetime(2026, 11, 30, tzinfo=UTC),
    raw=("OK b1",),
    notes=("held back",),
)
VENDOR_ERRORS: list[VendorError] = [
    VendorError("no", code="-99", vendor_text="odd", retry=True, maybe_taken=True),
    AuthenticationFailed(code="-101", vendor_text="wrong password"),
    InsufficientCredit(code="-3", vendor_text="no points"),
    RecipientRefused("no", code="-27"),
    ContentRefused(vendor_text="no such text"),
    RateLimited("slow", retry_after=2.5, code="429"),
    SessionExpired(),
    NotFound(code="x"),
    VendorUnavailable("down", status=502, maybe_taken=True, code="502"),
]
ERRORS: list[SmsError] = [
    SmsError("root"),
    ConfigurationError("wrong"),
    InvalidMessage("to[3].number", "is empty"),
    Unsupported("tiny", "media", "nor will it be"),
    SendError("failed", RESULT),
    NotSent("nothing", RESULT),
    PartiallySent("some", RESULT),
    OutcomeUnknown("who knows", RESULT),
    *VENDOR_ERRORS,
    TransportError("cut off", sent=True, timed_out=True),
    MalformedResponse("not JSON", Response(200, {"Content-Type": "text/html"}, b"<html>\xff")),
    MalformedResponse("no answer at all"),
    CallbackRefused("not ours", 403),
    *(error.with_result(RESULT) for error in VENDOR_ERRORS),
]


def named(error: SmsError) -> str:
    sent = isinstance(error, SendError) and error.result.outcomes
    return f"{type(error).__name__}-{'with' if sent else 'without'}-result"


def plain(value: object) -> Any:
    """Everything in a value, errors too, so that two can be compared."""
    match value:
        case SmsError():
            return type(value), str(value), value.args, {name: plain(found) for name, found in vars(value).items()}
        case tuple():
            return [plain(part) for part in value]
        case _ if attrs.has(kind := type(value)):
            return kind, {field.name: plain(getattr(value, field.name)) for field in attrs.fields(kind)}
        case _:
            return value


def from_args(error: SmsError) -> SmsError:
    return type(error)(*error.args)


def through_json(error: SmsError) -> SmsError:
    """As Celery's JSON backend carries an exception."""
    args = json.loads(json.dumps(error.args))
    return type(error)(*args)


def through_pickle(error: SmsError) -> SmsError:
    found: SmsError = pickle.loads(pickle.dumps(error))
    return found


def test_the_list_here_is_complete() -> None:
    public = {getattr(sms_core, name) for name in sms_core.__all__}
    kinds = {kind for kind in public if isinstance(kind, type) and issubclass(kind, SmsError)}
    assert kinds == {type(error) for error in ERRORS}


@pytest.mark.parametrize("carry", [copy.copy, from_args, through_json, through_pickle])
@pytest.mark.parametrize("error", ERRORS, ids=named)
def test_every_error_arrives_with_all_its_attributes(error: SmsError, carry: Any) -> None:
    assert plain(carry(error)) == plain(error)


@pytest.mark.parametrize("error", ERRORS, ids=named)
def test_args_are_plain_and_what_is_shown_is_masked(error: SmsError) -> None:
    assert json.loads(json.dumps(error.args)) == list(error.args)
    for shown in (str(error), repr(error)):
        assert NUMBER not in shown
        assert TEXT not in shown


@pytest.mark.parametrize("error", ERRORS, ids=named)
def test_no_class_is_made_at_run_time(error: SmsError) -> None:
    assert type(error) is getattr(sms_core, type(error).__name__)


@pytest.mark.parametrize("error", VENDOR_ERRORS, ids=named)
def test_a_refused_send_is_the_vendor_s_error_and_a_send_error(error: VendorError) -> None:
    refused = error.with_result(RESULT)
    assert type(refused) is type(error)
    assert isinstance(refused, SendError)
    assert refused.result is RESULT
    assert str(refused) == str(error)
    assert error.result == SendResult(())


def test_what_is_worth_another_try() -> None:
    again = {type(error).__name__ for error in ERRORS if error.retry}
    assert again == {"NotSent", "RateLimited", "VendorError"}
    assert TransportError("no connection", sent=False).retry
    assert not TransportError("cut off", sent=True).retry


class HouseRule(ContentRefused):
    """A vendor package's own, finer error."""


def test_a_vendor_package_may_refine_an_error() -> None:
    refused = through_pickle(HouseRule(code="7").with_result(RESULT))
    assert isinstance(refused, HouseRule)
    assert refused.code == "7"
    assert refused.result.batches == ("b1",)


def test_options_of_a_package_that_is_not_imported_here_are_kept_as_data() -> None:
    stranger = UnreadOptions("acme.options.SendOptions", {"event_id": "1"})
    result = attrs.evolve(RESULT, message=Message("x", NUMBER, options=stranger))
    arrived = through_json(NotSent("nothing", result))
    assert isinstance(arrived, NotSent)
    assert arrived.result.message is not None
    assert arrived.result.message.options == (stranger,)
    assert arrived.args == NotSent("nothing", result).args
    with pytest.raises(ConfigurationError, match="SendResult"):
        from_data(to_data(result), SendResult)


def test_options_of_another_version_of_a_package_are_kept_as_data_too() -> None:
    data = {"kind": f"{SendOptions.__module__}.SendOptions", "event_id": "7", "of_a_later_version": 1}
    result = {**to_data(RESULT), "message": {**to_data(Message("x", NUMBER)), "options": [data]}}
    error = NotSent("nothing", result)
    assert error.result.message is not None
    (kept,) = error.result.message.options
    assert isinstance(kept, UnreadOptions)
    assert to_data(kept) == data
    with pytest.raises(ConfigurationError, match=r"not a \S+SendOptions in JSON: ForbiddenExtraKeysError"):
        from_data(result, SendResult)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (VendorError(), "refused by the vendor"),
        (VendorError("no"), "no"),
        (VendorError(code="-1", vendor_text="bad"), "-1 bad"),
        (VendorError("no", code="-1"), "no: -1"),
        (VendorError(vendor_text=f"bad number {NUMBER}"), "bad number +8869******23"),
        (InvalidMessage("to[0]", "is empty"), "to[0]: is empty"),
        (Unsupported("tiny", "media"), "provider 'tiny' does not support 'media'"),
        (Unsupported("tiny", "media", "buy more"), "provider 'tiny' does not support 'media': buy more"),
    ],
)
def test_what_errors_say(error: SmsError, words: str) -> None:
    assert str(error) == words
    assert NUMBER not in repr(error)


def test_attributes() -> None:
    error = VendorError("no", code="-1", vendor_text=NUMBER, retry=True)
    assert (error.reason, error.code, error.vendor_text, error.retry, error.maybe_taken) == (
        "no",
        "-1",
        NUMBER,
        True,
        False,
    )
    assert RateLimited().retry is True
    assert RateLimited(retry=False).retry is False
    assert VendorUnavailable().status is None
    assert CallbackRefused("no").status == 400
    assert MalformedResponse("no").response is None
    assert TransportError("no", sent=False).timed_out is False


def test_no_traceback_of_a_send_error_shows_a_number() -> None:
    assert NUMBER not in repr(OutcomeUnknown("who knows", RESULT).result)
