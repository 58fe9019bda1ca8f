"""`Outbox`: what users call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self, Unpack

from sqlalchemy import Connection, Engine

from sms_core import connect
from sms_core.errors import ConfigurationError
from sms_core.model import DeliveryReport, InboundMessage, Message
from sms_core.numbers import to_e164
from sms_core_outbox import (
    asking,
    cancelling,
    health,
    migrations,
    pauses,
    queries,
    reports,
    retention,
    routes,
    sending,
    settling,
    stats,
)
from sms_core_outbox.accounts import Given
from sms_core_outbox.databases import CACHE_OF_MANY, Database
from sms_core_outbox.errors import check_who_and_why
from sms_core_outbox.ledger import OnAlarm
from sms_core_outbox.model import (
    Alarm,
    CancelledRow,
    DrainResult,
    PollResult,
    Put,
    PutOptions,
    Row,
    SettleResult,
    Stats,
    Ticket,
)
from sms_core_outbox.putting import Putting
from sms_core_outbox.rates import Rate
from sms_core_outbox.resources import Resources
from sms_core_outbox.senders import Sender
from sms_core_outbox.states import State
from sms_core_outbox.tracing import Traces
from sms_core_outbox.worker import Worker

MOST_FOUND = 1000
"""How many rows `find` gives at most, unless told otherwise."""
MOST_POLLED = 200
"""About how many batches of an account `poll` asks at most, unless told otherwise."""


class Outbox:
    """A home for every send: one table that is the truth about it. Threads may share it; a child process may use it too.

    ``database`` is a URL (``sqlite:///sms.db``, ``postgresql+psycopg://…``, ``sqlite://`` in memory for tests) or an
    SQLAlchemy engine. ``accounts`` are DSNs or clients by name, or a function that gives either for a name; ``plugins``
    has, for an account's name, the plugins of the client that is made of its DSN.
    ``hash_key`` is what numbers and messages are hashed with; without it the environment's ``SMS_OUTBOX_HASH_KEY``
    counts, or else a file beside the SQLite file, ``sms.db.outbox/hash-key``. ``on_alarm`` hears each `Alarm`, in the
    thread where it came up. ``concurrency`` is how many requests of an account this process has under way at once, and
    ``rates`` has for an account's name what all workers of the database may send together. ``state`` is a
    folder of this machine's disk for the locks by which a worker's end is proven; SQLite has one beside the file.
    ``traces`` carries the tracing context of a put to its send, such as `sms_core_otel.OutboxTraces`.
    ``pretenders`` names accounts whose clients send nothing, whatever their provider: see `drain`.

    Raises `ConfigurationError`. The tables are looked at when they are first needed.
    """

    def __init__(
        self,
        database: str | Engine | Database,
        *,
        accounts: Given[Sender],
        plugins: Mapping[str, Sequence[object]] | None = None,
        hash_key: str | bytes | None = None,
        on_alarm: OnAlarm | None = None,
        concurrency: int = 8,
        rates: Mapping[str, Rate] | None = None,
        state: str | Path | None = None,
        traces: Traces | None = None,
        pretenders: Collection[str] = (),
    ) -> None:
        self._plugins = dict(plugins or {})
        self._resources = Resources(
            database,
            accounts=accounts,
            connect=self._connect,
            hash_key=hash_key,
            on_alarm=on_alarm,
            concurrency=concurrency,
            rates=rates,
            state=state,
            traces=traces,
            pretenders=pretenders,
        )
        self._database = self._resources.database
        self._accounts = self._resources.accounts
        for name in self._plugins:
            self._accounts.name_of(name)  # raises for one that there is none of

    def __repr__(self) -> str:
        return f"<Outbox in {self._database.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop its workers, and close connections and the clients that were made here. It waits for what is under way."""
        self._resources.close()

    def create(self) -> None:
        """Make the tables, where there are none yet. Raises `ConfigurationError` for those of another version."""
        migrations.create(self._database, self._resources.hashes)

    def migrate(self) -> None:
        """Bring the tables to this version."""
        migrations.migrate(self._database, self._resources.hashes)

    def adopt(self) -> None:
        """Take the tables as your own migrations (Django's, Alembic's) have left them. Call it after those.

        New tables are adopted at their first use as well. Raises `ConfigurationError` where they lack something.
        """
        migrations.adopt(self._database, self._resources.hashes)

    # Putting and looking

    def put(self, message: Message, *, key: str, connection: Any = None, **options: Unpack[PutOptions]) -> Ticket:
        """Store a message, to be sent by a worker. The same message under the same key is stored once.

        ``key`` is your name for it, of 200 characters at most. The options are `PutOptions`: ``account``, ``purpose``,
        ``priority``, ``not_before`` and ``deadline``. ``connection``, a connection or session of SQLAlchemy or Django's, puts
        it into your transaction: it is sent after your commit.

        Raises `KeyConflict` where the key stands for another message, and what `Client.plan` raises for one that the account
        cannot send; then nothing was stored.
        """
        return self.put_many([Put(message, key, **options)], connection=connection)[0]

    def put_many(self, given: Iterable[Put], *, connection: Any = None) -> list[Ticket]:
        """Store many, all or none, and give their tickets in the same order. Raises as `put` does."""
        with self._resources.writing(connection, cache=CACHE_OF_MANY) as writing:
            tickets = Putting(self._resources, writing).put(given)
        if connection is None:
            for name in {ticket.account for ticket in tickets if ticket.is_new}:
                self.wake(name)
        return tickets

    def wake(self, account: str = "") -> None:
        """Let the workers of this process look at an account at once, or at all: after the commit of what was put there."""
        carriers = self._accounts.carriers_of(account) if account else ("",)
        for wake in self._resources.wakers:
            for carrier in carriers:
                wake(carrier)

    def get(self, key: str, *, account: str | None = None, connection: Any = None) -> Ticket:
        """What stands under a key: its rows, each with its history. Raises `UnknownKey`."""
        with self._resources.reading(connection) as reading:
            return queries.ticket(reading, self._accounts.name_of(account), key)

    def find(
        self,
        *,
        number: str | None = None,
        batch: str | None = None,
        state: State | None = None,
        account: str | None = None,
        limit: int = MOST_FOUND,
    ) -> list[Row]:
        """Rows by number, batch id or state, the latest first, without their histories. Forgotten numbers are found too.

        Raises `ConfigurationError` for what is no number.
        """
        if limit < 0:
            raise ConfigurationError("limit is 0 or more")
        if batch is not None and "\0" in batch:  # which PostgreSQL takes in no question
            return []
        number_hash = None
        if number is not None:
            try:
                number_hash = self._resources.hashes.number(to_e164(number))
            except ValueError as error:
                raise ConfigurationError(f"no number: {error}") from None
        carriers = None if account is None else self._accounts.carriers_of(self._accounts.name_of(account))
        with self._resources.reading(None) as reading:
            return queries.find(
                reading, carriers=carriers, number_hash=number_hash, batch=batch, state=state, limit=limit
            )

    # Sending

    def drain(self, *, account: str | None = None, limit: int | None = None, connection: Any = None) -> DrainResult:
        """Send what can be sent now, once, and give what became of it; ``limit`` is the most rows to claim.

        It waits for no backoff and for no booked time, but for its account's rate. However it ends, what was under way is awaited and stored first.

        ``connection`` is for test cases that roll back: it sends what was put in your open transaction, and writes down
        there what became of it. Its accounts have to be ``memory://`` or `pretenders`, for what a vendor took is not rolled
        back.

        Raises `DatabaseUnavailable`, and `ConfigurationError` on SQLite while your own transaction has put something.
        """
        if connection is not None:
            return sending.drain_joined(self._resources, connection, account, limit)
        return sending.drain(self._resources, account, limit)

    def drain_until(
        self, is_stopped: Callable[[], bool], *, account: str | None = None, limit: int | None = None
    ) -> DrainResult:
        """The same in the calling thread, which no signal may interrupt; nothing more is claimed once it is stopped."""
        return sending.drain_until(self._resources, is_stopped, account, limit)

    def worker(self, *, asks: bool = True) -> Worker:
        """A worker in this process: ``with outbox.worker(): …``, or its `Worker.start` and `Worker.stop`.

        It also ``asks`` vendors for the reports that are due, as `poll` does, and in the same rhythm about unknown rows, as
        `settle` does; that sends nothing.
        """
        return sending.worker(self._resources, partial(asking.ask_by_itself, self._resources) if asks else None)

    def pause(self, account: str | None = None, *, because: str, by: str = "") -> None:
        """Send nothing more of an account, on all machines, until `resume`. What is under way goes on.

        An account that pauses by itself, as for lack of points, pauses for this reason from now on.
        An account of several vendors pauses whole; where one of them pauses, ``main/every8d``, what waits there goes to the next.
        """
        check_who_and_why(by, because)
        name = self._accounts.name_of(account)
        is_one_of_several = self._accounts.several_of(name) is not None
        with self._resources.writing(None) as connection:
            for carrier in self._accounts.carriers_of(name):
                pauses.pause(self._database, connection, carrier, because=because, by=by)
                pauses.hold(connection, carrier, because=because, by=by)
                if is_one_of_several:
                    routes.let_rest(self._database, connection, carrier, routes.FOR_EVER)

    def resume(self, account: str | None = None) -> bool:
        """Let an account go on. Gives whether it paused."""
        carriers = self._accounts.carriers_of(self._accounts.name_of(account))
        with self._resources.writing(None) as connection:
            paused = [carrier for carrier in carriers if pauses.resume(connection, carrier)]
        return bool(paused)

    # What is not known

    def unknown(self, *, account: str | None = None, limit: int = MOST_FOUND) -> list[Row]:
        """The rows whose outcome is not known, the latest first."""
        return self.find(state=State.UNKNOWN, account=account, limit=limit)

    def settle(self, *, account: str | None = None, replay: bool = False) -> SettleResult:
        """Ask the vendor what became of unknown rows, and write down what it says. Sends nothing, unless ``replay`` says so.

        With ``replay``, what stays unknown is sent again under its key where the vendor takes each key once and still knows
        it. Where a question fails, the others are asked all the same, and its error is raised then.
        """
        return asking.settle(self._resources, account, replay=replay)

    def resolve(self, row: Row | int, outcome: State, *, because: str, by: str, resend: bool = False) -> State:
        """Say what became of an unknown row: ``ACCEPTED``, ``REFUSED`` or ``NOT_SENT``, which is final then.

        ``resend`` sends what was not sent once more, where its deadline has not passed. Gives what the row is now. Raises `StateChanged` where the row is not unknown any more, and
        `OutboxError` where it cannot be said that nothing of it is under way, or who decides it is not said.
        """
        row_id = row if isinstance(row, int) else row.id
        with self._resources.writing(None) as connection:
            return settling.decide(
                self._database,
                connection,
                row_id,
                outcome,
                because=because,
                by=by,
                resend=resend,
            )

    def recorder(
        self, account: str | None = None, *, connection: Any = None
    ) -> Callable[[DeliveryReport | InboundMessage], None]:
        """A handler for a `sms_core.webhooks.Receiver`: it keeps the account's delivery reports. Replies pass it by.

        ``connection`` is that of the transaction in which the handler runs, if it runs in one.
        """
        name = self._accounts.carrier_of(account)

        def record(event: DeliveryReport | InboundMessage) -> None:
            if isinstance(event, DeliveryReport):
                self.record(event, account=name, connection=connection)

        return record

    def record(self, report: DeliveryReport, *, account: str | None = None, connection: Any = None) -> None:
        """Keep a delivery report, and give its row the status. One that fits no row yet waits for seven days."""
        with self._resources.writing(connection) as writing:
            reports.record(self._database, writing, self._resources.hashes, self._accounts.carrier_of(account), report)

    def poll(self, *, account: str | None = None, limit: int = MOST_POLLED) -> PollResult:
        """Ask vendors for the reports that are due, and keep them.

        A batch is due 1, 5 and 30 minutes after it went, then each hour, until its rows have a final status or three days
        have passed. ``limit`` is the most batches of an account; the others stay due. An account whose vendor tells no reports is passed
        over. Where a question fails, the others are asked all the same, and its error is raised then.
        """
        return asking.poll(self._resources, account, limit=limit)

    # Taking back, and an overview

    def cancel(self, key: str, *, account: str | None = None, by: str = "cancel") -> list[CancelledRow]:
        """Take back what was put under a key: rows that wait, and bookings at the vendor. Tells of each row whether it was.

        Raises `UnknownKey`.
        """
        return cancelling.cancel(self._resources, self._accounts.name_of(account), key, by=by)

    def take_back(self, rows: Collection[int], *, by: str = "cancel", connection: Any = None) -> set[int]:
        """Take back those of these rows, given by their ids, that still wait. Gives the ids of those that were."""
        with self._resources.writing(connection) as writing:
            return cancelling.take_back(self._database, writing, rows, by=by)

    def stats(self) -> Stats:
        """The outbox at a glance: what waits since when, what is unknown, who pauses, who works."""
        with self._resources.reading(None) as connection:
            return stats.stats(self._database, connection)

    def alarms(self, *, tell: bool = False) -> list[Alarm]:
        """What is wrong as it stands: accounts that pause, rows that are unknown for long, no worker for five minutes.

        With ``tell``, ``on_alarm`` hears of each as well; a job that does this regularly reminds of what nobody mended.
        """
        with self._resources.reading(None) as connection:
            found = health.standing_alarms(self._database, connection)
        if tell:
            self._resources.ledger().raise_alarms(found)
        return found

    def forget(self, *, before: datetime | timedelta, account: str | None = None) -> int:
        """Blank numbers, texts and names of final rows that have not changed since ``before``. Gives how many rows.

        Of one ``account``, or of all. A timedelta is so long ago. States, counts and the keyed hashes stay: `find` still finds
        the number, and a key still tells a repeated put.
        """
        return retention.forget(self._resources, before, account)

    def purge(self, *, before: datetime | timedelta) -> int:
        """Remove all that is known of puts whose rows are final and have not changed since ``before``. Gives how many puts.

        Their keys are forgotten too: the same key can be put again, and is sent again. Events without a row that are
        older than seven days go as well, and workers that ended before ``before`` and that no row needs.
        """
        return retention.purge(self._resources, before)

    # What engines and tables beside these stand on

    def hash(self, text: str) -> str:
        """A keyed hash of a text, of 32 characters: for tables of yours that have to tell a text again and not to say it."""
        return self._resources.hashes.text(text)

    @property
    def engine(self) -> Engine:
        """This process's engine of SQLAlchemy."""
        return self._database.engine

    def joined(self, connection: Any) -> AbstractContextManager[Connection]:
        """The transaction of a ``connection=`` as an SQLAlchemy connection, with a savepoint around what is done with it."""
        return self._database.joined(connection)

    # What the methods stand on

    def _connect(self, name: str, dsn: str) -> Sender:
        plugins = self._plugins.get(name)
        if plugins is None:  # those of an account of several vendors are each of theirs
            plugins = self._plugins.get(self._accounts.account_of(name), ())
        return connect(dsn, plugins=plugins, sessions=self._resources.sessions(name))
