"""Acme broken in one place each, and the checks that must catch it: those and no others."""

from __future__ import annotations

import asyncio
import itertools
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
from attrs import frozen

from plugins.kit.tests.conformance.acme import INFO, Acme, AcmeFace, face
from plugins.kit.tests.conformance.plus import Plus
from plugins.kit.tests.conformance.signed import DUPLICATE, Signed, SignedFace, signed_face
from sms_core import (
    Account,
    Callback,
    CallbackRequest,
    CallbackResponse,
    Capability,
    ContentRefused,
    DeliveryReport,
    InboundMessage,
    MalformedResponse,
    Message,
    NotSent,
    Outcome,
    OutcomeUnknown,
    ProviderInfo,
    SendResult,
    TransportError,
    VendorError,
    hookimpl,
)
from sms_core.http import Request, Response
from sms_core.provider import (
    Destination,
    Flow,
    GetBalance,
    GetInbound,
    Login,
    Operation,
    Provider,
    RefusalCode,
    Session,
    answer_text,
)
from sms_core.provider import Send as SendOperation
from sms_core.testing import Exchange, Push


@frozen
class Defect:
    """``caught_by`` are the names of the checks that fail, ``says`` is in the text of the failure.

    ``recordings`` is the name of a folder.
    """

    plugin: object
    caught_by: frozenset[str]
    says: str
    face: Callable[[Exchange], Any] | None = None
    recordings: str = "acme"

    @property
    def vendor(self) -> str:
        """The provider's name."""
        return _vendor_of(type(self.plugin))


def _vendor_of(kind: type[Any]) -> str:
    if issubclass(kind, Plus):
        return "plus"
    return "signed" if issubclass(kind, Signed) else "acme"


DEFECTS: dict[str, Defect] = {}
_numbers = itertools.count()
IMPURE = ("hooks_are_pure", "an_event_loop_makes_no_difference", "requests_are_byte_for_byte")


def caught_by(*checks: str, says: str, recordings: str = "") -> Any:
    """Enter a broken provider into the table."""

    def enter(kind: type[Any]) -> type[Any]:
        folder = recordings or _vendor_of(kind)
        DEFECTS[kind.__name__] = Defect(kind(), frozenset(checks), says, recordings=folder)
        return kind

    return enter


def face_caught_by(*checks: str, says: str) -> Any:
    """Enter a broken face into the table; its provider is right."""

    def enter(kind: type[Any]) -> type[Any]:
        if issubclass(kind, SignedFace):
            DEFECTS[kind.__name__] = Defect(Signed(), frozenset(checks), says, signed_face(kind), "signed")
        else:
            DEFECTS[kind.__name__] = Defect(Acme(), frozenset(checks), says, face(kind))
        return kind

    return enter


def info(**changes: Any) -> ProviderInfo:
    return attrs.evolve(INFO, **changes)


# Requests, results, errors


@caught_by("requests_are_byte_for_byte", says="charset=big5")
class NamesAnotherCharset(Acme):
    @hookimpl
    def sms_auth(self, account: Account) -> Request | None:
        request = super().sms_auth(account)
        assert request is not None
        return attrs.evolve(request, headers={"content-type": "application/x-www-form-urlencoded; charset=big5"})


@caught_by("requests_are_byte_for_byte", says="lang=zh")
class SendsAFieldMore(Acme):
    def fields(self, operation: Operation[Any]) -> dict[str, str]:
        return super().fields(operation) | {"lang": "zh"}


@caught_by("answer_gives_the_error", says="recorded InsufficientCredit, got ContentRefused")
class MistakesAnError(Acme):
    errors: Mapping[str, RefusalCode] = {**Acme.errors, "02": RefusalCode(ContentRefused)}


@caught_by("answer_gives_the_result", says="result.cost: recorded '1', got Decimal('10')")
class MisreadsTheCost(Acme):
    def sent(self, operation: SendOperation, words: str) -> SendResult:
        return super().sent(operation, words + "0")


@caught_by("test_what_the_checks_stand_on_is_recorded", says="no recording has an error", recordings="plus-unrefused")
class RecordsNoRefusal(Plus):
    """The defect is in the folder."""


# Capabilities and limits


@caught_by("test_what_is_claimed_works", says="VALIDITY is claimed, and the request is the same without it")
class ClaimsAWishItDoesNotCarry(Acme):
    info = info(capabilities=INFO.capabilities | {Capability.VALIDITY})


@caught_by("test_what_is_claimed_works", says='add one with operation = "inbound"')
class ClaimsAnOperationThatNothingShows(Acme):
    info = info(capabilities=INFO.capabilities | {Capability.INBOUND})


@caught_by("test_what_is_claimed_works", says="the request is the same whatever the second text is")
class ClaimsPersonalTextsAndSendsTheFirst(Acme):
    info = info(capabilities=INFO.capabilities | {Capability.PERSONAL})


@caught_by("test_what_is_not_claimed_is_refused", says="INBOUND is not claimed, and sms_send builds a request for it")
class DoesNotClaimWhatItCanDo(Acme):
    def fields(self, operation: Operation[Any]) -> dict[str, str]:
        if isinstance(operation, GetInbound):
            return {"batch": operation.batch_id}
        return super().fields(operation)


@caught_by("test_what_is_not_claimed_is_refused", says="PUSHED_INBOUND is not claimed, and acme::a reply shows it")
class DoesNotClaimItsPushes(Acme):
    info = info(capabilities=INFO.capabilities - {Capability.PUSHED_INBOUND})


@caught_by("test_limits_hold_before_sending", says="a message beyond the limit 'text' was sent")
class CutsATextThatIsTooLong(Acme):
    @hookimpl
    def sms_prepare(self, message: Message, destinations: tuple[Destination, ...]) -> Any:
        return tuple(attrs.evolve(destination, text=destination.text[:70]) for destination in destinations)


@caught_by("test_the_longest_text_is_sent_whole", says="the end of a text of 70 characters is not in the request")
class CutsALongText(Acme):
    def text(self, destination: Destination) -> str:
        return destination.text[:60]


@caught_by("test_limits_hold_before_sending", says="a message beyond the limit 'mms text' was sent")
class CutsTheTextOfAPicture(Plus):
    @hookimpl
    def sms_prepare(self, message: Message, destinations: tuple[Destination, ...]) -> Any:
        most = 100 if message.media else None
        return tuple(attrs.evolve(destination, text=destination.text[:most]) for destination in destinations)


# Outcomes


PHASES = "a_failure_in_each_phase_has_its_outcome"
LOGIN = "test_a_failure_of_the_login_sends_nothing"
OTHERS = "test_a_failure_leaves_other_requests_as_they_are"
GARBAGE = "test_garbage_is_no_success_of_a_send"


@caught_by(PHASES, LOGIN, GARBAGE, says="empty answer: the send gave SendResult")
class TakesAnythingForSuccess(Acme):
    def words(self, text: str) -> str:
        return super().words(text) if text.startswith(("OK ", "NO ")) else "b-0 1"


@caught_by(PHASES, says="HTTP 502: a recipient is REFUSED")
class TakesAGatewayForARefusal(Acme):
    @hookimpl
    def sms_parse_response(self, account: Account, operation: Operation[Any], response: Response) -> Any:
        if response.status == 502:
            raise VendorError("the vendor is out of order")
        return super().sms_parse_response(account, operation, response)


@caught_by(PHASES, OTHERS, says="cut off: a recipient is NOT_SENT")
class SaysThatNothingWasSent(Acme):
    @hookimpl(wrapper=True)
    def sms_perform(self, operation: Operation[Any]) -> Any:
        flow = yield
        return blame_the_network(flow) if isinstance(operation, SendOperation) else flow


def blame_the_network(flow: Flow[Any]) -> Flow[Any]:
    try:
        return (yield from flow)
    except OutcomeUnknown as error:
        rows = error.result.outcomes
        if not all(isinstance(row.error, TransportError) for row in rows):
            raise
        nobody = tuple(attrs.evolve(row, outcome=Outcome.NOT_SENT) for row in rows)
        raise NotSent("the network failed", attrs.evolve(error.result, outcomes=nobody)) from error


@caught_by(PHASES, OTHERS, "test_a_replay_makes_the_same_request", says="more requests were made")
class SendsTwice(Acme):
    again = False

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Any:
        flow = yield
        if self.again or not isinstance(operation, SendOperation):
            return flow
        return self.try_again(flow, provider, operation)

    def try_again(self, flow: Flow[Any], provider: Provider, operation: SendOperation) -> Flow[Any]:
        try:
            return (yield from flow)
        except OutcomeUnknown:
            self.again = True
            second = provider.perform(operation)
            self.again = False
            return (yield from second)


@caught_by(LOGIN, says="empty answer: a recipient is UNKNOWN")
class TakesAnyPageForALogin(Acme):
    @hookimpl
    def sms_parse_response(self, account: Account, operation: Operation[Any], response: Response) -> Any:
        if isinstance(operation, Login) and response.status == 200 and not response.body.startswith((b"OK", b"NO")):
            return Session("anything", operation.now + timedelta(hours=1))
        return super().sms_parse_response(account, operation, response)


@caught_by("half_an_answer_is_no_refusal", says="bytes a recipient is REFUSED")
class TakesHalfAnAnswerForARefusal(Acme):
    def sent(self, operation: SendOperation, words: str) -> SendResult:
        if " " not in words:
            raise ContentRefused("no points were charged")
        return super().sent(operation, words)


@caught_by("test_no_answer_brings_an_operation_down", says="failed with KeyError")
class GivesUpOnABadAnswer(Acme):
    def result(self, operation: Operation[Any], words: str) -> Any:
        if isinstance(operation, GetBalance) and not words.replace(".", "").isdigit():
            raise KeyError("points")
        return super().result(operation, words)


@caught_by("test_a_code_that_no_table_has_is_no_verdict", says="98765 is in no table, and refuses a recipient in")
class TakesAnyCodeForARefusal(Acme):
    def words(self, text: str) -> str:
        verdict, _, rest = text.partition(" ")
        code, _, words = rest.partition(" ")
        if verdict == "NO" and code.isdigit() and code not in self.errors:
            raise VendorError(code=code, vendor_text=words)
        return super().words(text)


# Replays


@caught_by("test_a_replay_makes_the_same_request", *IMPURE, says="+ key=key-")
class HasAKeyForEachRequest(Signed):
    def key(self, operation: SendOperation) -> str:
        return f"key-{next(_numbers)}"


@caught_by(
    "test_a_duplicate_counts_as_accepted",
    "answer_gives_the_result",
    says="a duplicate is not accepted",
)
class TakesADuplicateForARefusal(Signed):
    def sent(self, operation: SendOperation, words: str) -> SendResult:
        if words.endswith(DUPLICATE):
            raise ContentRefused("the same was sent before")
        return super().sent(operation, words)


@caught_by("test_a_refused_replay_decides_nothing", PHASES, says="a recipient is ACCEPTED")
class TakesASecondNoForAYes(Signed):
    @hookimpl
    def sms_parse_response(self, account: Account, operation: Operation[Any], response: Response) -> Any:
        try:
            return Acme.sms_parse_response(self, account, operation, response)
        except VendorError:
            if isinstance(operation, SendOperation) and operation.nonce.endswith("1"):
                return self.sent(operation, "b-1 1")
            raise


# Characters


@caught_by("test_no_character_is_lost", "test_no_two_texts_become_one_request", says="is sent as '?' is")
class SendsQuestionMarks(Acme):
    def text(self, destination: Destination) -> str:
        return destination.text.encode("big5hkscs", "replace").decode("big5hkscs")


@caught_by("test_no_two_texts_become_one_request", says="these become the same request")
class ComposesMarks(Acme):
    def text(self, destination: Destination) -> str:
        return unicodedata.normalize("NFC", destination.text)


# Secrets


SECRETS = ("no_secret_of_a_recording_is_shown", "test_no_secret_is_shown_when_a_send_fails")


@caught_by(*SECRETS, says="is shown in a repr, error or traceback")
class SaysThePassword(Acme):
    @hookimpl
    def sms_parse_response(self, account: Account, operation: Operation[Any], response: Response) -> Any:
        try:
            return super().sms_parse_response(account, operation, response)
        except VendorError as error:
            words = f"refused for {account.user}:{account.password}"
            raise type(error)(words, code=error.code, retry=error.retry, maybe_taken=error.maybe_taken) from None


@caught_by(*SECRETS, "requests_are_byte_for_byte", says="'token-that-nobody-sees' is shown")
class ShowsTheToken(Acme):
    @hookimpl
    def sms_send(self, account: Account, session: Session, operation: Operation[Any]) -> Request:
        request = super().sms_send(account, session, operation)
        return attrs.evolve(request, url=f"{request.url.replace('acme.invalid', f'acme.invalid/{session.token}')}")


@caught_by("test_no_secret_is_shown_when_a_send_fails", says="is shown in")
class QuotesTheAnswer(Acme):
    @hookimpl
    def sms_parse_response(self, account: Account, operation: Operation[Any], response: Response) -> Any:
        if response.status == 200 and not response.body.startswith((b"OK", b"NO")):
            raise MalformedResponse(f"cannot read {answer_text(response)}", response)
        return super().sms_parse_response(account, operation, response)


# Pushes


@caught_by("a_push_gives_its_events_and_the_response", says="response.body: recorded b'ACK', got b'OK'")
class AcknowledgesInItsOwnWords(Acme):
    @hookimpl
    def sms_parse_callback(self, request: CallbackRequest) -> Callback:
        return attrs.evolve(super().sms_parse_callback(request), response=CallbackResponse(200, body=b"OK"))


@caught_by(
    "a_forged_push_is_refused",
    "a_signature_is_checked",
    says="the push was taken, and gave Callback(events=()",
)
class TakesAnyPush(Acme):
    @hookimpl
    def sms_parse_callback(self, request: CallbackRequest) -> Callback:
        fields = request.fields() if request.method == "POST" else {}
        try:
            events = self.events(fields)
        except (KeyError, ValueError):
            events = []
        return Callback(tuple(events), CallbackResponse(200, body=b"ACK"))


@caught_by(
    "a_forged_push_is_refused",
    "a_signature_is_checked",
    "no_push_brings_the_provider_down",
    "no_secret_of_a_push_is_shown",
    says="KeyError",
)
class FallsOverAForgedPush(Acme):
    @hookimpl
    def sms_parse_callback(self, request: CallbackRequest) -> Callback:
        request.require_method("POST")
        return Callback(tuple(self.events(request.fields())), CallbackResponse(200, body=b"ACK"))


@caught_by("a_signature_is_checked", says="without its signature: the push was taken")
class ChecksNoSignature(Acme):
    def is_signed(self, request: CallbackRequest, fields: Mapping[str, str]) -> bool:
        return True


@caught_by("a_repeated_push_has_the_same_keys", says="a_repeated_push_has_the_same_keys")
class KeysThatChange(Acme):
    def events(self, fields: Mapping[str, str]) -> list[DeliveryReport | InboundMessage]:
        return [attrs.evolve(event, key=f"key-{next(_numbers)}") for event in super().events(fields)]


@caught_by("a_repeated_push_has_the_same_keys", "no_secret_of_a_push_is_shown", says="a key shows a number")
class KeysThatShowANumber(Acme):
    def events(self, fields: Mapping[str, str]) -> list[DeliveryReport | InboundMessage]:
        return [attrs.evolve(event, key=f"{event.number}-{event.batch_id}") for event in super().events(fields)]


# Values


@caught_by("times_are_aware", "results_come_back_from_json", says="result[0].sent_at has no zone")
class NaiveTimes(Acme):
    def result(self, operation: Operation[Any], words: str) -> Any:
        found = super().result(operation, words)
        if hasattr(found, "rows"):
            naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the defect
            return attrs.evolve(found, rows=tuple(attrs.evolve(row, sent_at=naive) for row in found.rows))
        return found


@caught_by("events_are_values", says="event.sent_at has no zone")
class NaiveTimesInPushes(Acme):
    def events(self, fields: Mapping[str, str]) -> list[DeliveryReport | InboundMessage]:
        naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the defect
        (event,) = super().events(fields)
        return [attrs.evolve(event, sent_at=naive)] if isinstance(event, DeliveryReport) else [event]


@caught_by("results_can_be_pickled", says="pickle")
class ResultsThatCannotBePickled(Acme):
    def sent(self, operation: SendOperation, words: str) -> SendResult:
        class Words(str):
            __slots__ = ()

        return attrs.evolve(super().sent(operation, words), raw=(Words(words),))


@caught_by("results_come_back_from_json", says="not JSON serializable")
class ResultsThatAreNoJson(Acme):
    def report(self, batch: str, number: str, state: str, time: str) -> DeliveryReport:
        report = super().report(batch, number, state, time)
        return report if batch != "b-1" or number.endswith("1") else attrs.evolve(report, raw={"states": {1, 2}})


# Hooks

HOOKS = "test_hooks_match_the_protocol"


@caught_by(HOOKS, says="sms_parse_calback is no hook")
class MisspeltHook(Acme):
    @hookimpl
    def sms_parse_calback(self, request: CallbackRequest) -> Callback:
        raise NotImplementedError


@caught_by(HOOKS, says="sms_prepare has the argument 'msg'")
class MisspeltArgument(Acme):
    @hookimpl
    def sms_prepare(self, msg: Message) -> None:  # type: ignore[override]
        """The defect is above."""


@caught_by(HOOKS, says="sms_prepare is not marked with @hookimpl")
class UnmarkedHook(Acme):
    def sms_prepare(self, message: Message, destinations: tuple[Destination, ...]) -> None:
        """The defect is above."""


@caught_by(HOOKS, says="sms_parse_response is missing")
class MissingHook:
    sms_describe = Acme.sms_describe
    sms_send = Acme.sms_send
    info = INFO


@caught_by(HOOKS, says="the argument 'message' has a default")
class ArgumentWithADefault(Acme):
    @hookimpl
    def sms_prepare(self, destinations: tuple[Destination, ...], message: Message | None = None) -> None:  # type: ignore[override]
        """The defect is above."""


@caught_by(*IMPURE, says="hooks_are_pure")
class NumbersItsRequests(Acme):
    def fields(self, operation: Operation[Any]) -> dict[str, str]:
        return super().fields(operation) | {"n": str(next(_numbers))}


@caught_by("an_event_loop_makes_no_difference", says="in an event loop the requests differ")
class LooksForAnEventLoop(Acme):
    def fields(self, operation: Operation[Any]) -> dict[str, str]:
        in_loop = asyncio._get_running_loop() is not None
        return super().fields(operation) | ({"loop": "1"} if in_loop else {})


@caught_by("test_the_description_is_consistent", says="a hint says what to do instead")
class HintsAtWhatItCanDo(Acme):
    info = info(hints={Capability.SCHEDULE: "send it when it is time"})


# Faces


@face_caught_by("test_the_face_takes_a_replay_once", says="2 texts were taken, of 1 recipients")
class FaceThatForgetsKeys(SignedFace):
    def knows(self, user: str, batch_id: str) -> bool:
        return False


@face_caught_by(
    "test_the_face_takes_what_is_recorded", "test_the_face_gets_every_character", says="blanks at the end: assert"
)
class FaceThatTrims(AcmeFace):
    def text(self, fields: Mapping[str, str]) -> str:
        return fields["text"][:-1]


@face_caught_by("test_the_face_refuses_a_wrong_password", says="a wrong password gave None")
class FaceThatLetsAnybodyIn(AcmeFace):
    def login(self, fields: Mapping[str, str]) -> str:
        return self.exchange.open_session(fields["user"])


@face_caught_by("test_the_face_answers_what_is_claimed", says="MalformedResponse")
class FaceInOtherWords(AcmeFace):
    def reports(self, user: str, batch: str) -> str:
        return super().reports(user, batch).replace("|", "/")


@face_caught_by("test_the_face_answers_what_is_claimed", says="not a push of Acme")
class FaceThatPushesNationalNumbers(AcmeFace):
    def push(self, pushed: Push, callback_url: str) -> Request:
        request = super().push(pushed, callback_url)
        return attrs.evolve(request, body=request.body.replace(b"%2B886", b"0"))
