"""A pretended vendor's inside, in plain Python: accounts, points, messages, reports, replies, bookings.

It speaks no protocol and opens no socket. The memory provider asks it directly; the sandbox puts a vendor's wire
in front of it. What it really accepted is in `Exchange.accepted`, so a test can compare that with what a client
believes.
"""

from __future__ import annotations

import heapq
import itertools
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import attrs
from attrs import field, frozen

from sms_core.masking import mask
from sms_core.model import DeliveryStatus
from sms_core.testing.behaviours import behaviour_of
from sms_core.testing.clock import Clock
from sms_core.testing.records import (
    Accepted,
    AccountState,
    Batch,
    Cancelled,
    Draft,
    LoginRefused,
    NoSuchBatch,
    NotBooked,
    Push,
    Reply,
    StoredMessage,
    current_allowance,
)

FILTER_MEMORY = timedelta(hours=24)
"""How long the duplicate filter remembers a text (EVERY8D HTTP 2.1, 2.5.1)."""
SESSION_LIFE = timedelta(hours=24)
"""How long a session lives, if nothing ends it before."""
PLENTY = Decimal(1_000_000)
"""The points of an account that nobody gave any."""
LONGEST_WAIT = 60.0
"""Seconds after which a waiting thread looks at the clock again, whatever it expects."""


@frozen(order=True)
class _Due:
    """What is to happen at a time: the message is sent, or it is reported."""

    at: datetime
    order: int
    key: tuple[str, int] = field(order=False)
    step: str = field(order=False)


@frozen
class _Seen:
    at: datetime
    batch_id: str
    filtered: bool


class Exchange:
    """A vendor's state. Threads may share it; every answer is a value that no longer changes.

    ``filter_sees_all`` says whether the duplicate filter remembers plain sends too, or only those that went
    through it: the document of EVERY8D leaves that open. ``slow`` is how late a slow report comes. What is to happen
    later (bookings, slow reports) waits for ``clock``.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        filter_sees_all: bool = False,
        slow: timedelta = timedelta(seconds=5),
        credit: Decimal = PLENTY,
    ) -> None:
        self.clock = clock or Clock()
        self.filter_sees_all = filter_sees_all
        self.slow = slow
        self.default_credit = credit
        self._changed = threading.Condition(threading.RLock())
        self._listeners: list[Callable[[Push], object]] = []
        self._order = itertools.count()
        self._set_up: list[AccountState] = []
        self._accounts: dict[str, AccountState] = {}
        self._forget()
        self.clock.on_advance(self.run_due)

    def _forget(self) -> None:
        self._accounts = {one.user: one for one in self._set_up}
        self._sessions: dict[str, tuple[str, datetime]] = {}
        self._messages: dict[tuple[str, int], StoredMessage] = {}
        self._batches: dict[str, list[tuple[str, int]]] = {}
        self._replies: list[Reply] = []
        self._accepted: list[Accepted] = []
        self._seen: dict[tuple[str, str, str], list[_Seen]] = {}
        self._due: list[_Due] = []
        self._login_count = 0

    def reset(self) -> None:
        """Forget every message, session and reply; accounts are again as they were added. The clock stays."""
        with self._changed:
            self._forget()
            self._changed.notify_all()

    # Accounts and sessions

    def add_account(
        self, user: str, password: str, credit: Decimal | int | None = None, *, international: bool = True
    ) -> AccountState:
        """Open an account, or replace the one of this user."""
        points = self.default_credit if credit is None else Decimal(credit)
        state = AccountState(user, password, points, international=international)
        with self._changed:
            self._set_up = [one for one in self._set_up if one.user != user] + [state]
            self._accounts[user] = state
        return state

    def account(self, user: str) -> AccountState:
        """An account as it is now. Raises `KeyError`."""
        with self._changed:
            return self._accounts[user]

    @property
    def accounts(self) -> tuple[AccountState, ...]:
        """All accounts as they are now."""
        with self._changed:
            return tuple(self._accounts.values())

    def set_credit(self, user: str, credit: Decimal | int) -> AccountState:
        """Give an account so many points. Raises `KeyError`."""
        with self._changed:
            self._accounts[user] = attrs.evolve(self._accounts[user], credit=Decimal(credit))
            return self._accounts[user]

    @property
    def login_count(self) -> int:
        """How often a password was shown, right or wrong."""
        with self._changed:
            return self._login_count

    def login(self, user: str, password: str) -> AccountState:
        """Check a password. Raises `LoginRefused`; after ten wrong ones in a row the right one does not help."""
        with self._changed:
            self._login_count += 1
            state = self._accounts.get(user)
            if state is None:
                raise LoginRefused("user")
            if state.blocked:
                raise LoginRefused("blocked")
            right = secrets.compare_digest(state.password.encode(), password.encode())
            failed = 0 if right else state.failed_logins + 1
            self._accounts[user] = state = attrs.evolve(state, failed_logins=failed)
            if not right:
                raise LoginRefused("password")
            return state

    def open_session(self, user: str, ends: datetime | None = None) -> str:
        """A token of 32 hexadecimal digits for a user who has logged in, good for a day or until it ``ends``."""
        token = uuid.uuid4().hex
        with self._changed:
            self._sessions[token] = (user, ends or self.clock.now() + SESSION_LIFE)
        return token

    def session_user(self, token: str) -> str | None:
        """Whose token this is; None if it is unknown, closed or too old."""
        with self._changed:
            user, ends = self._sessions.get(token, ("", None))
            return user if ends is not None and self.clock.now() < ends else None

    def close_session(self, token: str) -> bool:
        """End a session; False if there was none."""
        with self._changed:
            return self._sessions.pop(token, None) is not None

    def expire_sessions(self) -> None:
        """End every session, as a vendor does overnight."""
        with self._changed:
            self._sessions.clear()

    # Sending

    def submit(
        self,
        user: str,
        drafts: Sequence[Draft],
        *,
        face: str = "",
        kind: str = "SMS",
        subject: str = "",
        media: bytes | None = None,
        filtered: bool = False,
        batch_id: str = "",
    ) -> Batch:
        """Take messages in their order, each as far as the account's points go. Raises `KeyError` for the user.

        ``batch_id`` is the vendor's id of them, a UUID where it is empty.

        What cannot be paid is kept too, with the status ``NO_CREDIT``. ``filtered`` sends them through the
        duplicate filter.
        """
        with self._changed:
            duplicates, rest = self._divide(user, drafts) if filtered else ((), tuple(drafts))
            batch_id = (batch_id or str(uuid.uuid4())) if rest else ""
            now = self.clock.now()
            keys = [(batch_id, position) for position in range(1, len(rest) + 1)]
            self._batches[batch_id] = keys
            sent, cost = 0, Decimal()
            for key, draft in zip(keys, rest, strict=True):
                paid = self._pay(user, draft.cost)
                self._messages[key] = _stored(
                    key, draft, user=user, paid=paid, now=now, face=face, kind=kind, subject=subject, media=media
                )
                if paid:
                    sent, cost = sent + 1, cost + draft.cost
                    self._accepted.append(Accepted(draft.number, draft.text, batch_id, draft.reference))
                    seen = self._seen.setdefault((user, draft.number, draft.text), [])
                    seen.append(_Seen(now, batch_id, filtered))
                    self._schedule(max(now, draft.send_at or now), key, "send")
            self.run_due()
            self._changed.notify_all()
            messages = tuple(self._messages[key] for key in keys)
            credit = self._accounts[user].credit
            if (allowance := current_allowance()) is not None and allowance.left <= 0:
                credit = Decimal()
            return Batch(batch_id, messages, sent, len(rest) - sent, cost, credit, duplicates)

    def can_pay(self, user: str, drafts: Sequence[Draft]) -> bool:
        """Whether the points suffice for all of these, for a vendor that takes all or none. Raises `KeyError`."""
        allowance = current_allowance()
        if allowance is not None and allowance.left < len(drafts):
            return False
        cost = sum((draft.cost for draft in drafts), Decimal())
        return cost <= self.account(user).credit

    def _divide(self, user: str, drafts: Iterable[Draft]) -> tuple[tuple[tuple[Draft, str], ...], tuple[Draft, ...]]:
        duplicates, rest = [], []
        for draft in drafts:
            earlier = self._last_seen(user, draft.number, draft.text, filtered=not self.filter_sees_all)
            if earlier:
                duplicates.append((draft, earlier))
            else:
                rest.append(draft)
        return tuple(duplicates), tuple(rest)

    def _last_seen(self, user: str, number: str, text: str, *, filtered: bool) -> str:
        since = self.clock.now() - FILTER_MEMORY
        for one in reversed(self._seen.get((user, number, text), [])):
            if one.at > since and (one.filtered or not filtered):
                return one.batch_id
        return ""

    def find_duplicates(self, user: str, text: str, numbers: Iterable[str]) -> Mapping[str, str]:
        """Which of these numbers (E.164) got this text within 24 hours, as the filter sees it, and in which batch."""
        with self._changed:
            found = ((one, self._last_seen(user, one, text, filtered=not self.filter_sees_all)) for one in numbers)
            return {number: batch_id for number, batch_id in found if batch_id}

    def find_accepted(self, user: str, text: str, numbers: Iterable[str]) -> Mapping[str, str]:
        """The same as the exchange itself knows it, through whichever door the text came."""
        with self._changed:
            found = ((one, self._last_seen(user, one, text, filtered=False)) for one in numbers)
            return {number: batch_id for number, batch_id in found if batch_id}

    def _pay(self, user: str, cost: Decimal) -> bool:
        state = self._accounts[user]
        allowance = current_allowance()
        if cost > state.credit or (allowance is not None and allowance.left <= 0):
            return False
        if allowance is not None:
            allowance.left -= 1
        self._accounts[user] = attrs.evolve(state, credit=state.credit - cost)
        return True

    # What happens later

    def _schedule(self, at: datetime, key: tuple[str, int], step: str) -> None:
        heapq.heappush(self._due, _Due(at, next(self._order), key, step))

    def run_due(self) -> None:
        """Let happen what is due by the clock. Every question does this first, so a test never has to wait."""
        with self._changed:
            happened = False
            while self._due and self._due[0].at <= self.clock.now():
                happened = True
                due = heapq.heappop(self._due)
                message = self._messages[due.key]
                if due.step == "send" and message.status is DeliveryStatus.SCHEDULED:
                    self._send(due, message)
                elif due.step == "report" and message.behaviour.status is not None:
                    self._report(due, message, message.behaviour.status)
            if happened:
                self._changed.notify_all()

    def _send(self, due: _Due, message: StoredMessage) -> None:
        self._messages[due.key] = attrs.evolve(message, status=DeliveryStatus.SENT, sent_at=due.at)
        if message.behaviour.status is not None:
            self._schedule(due.at + (self.slow if message.behaviour.late else timedelta()), due.key, "report")

    def _report(self, due: _Due, message: StoredMessage, status: DeliveryStatus) -> None:
        self._messages[due.key] = done = attrs.evolve(message, status=status, done_at=due.at)
        self._tell(done)
        if message.behaviour.reply:
            self._take_reply(Reply(done, message.behaviour.reply, due.at))

    def _take_reply(self, reply: Reply) -> None:
        self._replies.append(reply)
        self._tell(reply)

    def _tell(self, push: Push) -> None:
        for listener in self._listeners:
            listener(push)

    def subscribe(self, listener: Callable[[Push], object]) -> None:
        """Have ``listener(push)`` called for each push, in order. The exchange is locked meanwhile: be quick."""
        with self._changed:
            self._listeners.append(listener)

    def next_due(self) -> datetime | None:
        """When something happens next by itself; None if nothing waits."""
        with self._changed:
            return self._due[0].at if self._due else None

    def wait_for(self, condition: Callable[[], bool], timeout: float = 5.0) -> bool:
        """Wait in real time until the condition holds (then True), at most ``timeout`` seconds (then False)."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, self._seconds_to_next()))
                self.run_due()
            return True

    def wake(self) -> None:
        """Have every `wait_for` look at its condition again, for one that changes outside the exchange."""
        with self._changed:
            self._changed.notify_all()

    def _seconds_to_next(self) -> float:
        """Real seconds until something is due, if the clock ticks by itself; never 0, so that a loop can breathe."""
        due = self.next_due()
        left = LONGEST_WAIT if due is None else (due - self.clock.now()).total_seconds()
        return min(max(0.001, left), LONGEST_WAIT)

    # Looking back

    @property
    def accepted(self) -> tuple[Accepted, ...]:
        """Everything that was really accepted, in order. What a client must have told its user, no more, no less."""
        with self._changed:
            return tuple(self._accepted)

    @property
    def messages(self) -> tuple[StoredMessage, ...]:
        """Every message in its present state, in the order of submission."""
        with self._changed:
            self.run_due()
            return tuple(self._messages.values())

    @property
    def replies(self) -> tuple[Reply, ...]:
        """Every reply, in order."""
        with self._changed:
            self.run_due()
            return tuple(self._replies)

    def batch(self, user: str, batch_id: str) -> tuple[StoredMessage, ...]:
        """The messages of a batch in their present state. Raises `NoSuchBatch`."""
        with self._changed:
            self.run_due()
            messages = tuple(self._messages[key] for key in self._batches.get(batch_id, ()))
            if not messages or messages[0].user != user:
                raise NoSuchBatch(batch_id)
            return messages

    def replies_to(self, user: str, batch_id: str) -> tuple[Reply, ...]:
        """The replies to a batch, in order. Raises `NoSuchBatch`."""
        with self._changed:
            self.batch(user, batch_id)
            return tuple(one for one in self._replies if one.message.batch_id == batch_id)

    def reply(self, number: str, text: str, batch_id: str = "") -> Reply:
        """Have a recipient (E.164) write back, to the last message sent there or to the one of this batch.

        Raises `LookupError` if there is none.
        """
        with self._changed:
            for message in reversed(self.messages):
                sent = message.sent_at is not None
                if sent and message.number == number and batch_id in {"", message.batch_id}:
                    reply = Reply(message, text, self.clock.now())
                    self._take_reply(reply)
                    self._changed.notify_all()
                    return reply
        raise LookupError(f"no message was sent to {mask(number)}")

    def cancel(self, user: str, batch_id: str) -> Cancelled:
        """Take back what of a batch still waits for its time, and give the points back.

        Raises `NoSuchBatch`, or `NotBooked` if nothing of it waits.
        """
        with self._changed:
            waiting = [one for one in self.batch(user, batch_id) if one.status is DeliveryStatus.SCHEDULED]
            if not waiting:
                raise NotBooked(batch_id)
            refunded = sum((one.cost for one in waiting), Decimal())
            for one in waiting:
                done = attrs.evolve(one, status=DeliveryStatus.CANCELLED, done_at=self.clock.now())
                self._messages[one.batch_id, one.position] = done
            state = self._accounts[user]
            self._accounts[user] = attrs.evolve(state, credit=state.credit + refunded)
            self._changed.notify_all()
            return Cancelled(len(waiting), refunded)


def _stored(
    key: tuple[str, int],
    draft: Draft,
    *,
    user: str,
    paid: bool,
    now: datetime,
    face: str,
    kind: str,
    subject: str,
    media: bytes | None,
) -> StoredMessage:
    return StoredMessage(
        user=user,
        batch_id=key[0],
        position=key[1],
        number=draft.number,
        text=draft.text,
        reference=draft.reference,
        name=draft.name,
        subject=subject,
        kind=kind,
        face=face,
        cost=draft.cost if paid else Decimal(),
        accepted_at=now,
        send_at=draft.send_at or now,
        behaviour=draft.behaviour or behaviour_of(draft.number),
        status=DeliveryStatus.SCHEDULED if paid else DeliveryStatus.NO_CREDIT,
        media=media,
        done_at=None if paid else now,
    )
