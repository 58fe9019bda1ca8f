"""`connect` and the `Client` that it gives: drives flows with a transport, one step after another."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from typing import Self, TypeVar

from sms_core import dsn as dsns
from sms_core._engine import registry
from sms_core._engine.connection import ConnectionOptions, account_of, split_options
from sms_core._engine.flow import log_out, send_all
from sms_core._engine.plan import make_plan
from sms_core._engine.preview import Preview, make_preview
from sms_core._engine.sessions import MemorySessions, SessionStore
from sms_core._engine.settle import settle
from sms_core._engine.transports.sync import Urllib3Transport
from sms_core.callbacks import Callback, CallbackRequest
from sms_core.errors import AuthenticationFailed, InvalidMessage, SendError, SmsError
from sms_core.http import Transport
from sms_core.model import (
    Balance,
    Cancellation,
    DeliveryReport,
    InboundMessage,
    Media,
    Message,
    Recipient,
    SendResult,
    VendorOptions,
)
from sms_core.provider.info import ProviderInfo, limits_with
from sms_core.provider.operations import (
    Cancel,
    Check,
    GetBalance,
    GetInbound,
    GetReports,
    Login,
    Operation,
    PagedOperation,
)
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Authenticate, Flow, Session, Sleep, Step

T = TypeVar("T")


def _utc_now() -> datetime:
    return datetime.now(UTC)


def connect(
    dsn: str | None = None,
    *,
    transport: Transport | None = None,
    plugins: Sequence[object] = (),
    sessions: SessionStore | None = None,
    clock: Callable[[], datetime] = _utc_now,
    sleep: Callable[[float], object] = time.sleep,
) -> Client:
    """A client for the account that the DSN (or else the environment's ``SMS_DSN``) names. Sends nothing yet.

    ``plugins`` are middleware. ``sessions`` lets several clients share their logins. ``clock`` (aware times)
    and ``sleep`` are for tests. Raises `ConfigurationError`.
    """
    text = dsns.from_environment() if dsn is None else dsn
    plugin = registry.load(dsns.parse(text).provider)
    return connect_provider(
        plugin, text, transport=transport, plugins=plugins, sessions=sessions, clock=clock, sleep=sleep
    )


def connect_provider(
    provider: object,
    dsn: str,
    *,
    transport: Transport | None = None,
    plugins: Sequence[object] = (),
    sessions: SessionStore | None = None,
    clock: Callable[[], datetime] = _utc_now,
    sleep: Callable[[float], object] = time.sleep,
) -> Client:
    """The same for a provider that is at hand, a module or an object with hooks: no entry point is looked for.

    The DSN's scheme is the name that errors call it by.
    """
    bound, connection = bind_provider(provider, dsn, plugins)
    transport = transport or Urllib3Transport(
        connect_timeout=connection.connect_timeout,
        read_timeout=connection.read_timeout,
        proxy=connection.proxy,
    )
    return Client(
        bound,
        transport,
        sessions=MemorySessions() if sessions is None else sessions,
        clock=clock,
        sleep=sleep,
        close_session=connection.close_session,
    )


def bind_provider(provider: object, dsn: str, plugins: Sequence[object] = ()) -> tuple[Provider, ConnectionOptions]:
    """A provider with its middleware and the account that a DSN names, and how to reach it."""
    parsed = dsns.parse(dsn)
    hooks = registry.relay(parsed.provider, provider, plugins)
    info = registry.describe(parsed.provider, hooks)
    connection, options = split_options(parsed, info)
    account = account_of(parsed, info, connection, options)
    if connection.batch_size:
        info = limits_with(info, recipients=min(connection.batch_size, info.limits.recipients))
    if connection.max_text:
        info = limits_with(info, text=connection.max_text)
    return Provider(info, account, connection.retries, hooks), connection


class Client:
    """One account at one vendor. Threads may share it; close it, or use it in a ``with`` block.

    Beside what each method names, all raise `AuthenticationFailed` and, where they are not sends,
    `TransportError`, `MalformedResponse` and the other `VendorError` kinds.
    """

    def __init__(
        self,
        provider: Provider,
        transport: Transport,
        *,
        sessions: SessionStore,
        clock: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], object] = time.sleep,
        close_session: bool = False,
    ) -> None:
        self._provider = provider
        self._transport = transport
        self._sessions = sessions
        self._clock = clock
        self._sleep = sleep
        self._close_session = close_session
        self._key = provider.account.key
        self._logs_in = provider.logs_in

    def __repr__(self) -> str:
        return f"<Client of {self.info.name!r} at {self._provider.account.base_url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self._provider.info

    def close(self) -> None:
        """Close the connections. The vendor's session is ended only with the DSN's ``close_session=true``."""
        try:
            session = self._sessions.get(self._key)
            alive = session if isinstance(session, Session) and self._clock() < session.expires_at else None
            if self._close_session and self._logs_in and alive:
                self._sessions.put(self._key, None)
                self._run(log_out(self._provider, alive))
        finally:
            self._transport.close()

    def send(
        self,
        message: str | Message,
        to: str | Recipient | Iterable[str | Recipient] | None = None,
        *,
        subject: str = "",
        send_at: datetime | None = None,
        validity: timedelta | None = None,
        media: Media | None = None,
        reference: str = "",
        options: VendorOptions | Iterable[VendorOptions] = (),
    ) -> SendResult:
        """Send a `Message`, or a text ``to`` some numbers; the other arguments are the message's fields.

        Returns only if the vendor accepted every recipient. Raises `InvalidMessage` or `Unsupported` before
        anything is sent, and otherwise a `SendError`, whose ``result`` tells what became of each recipient.
        """
        if isinstance(message, str):
            if to is None:
                raise InvalidMessage("to", "is missing: send(text, to=number)")
            message = Message(
                message,
                to,
                subject=subject,
                send_at=send_at,
                validity=validity,
                media=media,
                reference=reference,
                options=options,
            )
        elif to is not None or subject or send_at or validity or media or reference or options:
            raise InvalidMessage("message", "is a Message already: give it its fields, not send()")
        now = self._clock()
        return self._run(send_all(self._provider, make_plan(message, self.info, now, self._provider.prepare), now))

    def send_many(
        self, messages: Iterable[Message], *, concurrency: int = 8
    ) -> Iterator[tuple[SendResult | None, SmsError | None]]:
        """Send messages side by side; gives a pair for each, in their order, as soon as it is known.

        The pair is the result and the error, of which a failed send has both and a message that was refused
        here has only the error. Memory is bounded: messages are taken from the iterable as places get free.
        To stop early, let the iterable end: what is in flight then still comes out.
        """
        source = iter(messages)
        waiting: deque[Future[tuple[SendResult | None, SmsError | None]]] = deque()
        failure: Exception | None = None
        with ThreadPoolExecutor(concurrency, thread_name_prefix="sms-send") as pool:
            try:
                while True:
                    try:
                        for message in itertools.islice(source, 0 if failure else concurrency * 2 - len(waiting)):
                            # Whoever traces the caller traces its sends too.
                            waiting.append(pool.submit(copy_context().run, self._send_one, message))
                    except Exception as error:  # noqa: BLE001 - raised below, after what it must not hide
                        failure = error
                    if not waiting:
                        break
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()  # nobody would learn of it any more
        if failure:
            raise failure

    def _send_one(self, message: Message) -> tuple[SendResult | None, SmsError | None]:
        try:
            return self.send(message), None
        except SmsError as error:
            return (error.result if isinstance(error, SendError) else None), error

    def preview(self, message: Message) -> Preview:
        """What a message would come to, without a network. Raises as `send` does before it sends."""
        return make_preview(make_plan(message, self.info, self._clock(), self._provider.prepare), self.info)

    def settle(self, unknown: SendResult | SendError, *, known_batches: str | Collection[str] = ()) -> SendResult:
        """Ask the vendor about each recipient whose outcome is unknown; claims no more than the evidence.

        ``known_batches`` are batch ids of earlier sends of the same text to the same numbers, so that those are
        not mistaken for this one. A row that stays ``UNKNOWN`` is for a person to decide.
        """
        result = unknown.result if isinstance(unknown, SendError) else unknown
        if isinstance(known_batches, str):
            known_batches = (known_batches,)
        return self._run(settle(self._provider, result, known_batches, self._clock()))

    def balance(self) -> Balance:
        """The points left."""
        return self._perform(GetBalance())

    def check(self) -> None:
        """Return if the credentials work."""
        self._perform(Check())

    def cancel(self, batch_id: str, *, mms: bool = False) -> Cancellation:
        """Take back a scheduled batch. Raises `NotFound` where the vendor has no such booking."""
        return self._perform(Cancel(batch_id, mms))

    def reports(
        self, batch: str | SendResult | Mapping[str, Sequence[str]], *, mms: bool = False
    ) -> Iterator[DeliveryReport]:
        """The delivery reports of a batch id, or of all batches of a result; pages are fetched as you go.

        For some vendors the numbers of a batch must be known, for a report that names its number: give the result, or
        ``{batch_id: numbers}`` (E.164).
        """
        if isinstance(batch, SendResult):
            mms = batch.message is not None and batch.message.media is not None
        batches = iter(_batches(batch).items())
        while together := dict(itertools.islice(batches, self.info.limits.batches)):
            (batch_id, numbers), *more = together.items()
            yield from self._rows(GetReports(batch_id, mms=mms, numbers=numbers, more=dict(more)))

    def inbound(self, batch: str | SendResult) -> Iterator[InboundMessage]:
        """The replies to a batch id, or to all batches of a result; pages are fetched as you go."""
        for batch_id in _batches(batch):
            yield from self._rows(GetInbound(batch_id))

    def _rows(self, operation: PagedOperation[T]) -> Iterator[T]:
        while True:
            page = self._perform(operation)
            yield from page.rows
            if not page.has_more:
                break
            operation = operation.next_page()

    def parse_callback(self, request: CallbackRequest) -> Callback:
        """The events of a vendor's push and the answer it waits for; pure. Raises `CallbackRefused`."""
        return self._provider.parse_callback(request)

    def _perform(self, operation: Operation[T]) -> T:
        return self._run(self._provider.perform(operation))

    def _run(self, flow: Flow[T]) -> T:
        """The driver: answer each step of the flow until it ends."""
        with _Turn() as turn:
            try:
                step = next(flow)
                while True:
                    try:
                        answer = self._answer(step, turn)
                    except BaseException as error:  # noqa: BLE001 - the flow knows what it means, Ctrl-C too
                        step = flow.throw(error)
                    else:
                        step = flow.send(answer)
            except StopIteration as stop:
                if turn.proves:
                    self._sessions.put(self._key, PROVEN)
                return stop.value  # type: ignore[no-any-return]
            except SmsError as error:
                if refused := _refused_login(error):
                    self._sessions.put(self._key, _refusal(refused))
                raise

    def _answer(self, step: Step, turn: _Turn) -> object:
        match step:
            case Sleep():
                return self._sleep(step.seconds)
            case Authenticate():
                return self._session(step.stale, turn)
            case _:
                return self._transport.send(step)

    def _session(self, stale: Session | None, turn: _Turn) -> Session | None:
        """The shared session, from a login if need be. A refusal is raised again without a network.

        Credentials that ride on each request are unproven until one has succeeded. Their first use keeps its
        turn to its end, so that many threads with a wrong password do not get the account blocked.
        """
        if found := self._usable_session(stale):
            return found if self._logs_in else None
        with ExitStack() as waiting:
            waiting.enter_context(self._sessions.lock(self._key))
            if found := self._usable_session(stale):  # another thread was faster
                return found if self._logs_in else None
            if self._logs_in:
                session = self._run(self._provider.perform(Login(self._clock())))
                self._sessions.put(self._key, session)
                return session
            turn.push(waiting.pop_all())
            turn.proves = True
            return None

    def _usable_session(self, stale: Session | None) -> Session | None:
        found = self._sessions.get(self._key)
        if isinstance(found, AuthenticationFailed):
            raise _refusal(found)
        if found is None or found == stale or found.expires_at <= self._clock():
            return None
        return found


class _Turn(ExitStack):
    """What one run holds to its end; ``proves`` says that its success proves the credentials."""

    proves = False


PROVEN = Session("", datetime.max.replace(tzinfo=UTC))
"""Kept in place of a session for credentials that ride on each request, once they have worked."""

_AGAIN = "refused before, and not tried again until the credentials change: connect() with new ones"


def _refusal(error: AuthenticationFailed) -> AuthenticationFailed:
    reasons = dict.fromkeys([*filter(None, error.reason.split("; ")), _AGAIN])
    return AuthenticationFailed("; ".join(reasons), code=error.code, vendor_text=error.vendor_text)


def _refused_login(error: SmsError) -> AuthenticationFailed | None:
    """The refusal of the credentials that an error is, or that a send met in its middle."""
    if isinstance(error, AuthenticationFailed):
        return error
    rows = error.result.outcomes if isinstance(error, SendError) else ()
    return next((row.error for row in rows if isinstance(row.error, AuthenticationFailed)), None)


def _batches(batch: str | SendResult | Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The batches' ids, each with the numbers in it as far as they are known."""
    match batch:
        case str():
            return {batch: ()}
        case SendResult():
            numbers: dict[str, list[str]] = {one: [] for one in batch.batches}
            for row in batch.outcomes:
                if row.batch_id in numbers:
                    numbers[row.batch_id].append(row.number)
            return {one: tuple(found) for one, found in numbers.items()}
        case _:
            return {one: tuple(found) for one, found in batch.items()}
