"""What is under test: one provider, an account of nobody, its exchanges; and how to play them without a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import define, field, frozen

from sms_core import MemorySessions, SessionStore
from sms_core import dsn as dsns
from sms_core._engine import registry
from sms_core.client import Client, bind_provider
from sms_core.errors import SendError, SmsError, TransportError
from sms_core.http import Request, Response
from sms_core.middleware import LogOperations
from sms_core.model import Media, Message, Outcome, Recipient, RecipientOutcome, SendResult
from sms_core.provider import Provider, ProviderInfo
from sms_core.testing.fake_transport import FakeTransport
from sms_core_kit.exchanges import Book, RecordedCallback, RecordedExchange, load_book

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of an exchange that names none."""

Answer = Response | TransportError

PICTURES = {"jpg": b"\xff\xd8\xff\xe0", "jpeg": b"\xff\xd8\xff\xe0", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF89a"}
"""The beginnings of pictures, by format."""


def no_sleep(seconds: float) -> None:
    """A pause that takes no time."""
    del seconds


class NoAnswerLeft(AssertionError):
    """The provider asked more than was recorded."""


@define
class Played:
    """What an exchange came to: ``value`` or ``error``, and every request that was made."""

    requests: list[Request]
    value: Any = None
    error: SmsError | NoAnswerLeft | None = None

    @property
    def rows(self) -> tuple[RecipientOutcome, ...]:
        """The outcomes of a send, whether it succeeded or not."""
        result = self.error.result if isinstance(self.error, SendError) else self.value
        return result.outcomes if isinstance(result, SendResult) else ()


@frozen
class Subject:
    """A provider as the checks see it."""

    plugin: object = field(repr=False)
    dsn: dsns.Dsn
    info: ProviderInfo
    book: Book = field(repr=False)
    _bound: dict[tuple[str, bool], Provider] = field(factory=dict, repr=False, eq=False)

    def bound(self, dsn: str, *, logged: bool = False) -> Provider:
        """The provider with the account that a DSN names. Made once for each, for speed."""
        key = dsn, logged
        if key not in self._bound:
            self._bound[key], _ = bind_provider(self.plugin, dsn, [LogOperations()] if logged else [])
        return self._bound[key]

    def address(self, options: Mapping[str, str] | None = None, password: str | None = None) -> str:
        """The DSN, with these options beside its own, and with another password if one is given."""
        own = self.dsn
        where = f"[{own.host}]" if ":" in own.host else own.host
        host = f"{where}{f':{own.port}' if own.port else ''}{own.prefix}"
        password = own.password if password is None else password
        return dsns.build(own.provider, own.user, password, host, **{**own.options, **(options or {})})

    def connect(
        self,
        transport: FakeTransport,
        options: Mapping[str, str] | None = None,
        *,
        now: datetime | None = None,
        password: str | None = None,
        sessions: SessionStore | None = None,
        close_session: bool = False,
        logged: bool = False,
    ) -> Client:
        """A client of the account, at a time that stands still and with pauses that take none.

        It is ``logged`` where the log is what is looked at; elsewhere it would stand before what a failure says.
        """
        return Client(
            self.bound(self.address(options, password), logged=logged),
            transport,
            sessions=MemorySessions() if sessions is None else sessions,
            clock=lambda: now or NOW,
            sleep=no_sleep,
            close_session=close_session,
        )

    def play(
        self,
        exchange: RecordedExchange,
        answers: Sequence[Answer] | None = None,
        then: Answer | None = None,
        **how: Any,
    ) -> Played:
        """Perform the exchange's operation with its own answers, or these; ``then`` answers all later requests."""
        waiting = iter([wire.answer.answer() for wire in exchange.wire] if answers is None else answers)

        def answer(request: Request) -> Response:
            found = next(waiting, then)
            if found is None:
                raise NoAnswerLeft(f"one request more than was recorded: {request!r}")
            if isinstance(found, SmsError):
                raise found
            return found

        transport = FakeTransport(answer)
        played = Played(transport.requests)
        ends = exchange.operation == "logout"
        client = self.connect(transport, exchange.options, now=exchange.now, close_session=ends, **how)
        try:
            played.value = ASK[exchange.operation](client, exchange)
        except (SmsError, NoAnswerLeft) as error:
            played.error = error
        return played

    # What the kit asks by itself, in the shape of an exchange that is known to work

    @property
    def base(self) -> RecordedExchange:
        """The simplest recorded send that succeeds: its answers serve the messages that the kit makes up."""
        found = [one for one in self.book.exchanges if one.operation == "send" and one.succeeds and one.wire]
        if not found:
            pytest.fail('no exchange has operation = "send" and a result: record one, such as in sends.toml', False)
        return min(found, key=_simplicity)

    def message(self, text: str = "您好 hello", **wishes: Any) -> Message:
        """A message to the recipient of `base`, which the vendor surely serves."""
        assert self.base.message is not None
        to = Recipient(self.base.message.to[0].number)
        plain = Message(text, to, reference="kit", options=self.base.message.options)
        return attrs.evolve(plain, **wishes)

    def booking(self, ahead: timedelta = timedelta(days=2)) -> datetime:
        """A time that far ahead, or as near to that as the vendor books."""
        limits = self.info.limits
        ahead = max(ahead, limits.soonest)
        return (self.base.now or NOW) + (ahead if limits.latest is None else min(ahead, limits.latest))

    def picture(self) -> Media:
        """The smallest MMS picture."""
        kind = self.info.limits.mms.formats[0] if self.info.limits.mms else "jpg"
        return Media(PICTURES.get(kind, b"picture"), kind)

    def preamble(self, exchange: RecordedExchange) -> tuple[Answer, ...]:
        """The answers that come before those to the sends themselves: a login's."""
        with self.connect(FakeTransport(()), exchange.options, now=exchange.now) as client:
            assert exchange.message is not None
            sends = client.preview(exchange.message).requests
        return tuple(wire.answer.answer() for wire in exchange.wire[: len(exchange.wire) - sends])

    def requests_of(self, message: Message) -> list[Request]:
        """The requests that a message becomes, a login left out. Raises what is raised before anything is sent."""
        base = self.base
        before = self.preamble(base)
        exchange = attrs.evolve(base, message=message)
        played = self.play(exchange, before, base.wire[-1].answer.answer())
        if played.error is not None and not isinstance(played.error, SendError):
            raise played.error
        return played.requests[len(before) :]

    def refused(self, message: Message) -> tuple[SmsError | None, list[Request]]:
        """The error of a message that must not be sent, and every request that was made all the same."""
        played = self.play(attrs.evolve(self.base, message=message), (), Response(500))
        error = played.error
        return (error if isinstance(error, SmsError) else None), played.requests

    def hooks(self) -> Provider:
        """The provider's hooks, bound to the account of `base`."""
        return self.bound(self.address(self.base.options))

    def callback(self, recorded: RecordedCallback) -> Client:
        """A client that gets a recorded push."""
        return self.connect(FakeTransport(()), recorded.options)


def _simplicity(exchange: RecordedExchange) -> tuple[object, ...]:
    message = exchange.message
    assert message is not None
    wishes = [one for one in (message.media, message.send_at, message.validity, message.subject) if one]
    return len(message.options), len(wishes), len(message.to), len(exchange.wire), len(exchange.options)


def open_subject(provider: object, dsn: str, exchanges: Path) -> Subject:
    """Load all that a test class names. Raises `ConfigurationError`, `ExchangeFileError`."""
    parsed = dsns.parse(dsn)
    plugin = registry.load(provider) if isinstance(provider, str) else provider
    info = registry.describe(parsed.provider, registry.relay(parsed.provider, plugin))
    return Subject(plugin, parsed, info, load_book(exchanges, info))


def _send(client: Client, exchange: RecordedExchange) -> SendResult:
    assert exchange.message is not None
    return client.send(exchange.message)


def _settle(client: Client, exchange: RecordedExchange) -> SendResult:
    try:
        result = _send(client, exchange)
    except SendError as error:
        return client.settle(error, known_batches=exchange.arguments.known_batches)
    raise NoAnswerLeft(f"a send that leaves an outcome open comes before settle(), and this one succeeded: {result!r}")


def _batch(exchange: RecordedExchange) -> str | SendResult:
    """The batch id, or the result of a send where the file names the recipients too."""
    asked = exchange.arguments
    if not asked.numbers:
        return asked.batch_id
    rows = (RecipientOutcome(one, Outcome.ACCEPTED, asked.batch_id) for one in asked.numbers)
    return SendResult(tuple(rows), len(asked.numbers), batches=(asked.batch_id,))


def _log_out(client: Client, exchange: RecordedExchange) -> None:
    del exchange
    client.check()
    client.close()


ASK: dict[str, Callable[[Client, RecordedExchange], Any]] = {
    "send": _send,
    "preview": lambda client, one: client.preview(one.message) if one.message else None,
    "balance": lambda client, _: client.balance(),
    "check": lambda client, _: client.check(),
    "reports": lambda client, one: list(client.reports(_batch(one), mms=one.arguments.mms)),
    "inbound": lambda client, one: list(client.inbound(_batch(one))),
    "cancel": lambda client, one: client.cancel(one.arguments.batch_id, mms=one.arguments.mms),
    "settle": _settle,
    "logout": _log_out,
}
"""How each operation is performed. ``settle`` sends first, ``logout`` logs in by `Client.check` first."""
