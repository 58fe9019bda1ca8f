"""`connect` and the `Client` that it gives: what users call, each method a conversation that the driver runs."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Self, TypeVar

from sms_core import dsn as dsns
from sms_core._engine import registry
from sms_core._engine.base_client import (
    BaseClient,
    Batch,
    Cancelled,
    as_message,
    cancels,
    inbound_questions,
    report_questions,
)
from sms_core._engine.bulk import Bulk
from sms_core._engine.connection import ConnectionOptions, account_of, split_options
from sms_core._engine.discovery import load
from sms_core._engine.driver import Course, Driver, new_nonce, utc_now
from sms_core._engine.flow import log_out, perform, send_all
from sms_core._engine.pace import Pace
from sms_core._engine.paging import PageCheck
from sms_core._engine.plan import Plan
from sms_core._engine.sessions import MemorySessions, SessionStore
from sms_core._engine.transports.functions import Carry, as_transport
from sms_core._engine.transports.sync import SocketTransport
from sms_core.errors import SendError, SmsError
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
from sms_core.provider.info import limits_with
from sms_core.provider.operations import Check, GetBalance, Operation, PagedOperation
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Flow

T = TypeVar("T")

IN_EVENT_LOOP = (
    "this is the client that blocks, and it is called in a running event loop, which stands still until the vendor has "
    "answered: use sms_core.connect_async() and await its methods"
)


def connect(
    dsn: str | None = None,
    *,
    transport: Transport | Carry | None = None,
    plugins: Sequence[object] = (),
    sessions: SessionStore | None = None,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], object] = time.sleep,
) -> Client:
    """A client for the account that the DSN (or else the environment's ``SMS_DSN``) names. Sends nothing yet.

    ``transport`` may be a function from `Request` to `Response`. ``plugins`` are middleware. ``sessions`` lets several
    clients share their logins. ``clock`` (aware times) and ``sleep`` are for tests. Raises `ConfigurationError`.
    """
    text = dsns.from_environment() if dsn is None else dsn
    plugin = load(dsns.parse(text).provider)
    return connect_provider(
        plugin, text, transport=transport, plugins=plugins, sessions=sessions, clock=clock, sleep=sleep
    )


def connect_provider(
    provider: object,
    dsn: str,
    *,
    transport: Transport | Carry | None = None,
    plugins: Sequence[object] = (),
    sessions: SessionStore | None = None,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], object] = time.sleep,
    nonce: Callable[[], str] = new_nonce,
) -> Client:
    """The same for a provider that is at hand, a module or an object with hooks: no entry point is looked for.

    The DSN's scheme is the name that errors call it by.
    """
    bound, connection = bind_provider(provider, dsn, plugins)
    if transport is None:
        transport = SocketTransport(
            connect_timeout=connection.connect_timeout,
            read_timeout=connection.read_timeout,
            deadline=connection.deadline,
            idle_timeout=connection.idle_timeout,
            proxy=connection.proxy,
            ca_file=connection.ca_file,
        )
    return Client(
        bound,
        as_transport(transport),
        sessions=MemorySessions() if sessions is None else sessions,
        clock=clock,
        sleep=sleep,
        nonce=nonce,
        deadline=connection.deadline,
        close_session=connection.close_session,
    )


def bind_provider(provider: object, dsn: str, plugins: Sequence[object] = ()) -> tuple[Provider, ConnectionOptions]:
    """A provider with its middleware and the account that a DSN names, and how to reach it."""
    parsed = dsns.parse(dsn)
    hooks = registry.bind_hooks(parsed.provider, provider, plugins)
    info = registry.describe(parsed.provider, hooks)
    connection, options = split_options(parsed, info)
    account = account_of(parsed, info, connection, options)
    if connection.batch_size:
        info = limits_with(info, recipients=min(connection.batch_size, info.limits.recipients))
    if connection.max_text:
        info = limits_with(info, text=connection.max_text)
    return Provider(info, account, connection.retries, hooks, perform), connection


class Client(BaseClient):
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
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], object] = time.sleep,
        nonce: Callable[[], str] = new_nonce,
        deadline: float = 60.0,
        close_session: bool = False,
    ) -> None:
        super().__init__(provider, sessions, clock, deadline)
        self._transport = transport
        self._sleep = sleep
        self._close_session = close_session
        self._driver = Driver(provider, transport, self._login, clock=clock, sleep=sleep, nonce=nonce)
        self._has_warned = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The vendor's session is ended only with the DSN's ``close_session=true``."""
        try:
            if self._close_session and (session := self._login.end()):
                self._run(log_out(self._provider, session))
        finally:
            self._transport.close()

    def send(
        self,
        message: str | Message | Plan,
        to: str | Recipient | Iterable[str | Recipient] | None = None,
        *,
        subject: str = "",
        send_at: datetime | None = None,
        validity: timedelta | None = None,
        media: Media | None = None,
        reference: str = "",
        options: VendorOptions | Iterable[VendorOptions] = (),
    ) -> SendResult:
        """Send a `Message`, a `Plan` of one, or a text ``to`` some numbers; the other arguments are the message's fields.

        Returns only if the vendor accepted every recipient. Raises `InvalidMessage` or `Unsupported` before
        anything is sent, and otherwise a `SendError`, whose ``result`` tells what became of each recipient.
        """
        message = as_message(
            message,
            to,
            subject=subject,
            send_at=send_at,
            validity=validity,
            media=media,
            reference=reference,
            options=options,
        )
        del to, subject  # an error tracker writes down the locals of the frames that an error passes
        return self._send_plan(message, [])

    def _send_plan(
        self, message: Message | Plan, results: list[SendResult], course: Course | None = None
    ) -> SendResult:
        """Send a message; ``results`` gets that of each request as soon as it is known."""
        now = self._clock()
        plan = self._ready(message, now)
        return self._run(send_all(self._provider, plan, now, results), course)

    def send_many(
        self,
        messages: Iterable[Message | Plan],
        *,
        concurrency: int = 8,
        group: bool = False,
        max_per_second: float | None = None,
    ) -> Bulk:
        """Send messages side by side: an iterator of `Sent`, each given as soon as it is known, whatever its place.

        ::

            with sms.send_many(messages) as bulk:
                for sent in bulk:
                    print(sent.index, sent.error or sent.result.batch_id)

        A message is taken from the iterable when it can be sent at once, so memory is bounded. Whatever it raises, also
        what is no `SmsError`, is the error of its `Sent`. However the iteration ends (``break``, an error, Ctrl-C),
        what is under way is awaited, and is in ``bulk.results`` and the exception's ``sms_results`` then.

        With ``group`` messages that could be recipients of one message share a request, as far as the vendor takes them
        together: equal settings, no ``send_at``, no number and no reference twice. Each has its `Sent` all the same,
        with its own recipients' outcomes. As many messages as a request holds are taken from the iterable at a time.

        ``max_per_second`` is how many texts (a text to a number each) are handed to the vendor in a second, evenly. It
        holds for this bulk alone.

        Raises `TypeError` for an async iterable, which `AsyncClient.send_many` takes.
        """
        self._warn_in_event_loop()
        pace = Pace(max_per_second)
        return Bulk(
            messages,
            plan=self._plan_unjudged,
            send=self._send_plan,
            grouping=self._grouping(pace, group=group),
            pace=pace,
            clock=self._clock,
            sleep=self._sleep,
            concurrency=concurrency,
        )

    def settle(
        self, unknown: SendResult | SendError, *, known_batches: str | Collection[str] = (), replay: bool = False
    ) -> SendResult:
        """Ask the vendor about each recipient whose outcome is unknown; claims no more than the evidence.

        ``known_batches`` are batch ids of earlier sends of the same text to the same numbers, so that those are
        not mistaken for this one. Sends nothing, unless ``replay`` says so: then, where the vendor takes a key
        (`ProviderInfo.replay`), what is still unknown is asked once more under its key, which is a send that the vendor
        takes once. A row that stays ``UNKNOWN`` is for a person to decide; a note says where nothing could be asked.
        Where a question fails, the exception's ``sms_result`` is the result with what the earlier ones told.
        """
        return self._run(self._settling(unknown, known_batches, replay=replay))

    def balance(self) -> Balance:
        """The points left."""
        return self._perform(GetBalance())

    def check(self) -> None:
        """Return if the credentials work."""
        self._perform(Check())

    def cancel(self, batch: Batch, *, mms: bool = False) -> Cancellation:
        """Take back a scheduled batch, or all batches of a result, or of ``{batch_id: numbers}`` (E.164).

        Raises `NotFound` where the vendor has no such booking. Of several batches each is tried: if one cannot be taken
        back, its error is raised after the others, with a note that says what was.
        """
        operations = cancels(batch, mms=mms)
        del batch  # as in `reports`
        cancelled = Cancelled()
        for operation in operations:
            try:
                cancelled.done[operation.batch_id] = self._perform(operation)
            except SmsError as error:
                cancelled.failures.append(error)
        return cancelled.conclude()

    def reports(self, batch: Batch, *, mms: bool = False) -> Iterator[DeliveryReport]:
        """The delivery reports of a batch id, or of all batches of a result; pages are fetched as you go.

        For some vendors the numbers of a batch must be known, for a report that names its number: give the result, or
        ``{batch_id: numbers}`` (E.164).
        """
        questions = report_questions(batch, self.info, mms=mms)
        del batch  # it may hold numbers, and an error tracker writes down the locals of the frames that an error passes
        for question in questions:
            yield from self._rows(question)

    def inbound(self, batch: str | SendResult) -> Iterator[InboundMessage]:
        """The replies to a batch id, or to all batches of a result; pages are fetched as you go."""
        for question in inbound_questions(batch):
            yield from self._rows(question)

    def _rows(self, operation: PagedOperation[T]) -> Iterator[T]:
        check = PageCheck(self.info)
        while True:
            page = self._perform(operation)
            yield from page.rows
            if not check.has_more(page):
                break
            operation = operation.next_page()

    def _perform(self, operation: Operation[T]) -> T:
        return self._run(self._provider.perform(operation))

    def _run(self, flow: Flow[T], course: Course | None = None) -> T:
        self._warn_in_event_loop()
        return self._driver.run(flow, course)

    def _warn_in_event_loop(self) -> None:
        """Say once that an event loop is being held up."""
        if self._has_warned or not _in_event_loop():
            return
        self._has_warned = True
        warnings.warn(IN_EVENT_LOOP, RuntimeWarning, stacklevel=_callers_level())


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # where nobody imported it, no loop is running
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - documented, and raises nothing


def _callers_level() -> int:
    """How far up the stack whoever called this package is, as `warnings.warn` counts where `_warn_in_event_loop` calls it."""
    level = 1
    frame = sys._getframe(1)  # noqa: SLF001 - `warnings.warn` itself uses it; from 3.12 on it has skip_file_prefixes
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("sms_core."):
        frame = frame.f_back
        level += 1
    return level
