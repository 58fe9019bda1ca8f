"""One operation and one message as conversations: log in, send, parse, log in again once, retry what may be."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar, cast

import attrs

from sms_core._engine.outcomes import account_for, conclude, merge, same_for_all
from sms_core._engine.plan import Plan
from sms_core.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContentRefused,
    InvalidMessage,
    RateLimited,
    RecipientRefused,
    SendError,
    SessionExpired,
    SmsError,
    TransportError,
    Unsupported,
    VendorError,
    VendorUnavailable,
    result_of,
)
from sms_core.http import Request, may_have_left
from sms_core.model import Outcome, SendResult
from sms_core.provider.hooks import hookimpl
from sms_core.provider.operations import Check, Login, Logout, Operation, Progress, Send
from sms_core.provider.outcomes import outcome_after
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Attempt, Flow, Session, Sleep, StartAttempt

T = TypeVar("T")

FIRST_PAUSE = 0.25
"""Seconds before the first retry; each later pause is four times as long."""
LONGEST_PAUSE = 30.0
"""Seconds. A vendor that asks for a longer pause gets no retry: the caller knows better what to do meanwhile."""

CALLERS_FAULT = (ConfigurationError, InvalidMessage, Unsupported)


def perform(provider: Provider, operation: Operation[T]) -> Flow[T]:
    """One operation, from login to result. A `Send` that fails raises a `SendError` with its outcomes.

    A session that the vendor no longer takes is renewed once: the vendor took nothing then.
    """
    stale: Session | None = None
    retries = 0
    may_be_taken = False
    try:
        while True:
            session = None
            asked = False
            try:
                attempt: Attempt = yield StartAttempt(stale, with_session=operation.needs_session)
                session = attempt.session
                current = attrs.evolve(operation, now=attempt.now, nonce=attempt.nonce)
                request = _request(provider, session, current)
                asked = may_be_taken = True
                result = provider.parse(current, (yield request))
                break
            except SmsError as error:
                outcome = outcome_after(error) if asked else Outcome.NOT_SENT
                try:
                    dead = stale is None and (yield from _proves_session_dead(provider, session, error))
                except AuthenticationFailed as refused:
                    _raise_failed_send(provider, operation, refused, outcome, asked=asked)
                    raise
                if dead:
                    stale = session
                    may_be_taken = False
                    continue
                pause = _pause(operation, error, retries, asked=asked)
                if pause is None or retries >= provider.retries:
                    _raise_failed_send(provider, operation, error, outcome, asked=asked)
                    raise
                retries += 1
                may_be_taken = False  # of a send only what surely was not taken is tried again
                yield Sleep(pause)
    except SmsError:
        raise
    except BaseException as interruption:
        if isinstance(operation, Send):
            may_be_taken = may_be_taken and may_have_left(interruption)
            outcome = Outcome.UNKNOWN if may_be_taken else Outcome.NOT_SENT
            attach_result(interruption, same_for_all(operation.destinations, outcome, None))
        raise
    return _concluded(provider, operation, result)


class CoreConversation:
    """What the core itself plugs in: `perform`, unless the provider brings a conversation of its own."""

    @hookimpl(trylast=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Flow[Any]:
        """The core's own conversation."""
        return perform(provider, operation)

    @hookimpl(wrapper=True, trylast=True, specname="sms_perform")
    def note_progress(self, provider: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Within all middleware, around the conversation of core or provider: what became of a send, nobody hides."""
        flow = yield
        return _noted(provider, operation, flow) if isinstance(operation, Send) else flow


def _noted(provider: Provider, send: Send, flow: Flow[SendResult]) -> Flow[SendResult]:
    """The same conversation of a send, whose progress is noted. Each of its errors has an outcome afterwards.

    The core's own has concluded; one that a provider brings may raise what a vendor said as it is.
    """
    progress = send.progress
    progress.has_begun = True
    has_asked = False
    try:
        step = next(flow)
        while True:
            has_asked = has_asked or isinstance(step, Request)
            try:
                answer = yield step
            except BaseException as error:  # noqa: BLE001 - handed on whole
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        progress.result = stop.value
        return stop.value  # type: ignore[no-any-return]
    except CALLERS_FAULT as error:
        progress.has_begun = has_asked
        if not has_asked:
            raise
        failure: SmsError = error
    except SmsError as error:
        progress.result = result_of(error)
        if progress.result is not None:
            raise
        failure = error
    except BaseException as interruption:
        progress.result = result_of(interruption)
        raise
    progress.result = same_for_all(send.destinations, outcome_after(failure), failure)
    return conclude(progress.result, provider.info, failure)


def log_out(provider: Provider, session: Session) -> Flow[None]:
    """End a session. One that has ended already is no failure."""
    attempt: Attempt = yield StartAttempt(with_session=False)
    operation = Logout(now=attempt.now, nonce=attempt.nonce)
    with suppress(SessionExpired):
        provider.parse(operation, (yield provider.request(session, operation)))


def _request(provider: Provider, session: Session | None, operation: Operation[Any]) -> Any:
    if isinstance(operation, Login):
        return provider.login_request(operation)
    return provider.request(session, operation)


def _proves_session_dead(provider: Provider, session: Session | None, error: SmsError) -> Flow[bool]:
    """Whether the vendor takes this session no longer. Where its answer leaves that open, it is asked.

    Raises `AuthenticationFailed` where it says that these credentials are refused, for nobody to show them again.
    """
    if session is None:
        return False
    if isinstance(error, SessionExpired):
        return True
    if not isinstance(error, VendorError) or error.code not in provider.info.session_doubts:
        return False
    attempt: Attempt = yield StartAttempt(with_session=False)
    check = Check(now=attempt.now, nonce=attempt.nonce)
    try:
        provider.parse(check, (yield provider.request(session, check)))
    except SessionExpired:
        return True
    except AuthenticationFailed:
        raise
    except SmsError:
        return False  # no answer proves nothing, and the vendor's first word holds
    return False


def _raise_failed_send(
    provider: Provider, operation: Operation[Any], error: SmsError, outcome: Outcome, *, asked: bool
) -> None:
    if isinstance(operation, Send) and (asked or not isinstance(error, CALLERS_FAULT)):
        conclude(same_for_all(operation.destinations, outcome, error), provider.info, error)


def _concluded(provider: Provider, operation: Operation[T], result: T) -> T:
    if isinstance(operation, Send):
        return cast("T", conclude(account_for(operation.destinations, result), provider.info))
    return result


def _pause(operation: Operation[Any], error: SmsError, retries: int, *, asked: bool) -> float | None:
    """Seconds to wait before trying again; None where that may not be, or cannot help."""
    if not operation.needs_session:
        return None  # whoever asked for the session tries again
    harmless = operation.is_read or not asked
    pause = FIRST_PAUSE * float(4**retries)
    match error:
        case VendorError() if error.maybe_taken and not harmless:
            return None
        case RateLimited():
            pause = error.retry_after or pause
            return pause if pause <= LONGEST_PAUSE else None
        case TransportError() if harmless or not error.sent:
            return pause
        case VendorUnavailable() if harmless and error.retry:
            return pause
        case _:
            return None


def send_all(
    provider: Provider, plan: Plan, now: datetime, results: list[SendResult] | None = None
) -> Flow[SendResult]:
    """All requests of a message, one after another, and what became of each. Raises as `conclude` does.

    To ``results`` each request's is added as soon as it is known.

    After a failure the remaining requests stay unsent, unless it was about these recipients or their text alone.
    An error of the caller's before anything was sent is raised as it is. Whatever breaks off a send that has begun
    (Ctrl-C, a worker's time limit, an error of a plugin's) goes on its way, with the result so far as its attribute
    ``sms_result``.
    """
    results = [] if results is None else results
    stopped: SmsError | None = None
    for planned in plan.sends:
        if stopped is not None:
            results.append(same_for_all(planned.destinations, Outcome.NOT_SENT, stopped))
            continue
        send = attrs.evolve(planned, progress=Progress())  # a plan may be sent twice
        try:
            results.append((yield from provider.perform(send)))
        except BaseException as error:
            if isinstance(error, SendError) and error.result.outcomes:
                results.append(error.result)
                stopped = _what_stops(error)
            elif isinstance(error, SmsError) and not send.progress.has_begun:
                if not results:
                    raise
                results.append(same_for_all(send.destinations, Outcome.NOT_SENT, error))
                stopped = error
            else:
                results.append(_known(send, error))
                unasked = plan.sends[len(results) :]
                results.extend(same_for_all(later.destinations, Outcome.NOT_SENT, None) for later in unasked)
                attach_result(error, whole(plan, results, now))
                error.add_note("sms_core: this broke a send off; sms_result of this exception tells what became of it")
                raise
    return conclude(whole(plan, results, now), provider.info)


def _known(send: Send, error: BaseException) -> SendResult:
    """What is known of a send that an error broke off: by the word of its conversation, or else by the error's own."""
    reason = error if isinstance(error, SmsError) else None
    found = send.progress.result or result_of(error) or same_for_all(send.destinations, Outcome.UNKNOWN, reason)
    return account_for(send.destinations, found)


def _what_stops(error: SendError) -> SmsError | None:
    """Why the next requests would fail too; None for what is about these recipients or their text alone."""
    reasons = [row.error for row in error.result.outcomes if row.outcome is not Outcome.ACCEPTED]
    if all(isinstance(reason, RecipientRefused | ContentRefused) for reason in reasons):
        return None
    return next((reason for reason in reasons if reason is not None), error)


def whole(plan: Plan, results: list[SendResult], now: datetime) -> SendResult:
    """The result of a message from those of its requests."""
    merged = merge(results, [destination.reference for destination in plan.destinations])
    return attrs.evolve(merged, message=plan.message, duplicates=plan.duplicates, sent_at=now)


def attach_result(interruption: BaseException, result: SendResult) -> None:
    """Let an interruption carry what is known of the send that it broke off."""
    interruption.sms_result = result  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
