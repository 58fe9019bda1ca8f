"""`connect` and the `Client` that it gives: what users call, each method a conversation that the driver runs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self, TypeVar

from sms_core import dsn as dsns
from sms_core._engine import registry
from sms_core._engine.bulk import Bulk
from sms_core._engine.connection import ConnectionOptions, account_of, split_options
from sms_core._engine.discovery import load
from sms_core._engine.driver import Driver, new_nonce, utc_now
from sms_core._engine.flow import log_out, perform, send_all
from sms_core._engine.login import Login
from sms_core._engine.paging import PageCheck
from sms_core._engine.plan import Plan, check_times, make_plan
from sms_core._engine.preview import Preview, make_preview
from sms_core._engine.sessions import MemorySessions, SessionStore
from sms_core._engine.settle import settle
from sms_core._engine.transports.sync import SocketTransport
from sms_core.callbacks import Callback, CallbackRequest
from sms_core.caller_errors import bare
from sms_core.errors import InvalidMessage, NotFound, SendError, SmsError
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
    Operation,
    PagedOperation,
)
from sms_core.provider.provider import Provider

T = TypeVar("T")


def connect(
    dsn: str | None = None,
    *,
    transport: Transport | None = None,
    plugins: Sequence[object] = (),
    sessions: SessionStore | None = None,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], object] = time.sleep,
) -> Client:
    """A client for the account that the DSN (or else the environment's ``SMS_DSN``) names. Sends nothing yet.

    ``plugins`` are middleware. ``sessions`` lets several clients share their logins. ``clock`` (aware times)
    and ``sleep`` are for tests. Raises `ConfigurationError`.
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
    transport: Transport | None = None,
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
    transport = transport or SocketTransport(
        connect_timeout=connection.connect_timeout,
        read_timeout=connection.read_timeout,
        deadline=connection.deadline,
        idle_timeout=connection.idle_timeout,
        proxy=connection.proxy,
        ca_file=connection.ca_file,
    )
    return Client(
        bound,
        transport,
        sessions=MemorySessions() if sessions is None else sessions,
        clock=clock,
        sleep=sleep,
        nonce=nonce,
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
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], object] = time.sleep,
        nonce: Callable[[], str] = new_nonce,
        close_session: bool = False,
    ) -> None:
        self._provider = provider
        self._transport = transport
        self._clock = clock
        self._close_session = close_session
        self._login = Login(provider, sessions, clock)
        self._driver = Driver(provider, transport, self._login, clock=clock, sleep=sleep, nonce=nonce)

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
            if self._close_session and (session := self._login.end()):
                self._driver.run(log_out(self._provider, session))
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
        del to, subject  # an error tracker writes down the locals of the frames that an error passes
        plan = self.plan(message) if isinstance(message, Message) else message
        return self._send_plan(plan, [])

    def _send_plan(self, plan: Plan, results: list[SendResult]) -> SendResult:
        """Send a plan; ``results`` gets that of each request as soon as it is known."""
        now = self._clock()
        check_times(plan, self.info, now)
        if not plan.sends:
            raise InvalidMessage("to", "holds nobody who can be sent to: see the plan's `refused`")
        return self._driver.run(send_all(self._provider, plan, now, results))

    def send_many(self, messages: Iterable[Message | Plan], *, concurrency: int = 8) -> Bulk:
        """Send messages side by side: an iterator of `Sent`, each given as soon as it is known, whatever its place.

        ::

            with sms.send_many(messages) as bulk:
                for sent in bulk:
                    print(sent.index, sent.error or sent.result.batch_id)

        A message is taken from the iterable when it can be sent at once, so memory is bounded. Whatever it raises, also
        what is no `SmsError`, is the error of its `Sent`. However the iteration ends (``break``, an error, Ctrl-C),
        what is under way is awaited, and is in ``bulk.results`` and the exception's ``sms_results`` then.
        """
        return Bulk(
            messages, plan=self.plan, send=self._send_plan, info=self.info, clock=self._clock, concurrency=concurrency
        )

    def plan(self, message: Message, *, skip_refused: bool = False) -> Plan:
        """Check a message and split it into requests, without a network. Raises as `send` does before it sends.

        With ``skip_refused`` recipients that cannot be sent to are left out, and `Plan.refused` says why.
        """
        return self._plan(message, self._clock(), skip_refused=skip_refused)

    def _plan(self, message: Message, now: datetime, *, skip_refused: bool = False) -> Plan:
        try:
            return make_plan(message, self.info, now, self._provider.prepare, skip_refused=skip_refused)
        except SmsError as error:
            refused = error
        raise bare(refused)  # the frames of the plan show numbers and texts

    def preview(self, message: Message | Plan) -> Preview:
        """What a message would come to, without a network. Raises as `send` does before it sends."""
        plan = self.plan(message) if isinstance(message, Message) else message
        return make_preview(plan, self.info)

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
        result = unknown.result if isinstance(unknown, SendError) else unknown
        if isinstance(known_batches, str):
            known_batches = (known_batches,)
        return self._driver.run(settle(self._provider, result, known_batches, self._clock(), replay=replay))

    def balance(self) -> Balance:
        """The points left."""
        return self._perform(GetBalance())

    def check(self) -> None:
        """Return if the credentials work."""
        self._perform(Check())

    def cancel(self, batch: str | SendResult | Mapping[str, Sequence[str]], *, mms: bool = False) -> Cancellation:
        """Take back a scheduled batch, or all batches of a result, or of ``{batch_id: numbers}`` (E.164).

        Raises `NotFound` where the vendor has no such booking. Of several batches each is tried: if one cannot be taken
        back, its error is raised after the others, with a note that says what was.
        """
        if isinstance(batch, SendResult):
            mms = batch.message is not None and batch.message.media is not None
        cancelled: dict[str, Cancellation] = {}
        failures: list[SmsError] = []
        operations = [Cancel(batch_id, mms, numbers) for batch_id, numbers in _batches(batch).items()]
        del batch  # as in `reports`
        for operation in operations:
            try:
                cancelled[operation.batch_id] = self._perform(operation)
            except SmsError as error:
                failures.append(error)
        if not cancelled and not failures:
            raise NotFound("nothing was sent that could be cancelled")
        total = _sum(cancelled.values())
        if failures:
            if cancelled:
                failures[0].add_note(f"{total.count} messages were cancelled, of the batches {', '.join(cancelled)}")
            raise failures[0]
        return total

    def reports(
        self, batch: str | SendResult | Mapping[str, Sequence[str]], *, mms: bool = False
    ) -> Iterator[DeliveryReport]:
        """The delivery reports of a batch id, or of all batches of a result; pages are fetched as you go.

        For some vendors the numbers of a batch must be known, for a report that names its number: give the result, or
        ``{batch_id: numbers}`` (E.164).
        """
        if isinstance(batch, SendResult):
            mms = batch.message is not None and batch.message.media is not None
        questions = _questions(_batches(batch), self.info.limits.batches, mms=mms)
        del batch  # it may hold numbers, and an error tracker writes down the locals of the frames that an error passes
        for question in questions:
            yield from self._rows(question)

    def inbound(self, batch: str | SendResult) -> Iterator[InboundMessage]:
        """The replies to a batch id, or to all batches of a result; pages are fetched as you go."""
        for batch_id in _batches(batch):
            yield from self._rows(GetInbound(batch_id))

    def _rows(self, operation: PagedOperation[T]) -> Iterator[T]:
        check = PageCheck(self.info)
        while True:
            page = self._perform(operation)
            yield from page.rows
            if not check.has_more(page):
                break
            operation = operation.next_page()

    def parse_callback(self, request: CallbackRequest) -> Callback:
        """The events of a vendor's push and the answer it waits for; pure. Raises `CallbackRefused`."""
        return self._provider.parse_callback(request)

    def _perform(self, operation: Operation[T]) -> T:
        return self._driver.run(self._provider.perform(operation))


def _batches(batch: str | SendResult | Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
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
