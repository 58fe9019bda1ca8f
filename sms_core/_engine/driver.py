"""Runs a flow to its end: sends its requests, waits, and hands out sessions, times and nonces."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from sms_core._engine import login
from sms_core._engine.login import FirstUse
from sms_core.errors import SmsError
from sms_core.http import Transport
from sms_core.provider.operations import Login
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Attempt, Flow, Session, Sleep, StartAttempt, Step

T = TypeVar("T")


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def new_nonce() -> str:
    """32 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(16)


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
        self._provider = provider
        self._transport = transport
        self._login = account_login
        self._clock = clock
        self._sleep = sleep
        self._nonce = nonce

    def run(self, flow: Flow[T]) -> T:
        """Answer each step of the flow until it ends. Raises what the flow raises."""
        with FirstUse() as first_use:
            try:
                step = next(flow)
                while True:
                    try:
                        answer = self._answer(step, first_use)
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

    def _answer(self, step: Step, first_use: FirstUse) -> object:
        match step:
            case Sleep():
                return self._sleep(step.seconds)
            case StartAttempt():
                session = None
                if step.with_session:
                    session = self._login.session(step.stale, self._log_in, first_use)
                return Attempt(self._clock(), self._nonce(), session)
            case _:
                return self._transport.send(step)

    def _log_in(self) -> Session:
        return self.run(self._provider.perform(Login()))
