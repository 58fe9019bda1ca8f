"""What a client does without I/O, whichever its colour: messages to plans, and each method to the flow that answers it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import define, field

from sms_core._engine.groups import Grouping
from sms_core._engine.login import Login
from sms_core._engine.pace import Pace
from sms_core._engine.plan import Check, Plan, check_times, make_plan
from sms_core._engine.preview import Preview, make_preview
from sms_core._engine.sessions import SessionStore
from sms_core._engine.settle import settle
from sms_core.callbacks import Callback, CallbackRequest
from sms_core.caller_errors import bare
from sms_core.errors import InvalidMessage, NotFound, SendError, SmsError
from sms_core.model import (
    Cancellation,
    Media,
    Message,
    Recipient,
    SendResult,
    VendorOptions,
)
from sms_core.provider.info import ProviderInfo
from sms_core.provider.operations import Cancel, GetInbound, GetReports
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Flow

Batch = str | SendResult | Mapping[str, Sequence[str]]
"""A batch's id, a result with its batches, or ``{batch_id: numbers}`` (E.164)."""


class BaseClient:
    """One account at one vendor. `Client` and `AsyncClient` run its flows."""

    def __init__(
        self, provider: Provider, sessions: SessionStore, clock: Callable[[], datetime], deadline: float
    ) -> None:
        self._provider = provider
        self._clock = clock
        self._deadline = deadline
        self._login = Login(provider, sessions, clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.info.name!r} at {self._provider.account.base_url}>"

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self._provider.info

    @property
    def deadline(self) -> float:
        """Seconds that one exchange with the vendor may take, as the DSN says."""
        return self._deadline

    @property
    def has_rules(self) -> bool:
        """Whether plugins judge each message before it is sent (`sms_check`)."""
        return self._provider.has_checks

    def plan(self, message: Message, *, skip_refused: bool = False) -> Plan:
        """Check a message and split it into requests, without a network. Raises as `send` does before it sends.

        With ``skip_refused`` recipients that cannot be sent to are left out, and `Plan.refused` says why.
        """
        return self._plan(message, self._clock(), self._check, skip_refused=skip_refused)

    def _plan(self, message: Message, now: datetime, check: Check | None, *, skip_refused: bool = False) -> Plan:
        try:
            return make_plan(message, self.info, now, self._provider.prepare, check=check, skip_refused=skip_refused)
        except SmsError as error:
            refused = error
        raise bare(refused)  # the frames of the plan show numbers and texts

    def _plan_unjudged(self, message: Message) -> Plan:
        """A plan of which the plugins' rules have not heard: for a bulk, since they judge what it sends when its turn comes."""
        return self._plan(message, self._clock(), None)

    def preview(self, message: Message | Plan) -> Preview:
        """What a message would come to, without a network. Raises as `send` does before it sends.

        The warnings of the plugins' rules (`sms_check`) come after the vendor's.
        """
        plan = self._plan_unjudged(message) if isinstance(message, Message) else message
        return make_preview(plan, self.info, self._judge(plan))

    def parse_callback(self, request: CallbackRequest) -> Callback:
        """The events of a vendor's push and the answer it waits for; pure. Raises `CallbackRefused`."""
        return self._provider.parse_callback(request)

    @property
    def _check(self) -> Check | None:
        """The plugins' rules for the plan; None where there are none, which saves asking about each message."""
        return self._provider.check if self._provider.has_checks else None

    def _judge(self, plan: Plan) -> tuple[str, ...]:
        """What the plugins' rules say of a plan, now. Raises what they refuse."""
        if not plan.rendered or not self._provider.has_checks:
            return ()
        try:
            return self._provider.check(plan.message, plan.rendered)
        except SmsError as error:
            refused = error
        raise bare(refused)  # as in `_plan`

    def _ready(self, message: Message | Plan, now: datetime) -> Plan:
        """The plan to send, checked."""
        if isinstance(message, Message):
            plan = self._plan(message, now, self._check)
        else:
            plan = message
            check_times(plan, self.info, now)
            self._judge(plan)  # a number may have opted out since the plan was made
        if not plan.sends:
            raise InvalidMessage("to", "holds nobody who can be sent to: see the plan's `refused`")
        return plan

    def _grouping(self, pace: Pace, *, group: bool) -> Grouping:
        size = pace.most_of(self.info.limits.recipients) if group else 1
        return Grouping(self.info, self._provider.prepare, size)

    def _settling(
        self, unknown: SendResult | SendError, known_batches: str | Collection[str], *, replay: bool
    ) -> Flow[SendResult]:
        result = unknown.result if isinstance(unknown, SendError) else unknown
        if isinstance(known_batches, str):
            known_batches = (known_batches,)
        return settle(self._provider, result, known_batches, self._clock(), replay=replay)


@define
class Cancelled:
    """What came of taking back several batches, each of which is tried."""

    done: dict[str, Cancellation] = field(factory=dict)
    failures: list[SmsError] = field(factory=list)

    def conclude(self) -> Cancellation:
        """All together. Raises the first error, with a note that says what was cancelled all the same."""
        if not self.done and not self.failures:
            raise NotFound("nothing was sent that could be cancelled")
        total = _sum(self.done.values())
        if self.failures:
            if self.done:
                batches = ", ".join(self.done)
                self.failures[0].add_note(f"{total.count} messages were cancelled, of the batches {batches}")
            raise self.failures[0]
        return total


def as_message(
    message: str | Message | Plan,
    to: str | Recipient | Iterable[str | Recipient] | None,
    *,
    subject: str,
    send_at: datetime | None,
    validity: timedelta | None,
    media: Media | None,
    reference: str,
    options: VendorOptions | Iterable[VendorOptions],
) -> Message | Plan:
    """What the arguments of `send` say."""
    if isinstance(message, str):
        if to is None:
            raise InvalidMessage("to", "is missing: send(text, to=number)")
        return Message(
            message,
            to,
            subject=subject,
            send_at=send_at,
            validity=validity,
            media=media,
            reference=reference,
            options=options,
        )
    if to is not None or subject or send_at or validity or media or reference or options:
        raise InvalidMessage("message", "is a Message already: give it its fields, not send()")
    return message


def cancels(batch: Batch, *, mms: bool) -> list[Cancel]:
    """An operation for each batch."""
    mms = _is_picture(batch, mms=mms)
    return [Cancel(batch_id, mms, numbers) for batch_id, numbers in _batches(batch).items()]


def report_questions(batch: Batch, info: ProviderInfo, *, mms: bool) -> Iterator[GetReports]:
    """The questions for the reports of these batches, as many in each as the vendor takes."""
    return _questions(_batches(batch), info.limits.batches, mms=_is_picture(batch, mms=mms))


def inbound_questions(batch: str | SendResult) -> list[GetInbound]:
    """A question for the replies to each batch."""
    return [GetInbound(batch_id) for batch_id in _batches(batch)]


def _is_picture(batch: Batch, *, mms: bool) -> bool:
    if isinstance(batch, SendResult):
        return batch.message is not None and batch.message.media is not None
    return mms


def _batches(batch: Batch) -> dict[str, tuple[str, ...]]:
    """The batches' ids, each with the numbers in it as far as they are known."""
    match batch:
        case str():
            return {batch: ()}
        case SendResult():
            numbers: dict[str, list[str]] = {batch_id: [] for batch_id in batch.batches}
            for row in batch.outcomes:
                if row.batch_id in numbers:
                    numbers[row.batch_id].append(row.number)
            return {batch_id: tuple(found) for batch_id, found in numbers.items()}
        case _:
            return {batch_id: tuple(found) for batch_id, found in batch.items()}


def _questions(batches: Mapping[str, tuple[str, ...]], together: int, *, mms: bool) -> Iterator[GetReports]:
    """The questions for the reports of these batches, so many in each."""
    waiting = iter(batches.items())
    while first := next(waiting, None):
        batch_id, numbers = first
        more = dict(itertools.islice(waiting, together - 1))
        yield GetReports(batch_id, mms=mms, numbers=numbers, more=more)


def _sum(cancellations: Iterable[Cancellation]) -> Cancellation:
    """All together; the points are known only where each of them says some."""
    counts = 0
    points: list[Decimal] = []
    unknown = False
    for cancellation in cancellations:
        counts += cancellation.count
        if cancellation.refunded is None:
            unknown = True
        else:
            points.append(cancellation.refunded)
    return Cancellation(counts, None if unknown else sum(points, Decimal()))
