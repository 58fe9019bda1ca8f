"""The inside of pretended vendors, in plain Python: accounts, points, messages, reports, replies, bookings.

It speaks no protocol and opens no socket. The memory provider asks it directly; the sandbox puts a vendor's wire
in front of it. What it really accepted is in `Exchange.accepted`, so a test can compare that with what a client
believes.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from sms_core.masking import mask
from sms_core.model import DeliveryStatus
from sms_core.testing.accounts import PLENTY, Accounts
from sms_core.testing.behaviours import Behaviour
from sms_core.testing.clock import Clock
from sms_core.testing.duplicates import SentText, SentTexts
from sms_core.testing.records import (
    Accepted,
    Batch,
    Cancelled,
    Draft,
    NoSuchBatch,
    NotBooked,
    Push,
    Remembered,
    Reply,
    StoredMessage,
)
from sms_core.testing.remembering import Memory
from sms_core.testing.schedule import Due, MessageKey, Schedule
from sms_core.testing.taking import to_accepted, to_stored

LONGEST_WAIT = 60.0
"""Seconds after which a waiting thread looks at the clock again, whatever it expects."""

Change = StoredMessage | Reply | Remembered
"""What happens in an exchange: a message in a new state, a reply, or what a face wants to be kept."""
Watcher = Callable[[Sequence[Change]], object]
"""Is told what changed, in order; nothing at all means that everything was forgotten."""


class Exchange(Accounts):
    """The state of one vendor or of several, each as `of` shows it. Every answer is a value that no longer changes.

    ``filter_sees_all`` says whether the duplicate filter remembers plain sends too, or only those that went
    through it: the document of EVERY8D leaves that open. ``slow`` is how late a slow report comes. ``credit`` is in
    points. What is to happen later (bookings, slow reports) waits for ``clock``. Of more messages than ``keep`` the oldest
    are forgotten; None keeps all. Threads may share it.
    """

    __slots__ = ()

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        filter_sees_all: bool = False,
        slow: timedelta = timedelta(seconds=5),
        credit: Decimal = PLENTY,
        keep: int | None = None,
    ) -> None:
        super().__init__(clock or Clock(), credit)
        self.keep = keep
        self.filter_sees_all = filter_sees_all
        self.slow = slow
        self._listeners: list[Callable[[Push], object]] = []
        self._step_listeners: list[Callable[[Push], object]] = []
        self._watchers: list[Watcher] = []
        self._serials = itertools.count(1)
        self._forget()
        self.clock.on_advance(self.run_due)

    def _forget(self) -> None:
        self._messages: OrderedDict[MessageKey, StoredMessage] = OrderedDict()
        self._batches: dict[str, list[MessageKey]] = {}
        self._to_number: dict[str, deque[MessageKey]] = {}
        self._replies: deque[Reply] = deque()
        self._accepted: deque[Accepted] = deque()
        self._memory = Memory()
        self._changes: list[Change] = []
        self._sent_texts = SentTexts()
        self._schedule = Schedule()

    def reset(self) -> None:
        """Forget every message, session and reply; accounts are again as they were added. The clock stays."""
        with self._changed:
            self._reset_accounts()
            self._forget()
            for watcher in self._watchers:
                watcher(())
            self._changed.notify_all()

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

        ``batch_id`` is the vendor's id of them; a UUID is made where it is empty. What cannot be paid is kept too, with
        the status ``NO_CREDIT``. ``filtered`` sends them through the duplicate filter.
        """
        with self._changed:
            owner = self._owner(user, face)
            duplicates, rest = self._divide(user, drafts) if filtered else ((), tuple(drafts))
            batch_id = (batch_id or str(uuid.uuid4())) if rest else ""
            now = self.clock.now()
            sent, cost = 0, Decimal()
            keys = []
            for position, draft in enumerate(rest, 1):
                message = to_stored(
                    draft,
                    account=self._accounts[owner],
                    batch_id=batch_id,
                    position=position,
                    now=now,
                    face=face,
                    kind=kind,
                    subject=subject,
                    media=media,
                    serial=next(self._serials),
                    filtered=filtered,
                )
                if self._pay(owner, draft):
                    sent += 1
                    cost += draft.cost
                    self._accept(message, SentText(now, batch_id, filtered))
                else:
                    message = attrs.evolve(message, status=DeliveryStatus.NO_CREDIT, cost=Decimal(), done_at=now)
                keys.append((batch_id, position))
                self._to_number.setdefault(message.number, deque()).append((batch_id, position))
                self._keep(message)
            self._batches[batch_id] = keys
            self.run_due()
            self._publish()
            messages = tuple(self._messages[key] for key in keys)
            self._forget_oldest()
            credit = self._shown_credit(owner)
            return Batch(batch_id, messages, sent, len(rest) - sent, cost, credit, duplicates)

    def _accept(self, message: StoredMessage, sent: SentText) -> None:
        self._accepted.append(to_accepted(message))
        self._sent_texts.add((message.vendor, message.user), message.number, message.text, sent)
        self._schedule.add(max(sent.at, message.send_at), (message.batch_id, message.position), "send")

    # What is kept, and who watches it

    def _keep(self, message: StoredMessage) -> None:
        """Keep a message in its new state."""
        self._messages[message.batch_id, message.position] = message
        self._changes.append(message)

    def _publish(self) -> None:
        """Tell everyone what changed."""
        changes, self._changes = self._changes, []
        if changes:
            for watcher in self._watchers:
                watcher(changes)
        self._changed.notify_all()

    def watch(self, watcher: Watcher) -> None:
        """Have ``watcher(changes)`` called after each change, in order, and before whoever made it gets an answer.

        The exchange is locked meanwhile: be quick. A reset is told as no changes.
        """
        with self._changed:
            self._watchers.append(watcher)

    def _forget_oldest(self) -> None:
        while self.keep is not None and len(self._messages) > self.keep:
            key, message = self._messages.popitem(last=False)
            batch, to_number = self._batches[message.batch_id], self._to_number[message.number]
            batch.remove(key)
            to_number.remove(key)
            if not batch:
                del self._batches[message.batch_id]
                self._memory.forget(message.batch_id)
            if not to_number:
                del self._to_number[message.number]
            if message.status is not DeliveryStatus.NO_CREDIT:
                self._accepted.popleft()
                self._sent_texts.forget((message.vendor, message.user), message.number, message.text)
        while self.keep is not None and len(self._replies) > self.keep:
            self._replies.popleft()

    # What faces keep

    def remember(self, user: str, key: str, value: Any, *, batch_id: str) -> None:
        """Keep what a face knows beside the exchange, as JSON has it, for as long as this batch is kept.

        It outlives a restart where the messages do. A face that has to know of a batch whatever happens remembers
        first and submits then.
        """
        with self._changed:
            remembered = Remembered(self.vendor, user, key, value, batch_id)
            self._memory.add(remembered)
            self._changes.append(remembered)
            self._publish()

    def recall(self, user: str, key: str) -> Any:
        """What a face has remembered under this key; None if there is nothing."""
        with self._changed:
            return self._memory.find(self.vendor, user, key)

    def restore(
        self,
        messages: Iterable[StoredMessage],
        replies: Iterable[Reply] = (),
        remembered: Iterable[Remembered] = (),
    ) -> None:
        """Take back what an earlier exchange told its watchers: messages in the order of their serials, each as it last was.

        What was to happen to them happens when its time has come, or at once if it has passed. Nobody is told of what
        is taken back.
        """
        with self._changed:
            for message in messages:
                key = (message.batch_id, message.position)
                self._messages[key] = message
                self._batches.setdefault(message.batch_id, []).append(key)
                self._to_number.setdefault(message.number, deque()).append(key)
                self._serials = itertools.count(message.serial + 1)
                if message.status is not DeliveryStatus.NO_CREDIT:
                    self._take_again(message)
            self._replies.extend(replies)
            for kept in remembered:
                self._memory.add(kept)
            self._forget_oldest()
            self._changed.notify_all()

    def _take_again(self, message: StoredMessage) -> None:
        sent = SentText(message.accepted_at, message.batch_id, message.filtered)
        self._accepted.append(to_accepted(message))
        self._sent_texts.add((message.vendor, message.user), message.number, message.text, sent)
        key = (message.batch_id, message.position)
        if message.status is DeliveryStatus.SCHEDULED:
            self._schedule.add(max(message.accepted_at, message.send_at), key, "send")
        elif message.status is DeliveryStatus.SENT and message.behaviour.status is not None:
            delay = self.slow if message.behaviour.late else timedelta()
            self._schedule.add((message.sent_at or message.accepted_at) + delay, key, "report")

    # The duplicate filter

    def find_duplicates(self, user: str, text: str, numbers: Iterable[str]) -> Mapping[str, str]:
        """Which of these numbers (E.164) got this text within 24 hours, as the filter sees it, and in which batch."""
        return self._find_sent(user, text, numbers, filtered_only=not self.filter_sees_all)

    def find_accepted(self, user: str, text: str, numbers: Iterable[str]) -> Mapping[str, str]:
        """The same for every text that was accepted, whether the filter has seen it or not."""
        return self._find_sent(user, text, numbers, filtered_only=False)

    def _find_sent(self, user: str, text: str, numbers: Iterable[str], *, filtered_only: bool) -> Mapping[str, str]:
        found: dict[str, str] = {}
        with self._changed:
            now = self.clock.now()
            owner = self._owner(user)
            for number in numbers:
                batch_id = self._sent_texts.last_batch(owner, number, text, now, filtered_only=filtered_only)
                if batch_id:
                    found[number] = batch_id
        return found

    def _divide(self, user: str, drafts: Iterable[Draft]) -> tuple[tuple[tuple[Draft, str], ...], tuple[Draft, ...]]:
        """The drafts that the filter holds back, each with the batch that had its text before; and the rest."""
        duplicates, rest = [], []
        for draft in drafts:
            earlier = self.find_duplicates(user, draft.text, [draft.number])
            if earlier:
                duplicates.append((draft, earlier[draft.number]))
            else:
                rest.append(draft)
        return tuple(duplicates), tuple(rest)

    # What happens later

    def run_due(self) -> None:
        """Let happen what is due by the clock. Every question does this first, so a test never has to wait."""
        with self._changed:
            happened = False
            while (due := self._schedule.pop(self.clock.now())) is not None:
                happened = True
                message = self._messages.get(due.key)
                if message is None:
                    continue  # forgotten meanwhile
                if due.action == "send" and message.status is DeliveryStatus.SCHEDULED:
                    self._send(due, message)
                elif due.action == "report" and message.status is DeliveryStatus.SENT:
                    self._report(message, due.at)
            if happened:
                self._publish()

    def _send(self, due: Due, message: StoredMessage) -> None:
        self._tell_step(attrs.evolve(message, status=DeliveryStatus.ACCEPTED))
        sent = attrs.evolve(message, status=DeliveryStatus.SENT, sent_at=due.at)
        self._keep(sent)
        self._tell_step(sent)
        if message.behaviour.status is not None:
            delay = self.slow if message.behaviour.late else timedelta()
            self._schedule.add(due.at + delay, due.key, "report")

    def _report(self, message: StoredMessage, at: datetime) -> None:
        """Have a message end as its behaviour says."""
        if message.behaviour.status is None:
            return
        reported = attrs.evolve(message, status=message.behaviour.status, done_at=at)
        self._keep(reported)
        self._tell(reported)
        if message.behaviour.reply:
            self._take_reply(Reply(reported, message.behaviour.reply, at))

    def _take_reply(self, reply: Reply) -> None:
        self._replies.append(reply)
        self._changes.append(reply)
        self._tell(reply)

    def _tell(self, push: Push) -> None:
        for listener in (*self._listeners, *self._step_listeners):
            listener(push)

    def _tell_step(self, message: StoredMessage) -> None:
        for listener in self._step_listeners:
            listener(message)

    def subscribe(self, listener: Callable[[Push], object], *, steps: bool = False) -> None:
        """Have ``listener(push)`` called for each report and each reply, in order.

        With ``steps`` also for each state before: ``ACCEPTED`` when the vendor turns to a message, then ``SENT``; and for
        ``CANCELLED``. The exchange is locked meanwhile: be quick.
        """
        with self._changed:
            (self._step_listeners if steps else self._listeners).append(listener)

    def next_due(self) -> datetime | None:
        """When something happens next by itself; None if nothing waits."""
        with self._changed:
            return self._schedule.next_at

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
        if due is None:
            return LONGEST_WAIT
        left = (due - self.clock.now()).total_seconds()
        return min(max(0.001, left), LONGEST_WAIT)

    # Looking back

    @property
    def accepted(self) -> tuple[Accepted, ...]:
        """Everything that was really accepted, in order. What a client must have told its user, no more, no less."""
        with self._changed:
            return tuple(sent for sent in self._accepted if self._sees(sent.vendor))

    @property
    def messages(self) -> tuple[StoredMessage, ...]:
        """Every message in its present state, in the order of submission."""
        with self._changed:
            self.run_due()
            return tuple(message for message in self._messages.values() if self._sees(message.vendor))

    def messages_to(self, number: str) -> tuple[StoredMessage, ...]:
        """The messages to a number (E.164) in their present state, in the order of submission."""
        with self._changed:
            self.run_due()
            messages = [self._messages[key] for key in self._to_number.get(number, ())]
            return tuple(message for message in messages if self._sees(message.vendor))

    def message(self, batch_id: str, position: int) -> StoredMessage:
        """A message in its present state. Raises `LookupError` if there is none."""
        with self._changed:
            self.run_due()
            if (batch_id, position) not in self._messages:
                raise LookupError("there is no such message")
            return self._messages[batch_id, position]

    @property
    def replies(self) -> tuple[Reply, ...]:
        """Every reply, in order."""
        with self._changed:
            self.run_due()
            return tuple(reply for reply in self._replies if self._sees(reply.message.vendor))

    def batch(self, user: str, batch_id: str) -> tuple[StoredMessage, ...]:
        """The messages of a batch in their present state. Raises `NoSuchBatch`."""
        with self._changed:
            self.run_due()
            messages = tuple(self._messages[key] for key in self._batches.get(batch_id, ()))
            if not messages or messages[0].user != user or not self._sees(messages[0].vendor):
                raise NoSuchBatch(batch_id)
            return messages

    def has_batch(self, batch_id: str) -> bool:
        """Whether there is a batch of this id, whoever's it is: for a vendor whose ids count from where they stopped."""
        with self._changed:
            return batch_id in self._batches

    def replies_to(self, user: str, batch_id: str) -> tuple[Reply, ...]:
        """The replies to a batch, in order. Raises `NoSuchBatch`."""
        with self._changed:
            self.batch(user, batch_id)
            return tuple(reply for reply in self._replies if reply.message.batch_id == batch_id)

    # What a test makes happen

    def reply(self, number: str, text: str, batch_id: str = "") -> Reply:
        """Have a recipient (E.164) write back, to the last message sent there or to the one of this batch.

        Raises `LookupError` if there is none.
        """
        with self._changed:
            for message in reversed(self.messages_to(number)):
                if message.sent_at is not None and batch_id in {"", message.batch_id}:
                    reply = Reply(message, text, self.clock.now())
                    self._take_reply(reply)
                    self._publish()
                    return reply
        raise LookupError(f"no message was sent to {mask(number)}")

    def finish(self, batch_id: str, position: int, behaviour: Behaviour) -> StoredMessage:
        """Have a message end now as this behaviour does, also one that waits for its time or has ended otherwise.

        It is reported as ever. Raises `LookupError` if there is no such message, if it was never sent, or if the
        behaviour has no end.
        """
        with self._changed:
            message = self.message(batch_id, position)
            if message.status in {DeliveryStatus.NO_CREDIT, DeliveryStatus.CANCELLED}:
                raise LookupError("this message was never sent")
            if behaviour.status is None:
                raise LookupError(f"a message to a recipient that is {behaviour.name!r} has no end")
            now = self.clock.now()
            self._report(attrs.evolve(message, behaviour=behaviour, sent_at=message.sent_at or now), now)
            self._publish()
            return self.message(batch_id, position)

    def report_again(self, batch_id: str, position: int) -> StoredMessage:
        """Have the report of a message pushed once more. Raises `LookupError` if there is none to push."""
        with self._changed:
            message = self.message(batch_id, position)
            if not message.status.is_final or message.sent_at is None:
                raise LookupError("nothing was reported of this message")
            self._tell(message)
            self._changed.notify_all()
            return message

    # Bookings

    def cancel(self, user: str, batch_id: str) -> Cancelled:
        """Take back what of a batch still waits for its time, and give the points back.

        Raises `NoSuchBatch`, or `NotBooked` if nothing of it waits.
        """
        with self._changed:
            waiting = [message for message in self.batch(user, batch_id) if message.status is DeliveryStatus.SCHEDULED]
            if not waiting:
                raise NotBooked(batch_id)
            now = self.clock.now()
            refunded = Decimal()
            for message in waiting:
                refunded += message.cost
                cancelled = attrs.evolve(message, status=DeliveryStatus.CANCELLED, done_at=now)
                self._keep(cancelled)
                self._tell_step(cancelled)
            self._add_credit((waiting[0].vendor, user), refunded)
            self._publish()
            return Cancelled(len(waiting), refunded)
