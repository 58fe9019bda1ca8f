"""What is used up is reserved before a request leaves, and given back where that surely sent nothing.

A limit says what a message wants of it (`Want`). As `sms_check` the wants are looked at, so that `preview()` shows them;
around `sms_perform` they are taken, all at once. What ended ``NOT_SENT`` or ``REFUSED`` is given back; what is ``UNKNOWN``
stays taken, for it may have been sent.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Literal, TypeVar, get_args

from attrs import define, field, frozen

from sms_core import (
    Balance,
    ConfigurationError,
    InvalidMessage,
    Message,
    Outcome,
    RecipientOutcome,
    SendResult,
    hookimpl,
)
from sms_core.errors import SmsError, Unsupported, result_of
from sms_core.provider import Account, Blocking, Destination, Flow, GetBalance, Operation, Provider, Send
from sms_core_policy.counting import Counted
from sms_core_policy.errors import LimitReached
from sms_core_policy.standings import Standing, Whose
from sms_core_policy.stores import Claim, Store, StoreUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

WithoutStore = Literal["refuse", "pass"]
"""What a limit does that cannot ask its store."""

NEARLY = 0.8
"""The share of a limit from which on `preview` warns."""


@frozen
class Want:
    """What a message wants of a limit. ``shares`` are the parts of the claim's amount, by the destination's reference.

    ``words`` say of what so much is used up, and ``unit`` is what one of it is worth. ``field`` is what an error names.
    """

    claim: Claim
    shares: Mapping[str, int]
    field: str
    words: str
    unit: int = 1
    retry_after: float | None = None

    def amount(self, count: int) -> str:
        """So much of it, in words."""
        return f"{count / self.unit:g}"


@frozen
class Room:
    """Something that a limit has room for, as it is shown: of ``claim`` what is used, in ``unit``, free again by ``until``.

    ``claim`` is None where each number, prefix or message has one of its own.
    """

    words: str
    claim: Claim | None = None
    unit: int = 1
    until: datetime | None = None


class Limit(Counted, ABC):
    """The base of the limits. One may be given to several clients; what they share is its store."""

    rule = "limit"

    def __init__(self, store: Store, without_store: WithoutStore, clock: Callable[[], datetime]) -> None:
        if without_store not in get_args(WithoutStore):
            raise ConfigurationError(
                f"{type(self).__name__}: without_store is 'refuse' or 'pass', not {without_store!r}"
            )
        super().__init__()
        self.store = store
        self.without_store = without_store
        self.clock = clock

    @property
    def counts(self) -> Counter[str]:
        """How often it ``passed`` a request, ``refused`` one, and was ``without_store``: for metrics."""
        return Counter({decision: count for (_, decision), count in self.decisions().items()})

    @abstractmethod
    def wants(self, account: Account, message: Message, destinations: Sequence[Destination]) -> list[Want]:
        """What these want of the limit. No key comes twice."""

    @abstractmethod
    def rooms(self, whose: Whose) -> list[Room]:
        """What it has room for."""

    def standings(self, whose: Whose) -> list[Standing]:
        """How much of it is used. Takes nothing."""
        rooms = self.rooms(whose)
        claims = [room.claim for room in rooms if room.claim is not None]
        try:
            ask_for_nothing(self.store, self.clock())  # where there are no claims, the store would not be asked
            used = iter(self.store.used(claims, self.clock()))
        except StoreUnavailable as error:
            return [Standing(self.rule, room.words, problem=self._without_store(error)) for room in rooms]
        found: list[Standing] = []
        for room in rooms:
            if room.claim is None:
                found.append(Standing(self.rule, room.words))
                continue
            count, most = Decimal(next(used)) / room.unit, Decimal(room.claim.most) / room.unit
            found.append(Standing(self.rule, room.words, count, most, room.until))
        return found

    @hookimpl
    def sms_check(self, account: Account, message: Message, destinations: tuple[Destination, ...]) -> tuple[str, ...]:
        """Look at what is left; take nothing."""
        wanted = self.wants(account, message, destinations)
        now = self.clock()
        try:
            used = self.store.used([want.claim for want in wanted], now)
        except StoreUnavailable as error:
            self._refuse_without_store(error, message)
            return (f"{self._without_store(error)}, and sends would pass",)
        warnings: list[str] = []
        for want, count in zip(wanted, used, strict=True):
            if count + want.claim.amount > want.claim.most:
                raise self._refusal(want, message)
            if count + want.claim.amount >= NEARLY * want.claim.most and want.claim.most > 1:
                left = want.amount(want.claim.most - count - want.claim.amount)
                warnings.append(f"{want.words}: {left} would be left (rule {self.rule})")
        return tuple(warnings)

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Reserve around each request of a send, and hear what the vendor says is left of the points."""
        flow = yield
        if isinstance(operation, GetBalance):
            return self._heard(flow)
        if isinstance(operation, Send):
            return self._reserved(provider, operation, flow)
        return flow

    def _heard(self, flow: Flow[Balance]) -> Flow[Balance]:
        balance = yield from flow
        self.hear(balance.credit)
        return balance

    def _reserved(self, provider: Provider, operation: Send, flow: Flow[SendResult]) -> Flow[SendResult]:
        wanted = self.wants(provider.account, operation.message, operation.destinations)
        hold = _Hold(self, wanted, operation.message)
        has_begun = False
        try:
            yield Blocking(hold.take)
            has_begun = True
            result = yield from flow
        except GeneratorExit:
            raise  # nobody runs the flow any more, and what it sent may have been taken
        except BaseException as error:
            if not has_begun and not isinstance(error, SmsError):
                _attach(error, _not_sent(operation.destinations))
            yield from _ending(partial(hold.settle, _result_of(error, operation)), error)
            raise
        yield from _ending(partial(hold.settle, result), None, result)
        return result

    def spent(self, want: Want, result: SendResult) -> int:
        """What a want came to in the end, where the limit learns that: of the recipients who were sent to."""
        back = {row.reference for row in result.outcomes if row.outcome in (Outcome.NOT_SENT, Outcome.REFUSED)}
        return sum(share for reference, share in want.shares.items() if reference not in back)

    def hear(self, balance: Decimal) -> None:
        """Hear how many points the vendor says are left."""

    def take(self, wanted: Sequence[Want], message: Message) -> bool:
        """Take all of these; gives whether they are taken. Raises `LimitReached`."""
        try:
            full = self.store.take([want.claim for want in wanted], self.clock())
        except StoreUnavailable as error:
            self._refuse_without_store(error, message)
            self._decided.add(self.rule, "without_store")
            log.warning("%s, and the send passes", self._without_store(error))
            return False
        if full is not None:
            raise self._refusal(next(want for want in wanted if want.claim == full), message)
        self._decided.add(self.rule, "passed")
        return True

    def _refusal(self, want: Want, message: Message) -> LimitReached:
        is_for_one_recipient = len(want.shares) == 1
        self._decided.refuse(self.rule, next(iter(want.shares)) if is_for_one_recipient else message.reference)
        reason = f"is one too many: {want.words}, and {want.amount(want.claim.amount)} more is wanted"
        return LimitReached(self.rule, want.field, reason, want.retry_after)

    def _without_store(self, error: StoreUnavailable) -> str:
        return f"the limit {self.rule} cannot ask its store ({error})"

    def _refuse_without_store(self, error: StoreUnavailable, message: Message) -> None:
        if self.without_store == "refuse":
            self._decided.refuse(self.rule, message.reference)
            raise LimitReached(self.rule, "message", f"is held back: {self._without_store(error)}", 0.0)


def ask_for_nothing(store: Store, now: datetime) -> None:
    """Raise `StoreUnavailable` where the store cannot be asked."""
    store.get(["nothing"], now)


@define(eq=False)
class _Hold:
    """What one request has taken of a limit."""

    limit: Limit
    wanted: Sequence[Want]
    message: Message
    is_taken: bool = field(default=False, init=False)

    def take(self) -> None:
        """Take it. Raises `LimitReached`."""
        self.is_taken = self.limit.take(self.wanted, self.message)

    def settle(self, result: SendResult) -> None:
        """Give back what was not used. Where that cannot be said to the store, it stays taken."""
        if result.balance is not None:
            self.limit.hear(result.balance)
        if not self.is_taken:
            return
        self.is_taken = False
        back: list[Claim] = []
        for want in self.wanted:
            unused = want.claim.amount - self.limit.spent(want, result)
            if unused:
                back.append(want.claim.of(unused))
        if not back:
            return
        try:
            self.limit.store.give_back(back)
        except StoreUnavailable:
            log.exception("the limit %s keeps what a send did not use: its store fails", self.limit.rule)


def _ending(work: Callable[[], None], failure: BaseException | None, result: SendResult | None = None) -> Flow[None]:
    """Do the last work of a send. What interrupts it carries what is known of the send, which is over."""
    try:
        yield Blocking(work)
    except BaseException as interruption:
        known = result or getattr(failure, "result", None) or getattr(failure, "sms_result", None)
        if isinstance(known, SendResult):
            _attach(interruption, known)
        raise


def _attach(error: BaseException, result: SendResult) -> None:
    """Let an interruption tell what became of the send, as the core's own do."""
    error.sms_result = result  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def _not_sent(destinations: Iterable[Destination]) -> SendResult:
    rows = [
        RecipientOutcome(destination.number, Outcome.NOT_SENT, None, destination.reference)
        for destination in destinations
    ]
    return SendResult(tuple(rows))


def _result_of(error: BaseException, operation: Send) -> SendResult:
    """What is known of a send that ended by an error: all unknown where nothing says anything."""
    known = result_of(error) or operation.progress.result
    if known is not None:
        return known
    is_before = isinstance(error, InvalidMessage | ConfigurationError | Unsupported)
    if is_before and not operation.progress.has_begun:
        return _not_sent(operation.destinations)
    return SendResult(())
