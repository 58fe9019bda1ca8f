from __future__ import annotations

import copy
import pickle

import pytest

import sms_core
from sms_core import (
    AuthenticationFailed,
    CallbackRefused,
    ConfigurationError,
    ContentRefused,
    InsufficientCredit,
    InvalidMessage,
    MalformedResponse,
    NotFound,
    NotSent,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    RateLimited,
    RecipientOutcome,
    RecipientRefused,
    SendError,
    SendResult,
    SessionExpired,
    SmsError,
    TransportError,
    Unsupported,
    VendorError,
    VendorUnavailable,
)
from sms_core.errors import refused_send
from sms_core.http import Response

NUMBER = "+886900000123"
RESULT = SendResult((RecipientOutcome(NUMBER, Outcome.REFUSED, None, "r1"),))
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
    MalformedResponse("not JSON", Response(200, {}, b"<html>")),
    CallbackRefused("not ours", 403),
    *(refused_send(error, RESULT) for error in VENDOR_ERRORS),
]


def named(error: SmsError) -> str:
    return type(error).__name__ + ("Send" if isinstance(error, SendError) and isinstance(error, VendorError) else "")


def test_the_list_here_is_complete() -> None:
    def below(kind: type[SmsError]) -> set[type[SmsError]]:
        return {kind, *(one for child in kind.__subclasses__() for one in below(child))}

    public = {kind for kind in below(SmsError) if kind.__name__ in sms_core.__all__}
    assert {kind for kind in public if getattr(sms_core, kind.__name__) is kind} <= {type(error) for error in ERRORS}


@pytest.mark.parametrize("error", ERRORS, ids=named)
def test_every_error_pickles_with_its_attributes(error: SmsError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert twin.args == error.args
        assert {name: repr(value) for name, value in vars(twin).items()} == {
            name: repr(value) for name, value in vars(error).items()
        }


@pytest.mark.parametrize("error", VENDOR_ERRORS, ids=named)
def test_a_refused_send_is_the_vendor_s_error_and_a_send_error(error: VendorError) -> None:
    refused = refused_send(error, RESULT)
    assert isinstance(refused, type(error))
    assert isinstance(refused, SendError)
    assert refused.result is RESULT
    assert type(refused).__name__ == type(error).__name__
    assert type(refused).__doc__ == type(error).__doc__
    assert vars(refused) == {**vars(error), "result": RESULT}
    assert str(refused) == str(error)
    assert not isinstance(error, SendError)


def test_a_refused_send_of_a_refused_send_stays_one() -> None:
    once = refused_send(InsufficientCredit(), RESULT)
    assert isinstance(once, VendorError)
    other = SendResult(())
    twice = refused_send(once, other)
    assert type(twice) is type(once)
    assert isinstance(twice, SendError)
    assert twice.result is other


def test_all_refused_sends_of_a_kind_are_one_class() -> None:
    assert type(refused_send(NotFound(), RESULT)) is type(refused_send(NotFound(), RESULT))


class HouseRule(ContentRefused):
    """A vendor package's own, finer error."""


def test_a_vendor_package_may_refine_an_error() -> None:
    refused = pickle.loads(pickle.dumps(refused_send(HouseRule(code="7"), RESULT)))
    assert isinstance(refused, HouseRule)
    assert isinstance(refused, SendError)
    assert refused.code == "7"


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
