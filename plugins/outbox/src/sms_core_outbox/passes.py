"""A pass: claims are made, their requests carried by threads or in an event loop, and answers stored as they come.

One thread makes claims and stores answers; others send. It is never the main thread, which alone a signal interrupts. Answers that come while
it stores are stored together next, and while threads have work those that come just after (`GATHER`) too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from decimal import Decimal
from queue import Empty, SimpleQueue

from attrs import define, field

from sms_core import AsyncClient
from sms_core.clocks import uptime
from sms_core.errors import SendError
from sms_core.model import SendResult
from sms_core_outbox.answers import Answer, Stored
from sms_core_outbox.claims import Claim, PassedOn, Wish
from sms_core_outbox.flights import End, Flight, answers_of, carry, carry_in_loop, prepare
from sms_core_outbox.ledger import Ledger
from sms_core_outbox.rates import NotYet, Rate
from sms_core_outbox.routes import Onward
from sms_core_outbox.senders import LoopSender, Sender
from sms_core_outbox.states import State
from sms_core_outbox.tracing import NoTraces, Traces

ROWS = 1000
"""The most rows that one claim looks at."""
SHORT = 0.5
"""Seconds. Where single sends take no longer, as many again are claimed ahead, and wait in the pool for a thread.

So no thread waits for the database. What is claimed ahead begins within this time: long before its claim is too old, and
before anybody notices that a one-time code had to wait for it.
"""
GATHER = 0.02
"""Seconds for which an answer waits for those of other sends, as long as all threads have work: one transaction stores
thirty of them in about the time of one.
"""
LOOK = 0.1
"""Seconds after which a pass that waits for its account's rate looks whether it is stopped."""


@define
class Landed:
    """A flight that has ended, and how: what the requests came to that were made of it."""

    flight: Flight
    ends: list[End]
    seconds: float
    """How long it took."""


@define
class _Open:
    """A claim and how many of its flights are under way."""

    claim: Claim
    flying: int


@define
class Tally:
    """What a pass has come to so far."""

    claimed: int = 0
    too_late: int = 0
    counts: Counter[State] = field(factory=Counter)
    cost: Decimal | None = None
    balance: Decimal | None = None
    notes: dict[str, None] = field(factory=dict)

    def add_result(self, result: SendResult | None) -> None:
        """Count what a request cost, and what is left, and keep what the vendor could not do quite as asked."""
        if result is None:
            return
        self.notes.update(dict.fromkeys(result.notes))
        if result.cost is not None:
            self.cost = (self.cost or Decimal()) + result.cost
        balances = [points for points in (self.balance, result.balance) if points is not None]
        if balances:  # requests side by side may be answered out of turn, and points only go down
            self.balance = min(balances)

    def add(self, stored: Stored) -> None:
        """Count what was stored."""
        self.counts.update(stored.counts)


@define(eq=False)
class AccountPass:
    """The pass of one account. One thread calls its methods."""

    name: str
    client: Sender
    ledger: Ledger
    tally: Tally
    pool: Executor
    landed: SimpleQueue[Landed | None]
    concurrency: int
    before: int | None = None
    left: int | None = None
    replay_within: int | None = None
    rate: Rate | None = None
    traces: Traces = field(factory=NoTraces)
    onward: Onward | None = None
    """After what a row goes to another vendor, where there are several."""
    went_on: int = 0
    """How many rows were claimed here, or went to others since this vendor rests."""
    wait: float | None = None
    """Seconds until its rate lets the next row go, as it was told by the latest claim."""
    may_find_more: bool = False
    """Whether the latest claim took all that it might: a smaller one left nothing that can be sent now."""
    is_stale: bool = False
    """Whether its account paused meanwhile: its client may have learned that the credentials are no good."""
    _is_quick: bool = False
    """Whether the latest flights were single sends that took no longer than `SHORT`."""
    _open: dict[str, _Open] = field(factory=dict)
    _flying: int = 0
    _turns: asyncio.Semaphore = field(init=False)
    """Of flights in an event loop, of which as many are under way as there would be threads."""

    def __attrs_post_init__(self) -> None:
        self._turns = asyncio.Semaphore(self.concurrency)

    @property
    def _may_claim_ahead(self) -> bool:
        """Not where a limit of rows or a rate is to be kept exactly, or where one is to go after the other."""
        return self.left is None and self.rate is None and self.concurrency > 1

    def has_work_ahead(self, landed: int) -> bool:
        """Whether more is claimed than threads can carry, when so many flights have ended that are not stored yet."""
        return self._flying - landed > self.concurrency

    @property
    def is_flying(self) -> bool:
        """Whether a request is under way."""
        return self._flying > 0

    def fill(self) -> bool:
        """Claim as much as can be sent side by side now, and send it. Gives whether there was any."""
        self.may_find_more = False
        ahead = self.concurrency if self._is_quick and self._may_claim_ahead else 0
        free = self.concurrency + ahead - self._flying
        size = self.client.info.limits.recipients
        rows = min(ROWS, free * size)
        if self.left is not None:
            rows = min(rows, self.left)
        if free < max(1, self.concurrency // 2) or rows < 1:
            return False
        self.wait = None
        rest = None if self.onward is None else self.onward.rest
        wish = Wish(self.name, free, size, rows, self.before, self.replay_within, self.rate, rest)
        claim = self.ledger.claim(wish)
        if isinstance(claim, PassedOn):
            self.went_on += claim.count
            self.may_find_more = True
            return True
        if isinstance(claim, NotYet):
            self.wait = claim.seconds
            return False
        if claim is None:
            return False
        count = sum(map(len, claim.groups))
        self.may_find_more = len(claim.groups) == free or count == rows
        self.tally.claimed += count
        self.went_on += count
        if self.left is not None:
            self.left -= count
        prepared = prepare(self.client, claim, self.onward)
        self._open[claim.token] = _Open(claim, len(prepared.flights))
        for flight in prepared.flights:
            self._flying += 1
            self._launch(flight)
        self._record(list(prepared.answers))
        self._close_if_done(claim.token)
        return True

    def _launch(self, flight: Flight) -> None:
        """Carry one request, in a thread; or in the client's event loop, where a thread would only wait for it."""
        if not isinstance(self.client, LoopSender) or self.client.is_within_loop:
            self.pool.submit(self._fly, flight)
            return
        try:
            self.client.start(self._fly_in_loop(self.client.client, flight))
        except RuntimeError as error:
            self.landed.put(Landed(flight, [End(flight, error=error)], 0.0))

    async def _fly_in_loop(self, client: AsyncClient, flight: Flight) -> None:
        begun = uptime()
        ends: list[End] = []
        try:
            async with self._turns:
                begun = uptime()
                with self.traces.sending(flight.traces):
                    ends = await carry_in_loop(client, flight)
        except BaseException as error:  # noqa: BLE001 - as below, or the loop's end
            ends = ends or [End(flight, error=error)]
        self.landed.put(Landed(flight, ends, uptime() - begun))

    def _fly(self, flight: Flight) -> None:
        begun = uptime()
        ends: list[End] = []
        try:
            with self.traces.sending(flight.traces):
                ends = carry(self.client, flight)
        except BaseException as error:  # noqa: BLE001 - a tracer's: what does not land would be waited for for ever
            ends = ends or [End(flight, error=error)]
        self.landed.put(Landed(flight, ends, uptime() - begun))

    def land(self, flights: list[Landed]) -> None:
        """Store what flights came to."""
        answers: list[Answer] = []
        for landed in flights:
            for end in landed.ends:
                answers.extend(answers_of(end, self.onward))
                self.tally.add_result(end.error.result if isinstance(end.error, SendError) else end.result)
        self._is_quick = all(landed.seconds <= SHORT and len(landed.flight.row_of) == 1 for landed in flights)
        try:
            self._record(answers)
        finally:
            for landed in flights:
                self._flying -= 1
                self._open[landed.flight.claim].flying -= 1
                self._close_if_done(landed.flight.claim)

    def _record(self, answers: list[Answer]) -> None:
        if answers:
            stored = self.ledger.record(self.name, answers)
            self.tally.add(stored)
            self.is_stale |= any(answer.pauses for answer in answers)

    def _close_if_done(self, token: str) -> None:
        found = self._open[token]
        if not found.flying:
            self.ledger.end(found.claim)
            del self._open[token]


def wait_for(landed: SimpleQueue[Landed | None], passes: Mapping[str, AccountPass], timeout: float | None) -> None:
    """Wait until a flight has ended, or for a wake-up, and store all that have ended by then."""
    for name, ends in _arrivals(landed, passes, timeout).items():
        passes[name].land(ends)


def _arrivals(
    landed: SimpleQueue[Landed | None], passes: Mapping[str, AccountPass], timeout: float | None
) -> dict[str, list[Landed]]:
    """The flights that have ended by then, and where threads have work meanwhile those that end just after, by account."""
    found: dict[str, list[Landed]] = {}
    try:
        end = landed.get(timeout=timeout)
        until = uptime() + GATHER
        while True:
            if end is None:  # a wake-up: something was put
                until = 0.0
            else:
                ends = found.setdefault(end.flight.account, [])
                ends.append(end)
                if not passes[end.flight.account].has_work_ahead(len(ends)):
                    until = 0.0
            end = landed.get(timeout=max(0.0, until - uptime()))
    except Empty:
        return found


def run_dry(
    landed: SimpleQueue[Landed | None], passes: Mapping[str, AccountPass], is_stopped: Callable[[], bool]
) -> None:
    """Send until no pass finds a row, or until it is stopped. What is under way is awaited and stored in any case."""
    try:
        while not is_stopped():
            found_some = [found.fill() for found in passes.values()]
            if any(found.is_flying for found in passes.values()):
                wait_for(landed, passes, None)
            elif not any(found_some):
                waits = [found.wait for found in passes.values() if found.wait is not None]
                if not waits:
                    return
                wait_for(landed, passes, min(LOOK, *waits))
    finally:
        finish(landed, passes)


def finish(landed: SimpleQueue[Landed | None], passes: Mapping[str, AccountPass]) -> None:
    """Wait for what is under way, and store it. Nothing is claimed any more."""
    while any(found.is_flying for found in passes.values()):
        wait_for(landed, passes, None)
