"""The conversation with a vendor as a generator: log in, send, parse, log in again once, retry what may be."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar, cast

import attrs

from sms_core._engine.outcomes import account_for, conclude, merge, same_for_all
from sms_core._engine.plan import Plan
from sms_core.errors import (
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
    VendorUnavailable,
)
from sms_core.model import Outcome, SendResult
from sms_core.provider.operations import Logout, Operation, Send
from sms_core.provider.outcomes import outcome_after
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Authenticate, Flow, Session, Sleep

T = TypeVar("T")

FIRST_PAUSE = 0.25
"""Seconds before the first retry; each later pause is four times as long."""
LONGEST_PAUSE = 30.0
"""Seconds. A vendor that asks for a longer pause gets no retry: the caller knows better what to do meanwhile."""

_CALLERS_FAULT = (ConfigurationError, InvalidMessage, Unsupported)


def perform(provider: Provider, operation: Operation[T]) -> Flow[T]:
    """One operation, from login to result. A `Send` that fails raises a `SendError` with its outcomes.

    A session that the vendor no longer takes is renewed once: the vendor took nothing then.
    """
    stale = None
    attempt = 0
    while True:
        session, asked = None, False
        try:
            if operation.needs_session:
                session = yield Authenticate(stale)
                request = provider.request(session, operation)
            else:
                request = provider.auth()
            asked = True
            result = provider.parse(operation, (yield request))
        except SmsError as error:
            pause = _pause(operation, error, attempt, asked=asked) if attempt < provider.retries else None
            if isinstance(error, SessionExpired) and session is not None and stale is None:
                stale = session
            elif pause is not None:
                attempt += 1
                yield Sleep(pause)
            else:
                _raise_failed_send(operation, error, asked=asked)
                raise
        except BaseException as interruption:
            if isinstance(operation, Send):
                outcome = Outcome.UNKNOWN if asked else Outcome.NOT_SENT
                _attach(interruption, same_for_all(operation.destinations, outcome, None))
            raise
        else:
            return _concluded(operation, result)


def log_out(provider: Provider, session: Session) -> Flow[None]:
    """End a session. One that has ended already is no failure."""
    with suppress(SessionExpired):
        provider.parse(Logout(), (yield provider.request(session, Logout())))


def _raise_failed_send(operation: Operation[Any], error: SmsError, *, asked: bool) -> None:
    if isinstance(operation, Send) and not isinstance(error, _CALLERS_FAULT):
        outcome = outcome_after(error) if asked else Outcome.NOT_SENT
        conclude(same_for_all(operation.destinations, outcome, error), error)


def _concluded(operation: Operation[T], result: T) -> T:
    if isinstance(operation, Send):
        return cast("T", conclude(account_for(operation.destinations, result)))
    return result


def _pause(operation: Operation[Any], error: SmsError, attempt: int, *, asked: bool) -> float | None:
    """Seconds to wait before trying again; None where that may not be, or cannot help."""
    if not operation.needs_session:
        return None  # whoever asked for the session tries again
    harmless = operation.is_read or not asked
    pause = FIRST_PAUSE * float(4**attempt)
    match error:
        case RateLimited():
            pause = error.retry_after or pause
            return pause if pause <= LONGEST_PAUSE else None
        case TransportError() if harmless or not error.sent:
            return pause
        case VendorUnavailable() if harmless and error.retry:
            return pause
        case _:
            return None


def send_all(provider: Provider, plan: Plan, now: datetime) -> Flow[SendResult]:
    """All parts of a message, one after another, and what became of each. Raises as `conclude` does.

    After a failure the remaining parts stay unsent, unless it was about these recipients or their text alone.
    An error of the caller's before anything was sent is raised as it is. Whatever interrupts a send (Ctrl-C, a
    worker's time limit) goes on its way, with the result so far as its attribute ``sms_result``.
    """
    results: list[SendResult] = []
    stopped: SmsError | None = None
    for part in plan.parts:
        if stopped is not None:
            results.append(same_for_all(part.destinations, Outcome.NOT_SENT, stopped))
            continue
        try:
            results.append((yield from provider.perform(part)))
        except SmsError as error:
            if isinstance(error, SendError):
                results.append(error.result)
            elif results:
                results.append(same_for_all(part.destinations, Outcome.NOT_SENT, error))
            else:
                raise
            reasons = [row.error for row in results[-1].outcomes if row.outcome is not Outcome.ACCEPTED]
            if not all(isinstance(reason, RecipientRefused | ContentRefused) for reason in reasons):
                stopped = next(filter(None, reasons), error)
        except BaseException as interruption:
            unknown = same_for_all(part.destinations, Outcome.UNKNOWN, None)
            results.append(getattr(interruption, "sms_result", unknown))
            rest = (same_for_all(one.destinations, Outcome.NOT_SENT, None) for one in plan.parts[len(results) :])
            _attach(interruption, _whole(plan, [*results, *rest], now))
            interruption.add_note(
                "sms_core: this broke a send off; sms_result of this exception tells what became of it"
            )
            raise
    return conclude(_whole(plan, results, now))


def _whole(plan: Plan, results: list[SendResult], now: datetime) -> SendResult:
    merged = merge(results, [one.reference for one in plan.destinations])
    return attrs.evolve(merged, message=plan.message, duplicates=plan.duplicates, sent_at=now)


def _attach(interruption: BaseException, result: SendResult) -> None:
    interruption.sms_result = result  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
