"""A send under way: a conversation that asks for what has to be done, for a driver of either colour to answer."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Generic

from attrs import frozen

from sms_core import Message, Plan, SendResult, SmsError
from sms_core_policy.failover.vendors import ClientT, Vendor


@frozen
class AskPlan(Generic[ClientT]):
    """Ask a vendor whom of these it can carry. Answered with a `Plan`, or an `SmsError`."""

    vendor: Vendor[ClientT]
    message: Message


@frozen
class AskSend(Generic[ClientT]):
    """Send by a vendor. Answered with the `SendResult`, or the `SmsError` that was raised."""

    vendor: Vendor[ClientT]
    plan: Plan


Ask = AskPlan[Any] | AskSend[Any]


class Sending:
    """A conversation under way: ``ask`` is what its driver has to do next, None once ``result`` is there.

    ::

        while sending.ask is not None:
            with sending.answering() as answer:
                answer(…)

    What is raised within the block is the answer, too: an `SmsError` for the conversation to judge, and an interruption for
    it to tell what was sent before.
    """

    ask: Ask | None
    result: SendResult | None = None

    def __init__(self, steps: Generator[Ask, Any, SendResult]) -> None:
        self._steps = steps
        self._answer: object = None
        self._advance(steps.send, None)

    @contextmanager
    def answering(self) -> Generator[Callable[[object], None]]:
        """Go on with what is answered, or raised, within."""
        try:
            yield self._hear
        except SmsError as error:
            self._advance(self._steps.send, error)
        except BaseException as interruption:  # noqa: BLE001 - the conversation raises it again
            self._advance(self._steps.throw, interruption)
        else:
            self._advance(self._steps.send, self._answer)

    def _hear(self, answer: object) -> None:
        self._answer = answer

    def _advance(self, step: Callable[[Any], Ask], given: object) -> None:
        try:
            self.ask = step(given)
        except StopIteration as stop:
            self.ask, self.result = None, stop.value

    def conclude(self) -> SendResult:
        """The result, when nothing is asked any more."""
        assert self.result is not None
        return self.result
