"""What is under test: one provider, an account of nobody, its recordings; and how to play them without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import field, frozen

from sms_core import Client, MemorySessions, SessionStore
from sms_core import dsn as dsns
from sms_core.aio import connect_provider_async
from sms_core.errors import SendError, SmsError, TransportError
from sms_core.http import Request, Response
from sms_core.middleware import LogOperations
from sms_core.model import Media, Message, Recipient
from sms_core.provider import Provider, ProviderInfo
from sms_core.testing import FakeTransport, bind_provider, connect_provider, describe_provider, load_provider
from sms_core_kit.loops import LoopClient
from sms_core_kit.plays import NoAnswerLeft, Played, perform
from sms_core_kit.recordings import Book, RecordedCallback, Recording, load_book
from sms_core_kit.stage import NOW, Stage, no_async_sleep, no_sleep

Answer = Response | TransportError

PICTURES = {"jpg": b"\xff\xd8\xff\xe0", "jpeg": b"\xff\xd8\xff\xe0", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF89a"}
"""The beginnings of pictures, by format."""


@frozen
class Subject:
    """A provider as the checks see it."""

    plugin: object = field(repr=False)
    dsn: dsns.Dsn
    info: ProviderInfo
    book: Book = field(repr=False)
    _simplest: Recording | None = field(repr=False)
    _bound: dict[str, Provider] = field(factory=dict, repr=False, eq=False)
    _clients: dict[tuple[str, bool, bool], tuple[Client, Stage]] = field(factory=dict, repr=False, eq=False)
    _played: dict[Recording, Played] = field(factory=dict, repr=False, eq=False)
    _preambles: dict[Recording, tuple[Answer, ...]] = field(factory=dict, repr=False, eq=False)

    def bound(self, dsn: str) -> Provider:
        """The provider with the account that a DSN names. Made once for each, for speed."""
        if dsn not in self._bound:
            self._bound[dsn] = bind_provider(self.plugin, dsn)
        return self._bound[dsn]

    def address(self, options: Mapping[str, str] | None = None, password: str | None = None) -> str:
        """The DSN, with these options beside its own, and with another password if one is given."""
        own = self.dsn
        host = f"[{own.host}]" if ":" in own.host else own.host
        if own.port:
            host = f"{host}:{own.port}"
        password = own.password if password is None else password
        return dsns.build(own.provider, own.user, password, host + own.prefix, **{**own.options, **(options or {})})

    def connect(
        self,
        transport: FakeTransport,
        options: Mapping[str, str] | None = None,
        *,
        now: datetime | None = None,
        password: str | None = None,
        sessions: SessionStore | None = None,
        logged: bool = False,
        same_nonce: bool = False,
        in_loop: bool = False,
    ) -> Client:
        """A client of the account, at a time that stands still and with pauses that take none.

        The next call for the same account gives the same client, with what that call names. It is ``logged`` where
        the log is what is looked at; elsewhere it would stand before what a failure says. ``in_loop`` gives one that
        runs an `AsyncClient`.
        """
        key = self.address(options, password), logged, in_loop
        if key not in self._clients:
            self._clients[key] = self._connect_once(*key)
        client, stage = self._clients[key]
        sessions = MemorySessions() if sessions is None else sessions
        stage.set(transport, sessions, now or NOW, same_nonce=same_nonce)
        return client

    def _connect_once(self, dsn: str, logged: bool, in_loop: bool) -> tuple[Client, Stage]:  # noqa: FBT001 - parts of the key
        stage = Stage()
        named: dict[str, Any] = {
            "transport": stage,
            "plugins": [LogOperations()] if logged else [],
            "sessions": stage,
            "clock": stage.now,
            "nonce": stage.nonce,
        }
        if in_loop:
            found: Any = LoopClient(connect_provider_async(self.plugin, dsn, sleep=no_async_sleep, **named))
        else:
            found = connect_provider(self.plugin, dsn, sleep=no_sleep, **named)
        return found, stage

    def play(
        self,
        recording: Recording,
        answers: Sequence[Answer] | None = None,
        then: Answer | None = None,
        **account: Any,
    ) -> Played:
        """Perform the recording's operation with its own answers, or these; ``then`` answers all later requests."""
        waiting = iter(recording.answers() if answers is None else answers)

        def answer(request: Request) -> Response:
            found = next(waiting, then)
            if found is None:
                raise NoAnswerLeft(f"one request more than was recorded: {request!r}")
            if isinstance(found, SmsError):
                raise copy(found)  # one that is raised again would drag along where it was raised before
            return found

        transport = FakeTransport(answer)
        options = recording.options
        if recording.operation == "logout":  # a client ends its session only where the DSN says so
            options = {**options, "close_session": "true"}
        client = self.connect(transport, options, now=recording.now, **account)
        return perform(client, recording, transport.requests)

    def played(self, recording: Recording) -> Played:
        """What the recording comes to with its own answers. Played once, for the checks share it."""
        if recording not in self._played:
            self._played[recording] = self.play(recording)
        return self._played[recording]

    # What the kit asks by itself, in the shape of a recording that is known to work

    @property
    def base(self) -> Recording:
        """The simplest recorded send that succeeds: its answers serve the messages that the kit makes up."""
        if self._simplest is None:
            pytest.fail('no recording has operation = "send" and a result: add one, such as in sends.toml', False)
        return self._simplest

    def message(self, text: str = "您好 hello", **fields: Any) -> Message:
        """A message to the recipient of `base`, which the vendor surely serves."""
        assert self.base.message is not None
        to = Recipient(self.base.message.to[0].number)
        plain = Message(text, to, reference="kit", options=self.base.message.options)
        return attrs.evolve(plain, **fields)

    def booking(self, ahead: timedelta = timedelta(days=2)) -> datetime:
        """A time that far ahead, or as near to that as the vendor books."""
        limits = self.info.limits
        ahead = max(ahead, limits.soonest)
        if limits.latest is not None:
            ahead = min(ahead, limits.latest)
        return (self.base.now or NOW) + ahead

    def picture(self) -> Media:
        """The smallest MMS picture."""
        kind = self.info.limits.mms.formats[0] if self.info.limits.mms else "jpg"
        return Media(PICTURES.get(kind, b"picture"), kind)

    def preamble(self, recording: Recording) -> tuple[Answer, ...]:
        """The answers that come before those to the sends themselves: a login's."""
        assert recording.message is not None
        if recording not in self._preambles:
            client = self.connect(FakeTransport(()), recording.options, now=recording.now)
            sends = client.preview(recording.message).requests
            self._preambles[recording] = recording.answers()[: len(recording.wire) - sends]
        return self._preambles[recording]

    def requests_of(self, message: Message) -> list[Request]:
        """The requests that a message becomes, a login left out. Raises what is raised before anything is sent."""
        base = self.base
        before = self.preamble(base)
        played = self.play(attrs.evolve(base, message=message), before, base.answers()[-1])
        if played.error is not None and not isinstance(played.error, SendError):
            raise played.error
        return played.requests[len(before) :]

    def refused(self, message: Message) -> tuple[SmsError | None, list[Request]]:
        """The error of a message that must not be sent, and every request that was made all the same."""
        played = self.play(attrs.evolve(self.base, message=message), (), Response(500))
        error = played.error if isinstance(played.error, SmsError) else None
        return error, played.requests

    def hooks(self) -> Provider:
        """The provider's hooks, bound to the account of `base`."""
        return self.bound(self.address(self.base.options))

    def callback(self, recorded: RecordedCallback) -> Client:
        """A client that gets a recorded push."""
        return self.connect(FakeTransport(()), recorded.options)


def open_subject(provider: object, dsn: str, recordings: Path) -> Subject:
    """Load all that a test class names. Raises `ConfigurationError`, `RecordingFileError`."""
    parsed = dsns.parse(dsn)
    plugin = load_provider(provider) if isinstance(provider, str) else provider
    info = describe_provider(plugin, parsed.provider)
    book = load_book(recordings, info)
    return Subject(plugin, parsed, info, book, _simplest_send(book))


def _simplest_send(book: Book) -> Recording | None:
    sends = [recording for recording in book.recordings if recording.operation == "send"]
    successful = [recording for recording in sends if recording.succeeds and recording.wire]
    return min(successful, key=_wishes, default=None)


def _wishes(recording: Recording) -> tuple[int, ...]:
    """How much a recorded send wants beyond a text and a number."""
    message = recording.message
    assert message is not None
    wishes = [wish for wish in (message.media, message.send_at, message.validity, message.subject) if wish]
    return len(message.options), len(wishes), len(message.to), len(recording.wire), len(recording.options)
