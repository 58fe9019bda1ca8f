"""Who may be sent to: nobody who asked to get no more, and while an application is tried, only some."""

from __future__ import annotations

import asyncio
import inspect
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs

from sms_core import ConfigurationError, DeliveryReport, InboundMessage, Message, hookimpl
from sms_core.masking import mask
from sms_core.numbers import to_e164
from sms_core.provider import Blocking, Destination, Flow, Operation, Send
from sms_core_policy.counting import Counted
from sms_core_policy.errors import PolicyRefused
from sms_core_policy.folding import fold, half_width, lower_case, simplified
from sms_core_policy.limits import Purpose, purpose_of, utc_now
from sms_core_policy.reserving import ask_for_nothing
from sms_core_policy.standings import Standing, Whose
from sms_core_policy.stores import Store, StoreUnavailable

Event = DeliveryReport | InboundMessage
Handler = Callable[[Event], Any]
"""A handler of a `Receiver`, async or not."""

STOP_WORDS = (
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "END",
    "QUIT",
    "CANCEL",
    "停",
    "停止",
    "停止訂閱",
    "退訂",
    "取消",
    "取消訂閱",
    "拒收",
)
START_WORDS = ("START", "UNSTOP", "恢復", "訂閱")
_LETTERS_AND_DIGITS = "LMN"
"""The first letters of Unicode's categories that a word is compared by: no blanks, marks, signs or emoji."""
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)


def plain_e164(number: str) -> str:
    """E.164 of a number as a person types it, full-width digits too. Raises `ValueError` without the number in it."""
    return to_e164(unicodedata.normalize("NFKC", number))


def e164(number: str) -> str:
    """E.164, or `ConfigurationError` without the number in it."""
    try:
        return plain_e164(number)
    except ValueError as error:
        raise ConfigurationError(f"a number {error}") from None


class OptOut(Counted):
    """Numbers that asked to get no more texts of a purpose: ``connect(plugins=[OptOut(store, purpose="offers")])``.

    Feed it the replies by `handler`, which is a receiver's, or with `record`, from ``client.inbound``. A reply that is one of
    ``stop_words`` and nothing else opts its number out, one of ``start_words`` in again; case, width, blanks, punctuation
    and simplified characters make no difference. It is asked when a message is
    planned and again before each request. Where its store fails nothing is sent. ``purpose`` may be a function of the
    message; one that gives "" is not asked about, such as a one-time code.
    """

    rule = "opt-out"

    def __init__(
        self,
        store: Store,
        purpose: Purpose = "all",
        *,
        stop_words: Iterable[str] = STOP_WORDS,
        start_words: Iterable[str] = START_WORDS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__()
        self._store = store
        self._purpose = purpose
        self._stop_words = frozenset(map(_plain, stop_words)) - {""}
        self._start_words = frozenset(map(_plain, start_words)) - {""}
        self._clock = clock

    def add(self, number: str, purpose: str | None = None) -> None:
        """Send this number no more. Raises `StoreUnavailable`."""
        key = _key(self._named(purpose), e164(number))
        self._store.swap(key, None, self._clock().isoformat(), FOREVER, self._clock())

    def remove(self, number: str, purpose: str | None = None) -> None:
        """Send this number again. Raises `StoreUnavailable`."""
        key = _key(self._named(purpose), e164(number))
        now = self._clock()
        for old in self._store.get([key], now).values():
            self._store.swap(key, old, None, FOREVER, now)

    def record(self, replies: InboundMessage | Iterable[InboundMessage], purpose: str | None = None) -> None:
        """Take what people sent back. Raises `StoreUnavailable`, so that a push is not acknowledged and comes again."""
        several = (replies,) if isinstance(replies, InboundMessage) else replies
        for reply in several:
            word = _plain(reply.text)
            if word in self._stop_words:
                self.add(reply.number, purpose)
            elif word in self._start_words:
                self.remove(reply.number, purpose)

    def handler(self, also: Handler | None = None, purpose: str | None = None) -> Handler:
        """A handler for a `Receiver` that takes replies as `record` does, and then hands each event to ``also``.

        ::

            Receiver({"every8d": client}, opt_out.handler(handle), secrets=secret)

        It is async where ``also`` is. Where it raises, the push is not acknowledged and comes again.
        """
        if also is not None and inspect.iscoroutinefunction(also):
            then = also

            async def handle_later(event: Event) -> None:
                if isinstance(event, InboundMessage):
                    await asyncio.to_thread(self.record, event, purpose)
                await then(event)

            return handle_later

        def handle(event: Event) -> object:
            if isinstance(event, InboundMessage):
                self.record(event, purpose)
            return also(event) if also is not None else None

        return handle

    def has(self, number: str, purpose: str | None = None) -> bool:
        """Whether this number has opted out. Raises `StoreUnavailable`."""
        return bool(self._store.get([_key(self._named(purpose), e164(number))], self._clock()))

    def standings(self, whose: Whose) -> list[Standing]:
        """The rule, and of a number whether it has opted out."""
        purpose = self._purpose if isinstance(self._purpose, str) else ""
        words = f"numbers that asked to get no more texts ({purpose or 'by purpose'})"
        is_asked = bool(whose.number and purpose)
        try:
            ask_for_nothing(self._store, self._clock())
            has_opted_out = is_asked and self.has(whose.number)
        except StoreUnavailable as error:
            return [Standing(self.rule, words, problem=f"cannot be looked up: {error}")]
        if not is_asked:
            return [Standing(self.rule, words)]
        if has_opted_out:
            return [Standing(self.rule, f"{mask(whose.number)} asked to get no more texts ({purpose})")]
        return [Standing(self.rule, f"{mask(whose.number)} did not ask to get no more texts ({purpose})")]

    @hookimpl
    def sms_check(self, message: Message, destinations: tuple[Destination, ...]) -> None:
        """Refuse those who opted out, each by its place."""
        self._refuse(message, destinations)

    @hookimpl(wrapper=True)
    def sms_perform(self, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Ask once more before each request."""
        flow = yield
        if not isinstance(operation, Send):
            return flow
        return self._asked(operation, flow)

    def _asked(self, operation: Send, flow: Flow[Any]) -> Flow[Any]:
        yield Blocking(partial(self._refuse, operation.message, operation.destinations))
        return (yield from flow)

    def _refuse(self, message: Message, destinations: tuple[Destination, ...]) -> None:
        purpose = purpose_of(self._purpose, message)
        if not purpose:
            return
        keys = {_key(purpose, destination.number): destination for destination in destinations}
        try:
            found = self._store.get(keys, self._clock())
        except StoreUnavailable as error:
            self._decided.refuse(self.rule, message.reference)
            raise PolicyRefused(self.rule, "to", f"cannot be looked up: {error}") from None
        for key, destination in keys.items():
            if key in found:
                self._decided.refuse(self.rule, destination.reference)
                raise PolicyRefused(self.rule, f"{destination.path}.number", f"asked to get no more texts ({purpose})")

    def _named(self, purpose: str | None) -> str:
        if purpose is not None:
            return purpose
        if isinstance(self._purpose, str):
            return self._purpose
        raise ConfigurationError("OptOut: say which purpose, for its own is told by each message")


def _key(purpose: str, number: str) -> str:
    return f"opt-out:{purpose}:{number}"


def _plain(text: str) -> str:
    """One word, whatever its case, its width, blanks and marks in it and around it, and its characters' script."""
    folded = fold(text, [half_width, lower_case, simplified]).text
    return "".join(character for character in folded if unicodedata.category(character)[0] in _LETTERS_AND_DIGITS)


class AllowList(Counted):
    """Sends to these numbers alone, and refuses all others: for a machine where an application is tried."""

    rule = "allow-list"

    def __init__(self, numbers: str | Iterable[str]) -> None:
        super().__init__()
        several = (numbers,) if isinstance(numbers, str) else numbers
        self._numbers = frozenset(map(e164, several))

    def standings(self, whose: Whose) -> list[Standing]:
        """The rule."""
        del whose
        return [Standing(self.rule, f"numbers that may be sent to: {len(self._numbers)}")]

    @hookimpl
    def sms_check(self, destinations: tuple[Destination, ...]) -> None:
        """Refuse those who are not on it, each by its place."""
        for destination in destinations:
            if destination.number not in self._numbers:
                self._decided.refuse(self.rule, destination.reference)
                raise PolicyRefused(
                    self.rule, f"{destination.path}.number", "is not among the numbers that may be sent to"
                )


class Redirect:
    """Sends every text to one number, with the recipient's own in front of it, ``+886900000001: …``.

    For a machine where an application is tried. What a plan and a result say of the recipient is this number then. A text
    that became too long by it is refused as any other.
    """

    rule = "redirect"

    def __init__(self, number: str) -> None:
        self._number = e164(number)

    def standings(self, whose: Whose) -> list[Standing]:
        """The rule."""
        del whose
        return [Standing(self.rule, f"every text goes to {mask(self._number)}")]

    @hookimpl(wrapper=True)
    def sms_prepare(
        self, destinations: tuple[Destination, ...]
    ) -> Generator[None, tuple[Destination, ...] | None, tuple[Destination, ...]]:
        """Put the one number in place of each."""
        prepared = yield
        return tuple(self._redirected(prepared or destinations))

    def _redirected(self, destinations: tuple[Destination, ...]) -> Iterator[Destination]:
        for destination in destinations:
            text = f"{destination.number}: {destination.text}"
            yield attrs.evolve(destination, number=self._number, text=text, params=None)
