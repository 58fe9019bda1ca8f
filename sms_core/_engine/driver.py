"""Runs a flow to its end. What each step is answered is decided once, in `Conversations`: sessions, times, nonces.

A driver does what depends on the colour: it sends, sleeps and waits for the account's lock. `async_driver` has the other.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from attrs import define

from sms_core._engine import login
from sms_core._engine.login import FirstUse, Turn, Want, Wants
from sms_core.errors import SmsError
from sms_core.http import Request, Transport
from sms_core.provider.operations import Login
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Attempt, Blocking, Flow, Session, Sleep, StartAttempt

T = TypeVar("T")


@define
class Course:
    """How far a flow is. ``has_asked`` is True from its first request on; that of a login does not count."""

    has_asked: bool = False


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def new_nonce() -> str:
    """32 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(16)


class Conversations:
    """What a flow is answered at each step, whichever driver runs it. Threads and tasks may share it."""

    def __init__(
        self, provider: Provider, account_login: login.Login, clock: Callable[[], datetime], nonce: Callable[[], str]
    ) -> None:
        self._provider = provider
        self._login = account_login
        self._clock = clock
        self._nonce = nonce

    def run(self, flow: Flow[T], course: Course | None = None) -> Wants[T]:
        """Run the flow to its end, given what it wants on the way. Raises what the flow raises."""
        with FirstUse() as first_use:
            try:
                step = next(flow)
                while True:
                    try:
                        if isinstance(step, StartAttempt):
                            answer: object = yield from self._start(step, first_use)
                        else:
                            if course is not None and isinstance(step, Request):
                                course.has_asked = True
                            answer = yield step
                    except BaseException as error:  # noqa: BLE001 - the flow knows what it means, Ctrl-C too
                        step = flow.throw(error)
                    else:
                        step = flow.send(answer)
            except StopIteration as stop:
                self._login.note_success(first_use)
                return stop.value  # type: ignore[no-any-return]
            except SmsError as error:
                self._login.note_failure(error)
                raise

    def _start(self, step: StartAttempt, first_use: FirstUse) -> Wants[Attempt]:
        session = None
        if step.with_session:
            session = yield from self._login.session(step.stale, self._log_in, first_use)
        return Attempt(self._clock(), self._nonce(), session)

    def _log_in(self) -> Wants[Session]:
        return self.run(self._provider.perform(Login()))


class Driver:
    """The blocking driver of one account's flows. Threads may share it."""

    def __init__(
        self,
        provider: Provider,
        transport: Transport,
        account_login: login.Login,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], object] = time.sleep,
        nonce: Callable[[], str] = new_nonce,
    ) -> None:
        self._conversations = Conversations(provider, account_login, clock, nonce)
        self._transport = transport
        self._sleep = sleep

    def run(self, flow: Flow[T], course: Course | None = None) -> T:
        """Answer each step of the flow until it ends. Raises what the flow raises."""
        wants = self._conversations.run(flow, course)
        try:
            want = next(wants)
            while True:
                try:
                    given = self._give(want)
                except BaseException as error:  # noqa: BLE001 - as in `Conversations`
                    want = wants.throw(error)
                else:
                    want = wants.send(given)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def _give(self, want: Want) -> object:
        match want:
            case Sleep():
                return self._sleep(want.seconds)
            case Blocking():
                return want.work()
            case Turn():
                return want.holder.enter_context(want.lock)
            case _:
                return self._transport.send(want)
