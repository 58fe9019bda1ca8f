"""`Outbox`: what users call."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from sqlalchemy import Connection, Engine, select

from sms_core import Capability, SessionStore, connect
from sms_core.errors import ConfigurationError, SmsError
from sms_core.masking import mask_numbers
from sms_core.model import DeliveryReport, InboundMessage, Message, SendResult
from sms_core.numbers import to_e164
from sms_core_outbox import (
    cancelling,
    claims,
    forgetting,
    health,
    migrations,
    pauses,
    polling,
    puts,
    queries,
    reports,
    settling,
    stats,
)
from sms_core_outbox.accounts import Accounts, Given
from sms_core_outbox.databases import Database, JoinedDatabase
from sms_core_outbox.hashing import Hashes, key_beside
from sms_core_outbox.holders import OwnHolder
from sms_core_outbox.ledger import Ledger, OnAlarm
from sms_core_outbox.listening import Listener
from sms_core_outbox.logins import SharedLogins
from sms_core_outbox.model import Alarm, CancelledRow, DrainResult, PollResult, Put, Row, SettleResult, Stats, Ticket
from sms_core_outbox.passes import AccountPass, Landed, Tally, run_dry
from sms_core_outbox.rates import Rate
from sms_core_outbox.schema import is_state, row
from sms_core_outbox.senders import Sender
from sms_core_outbox.states import State
from sms_core_outbox.worker import Worker

HASH_KEY_VARIABLE = "SMS_OUTBOX_HASH_KEY"
DEFAULT_DEADLINE = 60.0
"""Seconds that a call may take, of accounts that this process does not know."""
CHUNK = 1000
"""How many puts are stored at once."""
REPLAY_MARGIN = 600.0
"""Seconds before the vendor forgets a key from which on nothing is asked again: clocks differ."""
PRETENDER = "memory"
"""The provider that sends nothing."""
MOST_FOUND = 1000
"""How many rows `find` gives at most, unless told otherwise."""
MOST_POLLED = 200
"""About how many batches of an account `poll` asks at most, unless told otherwise."""


class Outbox:
    """A home for every send: one table that is the truth about it. Threads may share it; a child process may use it too.

    ``database`` is a URL (``sqlite:///sms.db``, ``postgresql+psycopg://…``, ``sqlite://`` in memory for tests) or an
    SQLAlchemy engine. ``accounts`` are DSNs or clients by name, or a function that gives either for a name.
    ``hash_key`` is what numbers and messages are hashed with; without it the environment's ``SMS_OUTBOX_HASH_KEY``
    counts, or else a file beside the SQLite file, ``sms.db.outbox/hash-key``. ``on_alarm`` hears each `Alarm`, in the
    thread where it came up. ``concurrency`` is how many requests of an account this process has under way at once, and
    ``rates`` has for an account's name what all workers of the database may send together. ``state`` is a
    folder of this machine's disk for the locks by which a worker's end is proven; SQLite has one beside the file.

    Raises `ConfigurationError`. The tables are looked at when they are first needed.
    """

    def __init__(
        self,
        database: str | Engine,
        *,
        accounts: Given[Sender],
        hash_key: str | bytes | None = None,
        on_alarm: OnAlarm | None = None,
        concurrency: int = 8,
        rates: Mapping[str, Rate] | None = None,
        state: str | Path | None = None,
    ) -> None:
        if concurrency < 1:
            raise ConfigurationError("concurrency is 1 or more")
        self._database = Database(database)
        self._accounts: Accounts[Sender] = Accounts(accounts, self._connect)
        for name in rates or ():
            self._accounts.name_of(name)  # raises for one that there is none of
        self._on_alarm = on_alarm
        self._concurrency = concurrency
        self._rates = dict(rates or {})
        self._folder = _state_folder(self._database, state)
        self._hashes = _hashes(self._database, self._folder, hash_key)
        self._checked_in = 0
        self._ledger: Ledger | None = None
        self._lock = threading.Lock()
        self._wakers: list[Callable[[], object]] = []

    def __repr__(self) -> str:
        return f"<Outbox in {self._database.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Say that nothing of this process is under way, and close connections and the clients that were made here."""
        with self._lock:
            ledger, self._ledger = self._ledger, None
        if ledger is not None and ledger.holder.about.pid == os.getpid():
            ledger.close()
        for client in self._accounts.forget_own().values():
            client.close()
        self._database.close()

    def create(self) -> None:
        """Make the tables, where there are none yet. Raises `ConfigurationError` for those of another version."""
        migrations.create(self._database, self._hashes)

    def migrate(self) -> None:
        """Bring the tables to this version."""
        migrations.migrate(self._database, self._hashes)

    # Putting and looking

    def put(
        self,
        message: Message,
        *,
        key: str,
        account: str | None = None,
        purpose: str = "",
        priority: int = 0,
        not_before: datetime | None = None,
        deadline: datetime | timedelta | None = None,
        connection: Any = None,
    ) -> Ticket:
        """Store a message, to be sent by a worker. The same message under the same key is stored once.

        ``key`` is your name for it, of 200 characters at most. Of two lanes (``purpose``, ``priority``) the one with the
        higher priority goes first, and one-time codes (``purpose="otp"``) before all others. Nothing is sent before
        ``not_before`` or after ``deadline`` (by default 24 hours after it may go, for one-time codes 2 minutes).
        ``connection``, a connection or session of SQLAlchemy or Django's, puts it into your transaction: it is sent after your
        commit.

        Raises `KeyConflict` where the key stands for another message, and what `Client.plan` raises for one that the account
        cannot send; then nothing was stored.
        """
        given = Put(message, key, account, purpose, priority, not_before, deadline)
        return self.put_many([given], connection=connection)[0]

    def put_many(self, given: Iterable[Put], *, connection: Any = None) -> list[Ticket]:
        """Store many, all or none. Raises as `put` does."""
        tickets: list[Ticket] = []
        with self._writing(connection) as writing:
            source = iter(given)
            while chunk := list(itertools.islice(source, CHUNK)):
                tickets.extend(self._store(writing, chunk))
        if connection is None:
            for wake in self._wakers:
                wake()
        return tickets

    def _store(self, connection: Connection, chunk: list[Put]) -> list[Ticket]:
        prepared = []
        for given in chunk:
            name = self._accounts.name_of(given.account)
            prepared.append(puts.prepare(given, name, self._accounts.client(name), self._hashes))
        tickets = puts.store(self._database, connection, prepared, self._hashes)
        return [
            ticket if ticket.is_new else queries.ticket(connection, ticket.account, ticket.key) for ticket in tickets
        ]

    def get(self, key: str, *, account: str | None = None, connection: Any = None) -> Ticket:
        """What stands under a key: its rows, each with its history. Raises `UnknownKey`."""
        with self._reading(connection) as reading:
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
        number_hash = None
        if number is not None:
            try:
                number_hash = self._hashes.number(to_e164(number))
            except ValueError as error:
                raise ConfigurationError(f"no number: {error}") from None
        with self._reading(None) as reading:
            return queries.find(
                reading, account=account, number_hash=number_hash, batch=batch, state=state, limit=limit
            )

    # Sending

    def drain(self, *, account: str | None = None, limit: int | None = None, connection: Any = None) -> DrainResult:
        """Send what can be sent now, once, and give what became of it; ``limit`` is the most rows to claim.

        It waits for no backoff and for no booked time, but for its account's rate. However it ends, what was under way is awaited and stored first.

        ``connection`` is for test cases that roll back: it sends what was put in your open transaction, and writes down
        there what became of it. Its accounts have to be ``memory://``, for what a vendor took is not rolled back.

        Raises `DatabaseUnavailable`, and `ConfigurationError` on SQLite while your own transaction has put something.
        """
        if connection is not None:
            return self._drain_joined(connection, account, limit)
        stop = threading.Event()
        with ThreadPoolExecutor(1, thread_name_prefix="sms-outbox") as pool:
            passing = pool.submit(
                copy_context().run, partial(self.drain_until, stop.is_set, account=account, limit=limit)
            )
            try:
                return passing.result()
            except BaseException:
                stop.set()  # the pool waits for the end of the pass
                raise

    def drain_until(
        self, is_stopped: Callable[[], bool], *, account: str | None = None, limit: int | None = None
    ) -> DrainResult:
        """The same in the calling thread, which no signal may interrupt; nothing more is claimed once it is stopped."""
        self._check()
        self._database.check_outside()
        return self._drain(self._database, self._own_ledger(), is_stopped, account, limit)

    def _drain_joined(self, connection: Any, account: str | None, limit: int | None) -> DrainResult:
        self._check()
        database = JoinedDatabase(self._database, connection)
        for name in self._names(database, account):
            if self._accounts.client(name).info.name != PRETENDER:
                raise ConfigurationError(
                    f"drain(connection=…) is for tests, and account {name!r} may send: what a vendor took would stay "
                    f"sent when you roll back. Use {PRETENDER}:// there, or commit and drain() then"
                )
        ledger = Ledger(database, OwnHolder(None), self._on_alarm, DEFAULT_DEADLINE)
        try:
            return self._drain(database, ledger, lambda: False, account, limit)
        finally:
            ledger.close()

    def _drain(
        self,
        database: Database,
        ledger: Ledger,
        is_stopped: Callable[[], bool],
        account: str | None,
        limit: int | None,
    ) -> DrainResult:
        tally = Tally(too_late=ledger.sweep())
        with database.read() as connection:
            now = database.now(connection)
        names = self._names(database, account)
        landed: SimpleQueue[Landed | None] = SimpleQueue()
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="sms-outbox-send") as pool:
            for name in names:  # one after the other, for the limit is one for all
                found = self._pass(name, ledger, tally, pool, landed)
                if found is None:
                    continue
                found.before = now
                found.left = None if limit is None else limit - tally.claimed
                run_dry(landed, {name: found}, is_stopped)
                self._end_pass(found)
        return _drained(tally)

    def _pass(
        self,
        name: str,
        ledger: Ledger,
        tally: Tally,
        pool: ThreadPoolExecutor,
        landed: SimpleQueue[Landed | None],
    ) -> AccountPass | None:
        """The pass of an account; None, with an alarm, where there is no client for it."""
        try:
            client = self._accounts.client(name)
        except SmsError as error:
            ledger.raise_alarms([Alarm("configuration", name, f"nothing of account {name!r} can be sent: {error}")])
            return None
        ledger.deadline = max(ledger.deadline, client.deadline)
        rate = self._rates.get(name)
        return AccountPass(name, client, ledger, tally, pool, landed, self._concurrency, rate=rate)

    def _end_pass(self, found: AccountPass) -> None:
        """Close the client of an account that paused: the next one asks the vendor anew whether the credentials are good."""
        if found.is_stale and (client := self._accounts.forget(found.name)) is not None:
            client.close()

    def _names(self, database: Database, account: str | None) -> list[str]:
        return self._names_to_send(database) if account is None else [self._accounts.name_of(account)]

    def _names_to_send(self, database: Database) -> list[str]:
        """The accounts that have something to send now, of those that this outbox is for."""
        with database.read() as connection:
            names = claims.accounts_to_send(database, connection)
        known = self._accounts.names
        return names if known is None else [name for name in names if name in known]

    def worker(self) -> Worker:
        """A worker in this process: ``with outbox.worker(): …``, or its `Worker.start` and `Worker.stop`."""
        self._check()
        ledger = self._own_ledger()
        tally = Tally()

        def open_pass(name: str, pool: ThreadPoolExecutor, landed: SimpleQueue[Landed | None]) -> AccountPass | None:
            return self._pass(name, ledger, tally, pool, landed)

        return Worker(
            partial(self._names_to_send, self._database),
            open_pass,
            self._end_pass,
            ledger.sweep,
            threads=self._concurrency,
            wakers=self._wakers,
            listener=partial(Listener, self._database),
        )

    def pause(self, account: str | None = None, *, because: str, by: str = "") -> None:
        """Send nothing more of an account, on all machines, until `resume`. What is under way goes on."""
        name = self._accounts.name_of(account)
        with self._writing(None) as connection:
            pauses.pause(self._database, connection, name, because=because, by=by)

    def resume(self, account: str | None = None) -> bool:
        """Let an account go on. Gives whether it paused."""
        with self._writing(None) as connection:
            return pauses.resume(connection, self._accounts.name_of(account))

    # What is not known

    def unknown(self, *, account: str | None = None, limit: int = MOST_FOUND) -> list[Row]:
        """The rows whose outcome is not known, the latest first."""
        return self.find(state=State.UNKNOWN, account=account, limit=limit)

    def settle(self, *, account: str | None = None, replay: bool = False) -> SettleResult:
        """Ask the vendor what became of unknown rows, and write down what it says. Sends nothing, unless ``replay`` says so.

        With ``replay``, what stays unknown is sent again under its key where the vendor takes each key once and still knows
        it. Where a question fails, the others are asked all the same, and its error is raised then.
        """
        self._check()
        self._database.check_outside()
        ledger = self._own_ledger()
        ledger.sweep()
        names = self._names_of_unknown() if account is None else [self._accounts.name_of(account)]
        tally = Counter[str]()
        failures: list[SmsError] = []
        for name in names:
            client = self._accounts.client(name)
            self._settle(name, client, ledger, tally, failures)
            if replay and client.info.replay is not None:
                self._replay(name, client, ledger, tally)
        if failures:
            raise failures[0]
        asked, accepted, ready, not_sent = (tally[word] for word in ("asked", "accepted", "ready", "not_sent"))
        return SettleResult(asked, accepted, ready, not_sent, asked - accepted - ready - not_sent)

    def _names_of_unknown(self) -> list[str]:
        with self._database.read() as connection:
            question = select(row.c.account).distinct().where(is_state(row.c.state, State.UNKNOWN))
            names = sorted(connection.execute(question).scalars())
        known = self._accounts.names
        return names if known is None else [name for name in names if name in known]

    def _settle(self, name: str, client: Sender, ledger: Ledger, tally: Counter[str], failures: list[SmsError]) -> None:
        after = 0
        seen: set[int] = set()
        while True:
            with self._database.read() as connection:
                page = settling.doubts(connection, name, after=after)
            # Of rows with one number each is asked about when the one before it is known: its batch is not the next one's.
            found = settling.each_number_once(doubt for doubt in page if doubt.row.id not in seen)
            if not found and not page:
                return
            if not found:
                after = page[-1].row.id
            seen.update(doubt.row.id for doubt in found)
            for asked in settling.questions(found):
                tally["asked"] += len(asked)
                result, error = _ask(client, asked)
                if error is not None:
                    failures.append(error)
                if result is not None:
                    self._write_down(name, client, ledger, asked, result, tally)

    def _write_down(
        self,
        name: str,
        client: Sender,
        ledger: Ledger,
        asked: Sequence[settling.Doubt],
        result: SendResult,
        tally: Counter[str],
    ) -> None:
        told = {outcome.reference: outcome for outcome in result.outcomes}
        alarms: list[Alarm] = []
        with self._database.write() as connection:
            now = self._database.now(connection)
            for doubt in asked:
                outcome = told[doubt.row.reference]
                if settling.counts(doubt, outcome.outcome, now=now, deadline=client.deadline):
                    state, raised = settling.write_down(self._database, connection, name, doubt, outcome)
                    alarms.extend(raised)
                    if state is not None:
                        tally[state.value] += 1
        ledger.raise_alarms(alarms)

    def _replay(self, name: str, client: Sender, ledger: Ledger, tally: Counter[str]) -> None:
        """Send unknown rows again under their keys, each once, as claims of their own."""
        assert client.info.replay is not None
        with self._database.read() as connection:
            now = self._database.now(connection)
        window = client.info.replay.window.total_seconds() - client.deadline - REPLAY_MARGIN
        whole = Tally()
        landed: SimpleQueue[Landed | None] = SimpleQueue()
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="sms-outbox-send") as pool:
            found = AccountPass(name, client, ledger, whole, pool, landed, self._concurrency)
            found.rate = self._rates.get(name)
            found.replay_since = now - int(window * claims.SECOND)
            found.before = now
            run_dry(landed, {name: found}, lambda: False)
            self._end_pass(found)
        tally["accepted"] += whole.counts[State.ACCEPTED]

    def resolve(self, row: Row | int, outcome: State, *, because: str, by: str, resend: bool = False) -> None:
        """Say what became of an unknown row: ``ACCEPTED``, ``REFUSED`` or ``NOT_SENT``, which is final then.

        ``resend`` sends what was not sent once more. Raises `StateChanged` where the row is not unknown any more, and
        `OutboxError` where it cannot be said that nothing of it is under way, or who decides it is not said.
        """
        row_id = row if isinstance(row, int) else row.id
        with self._writing(None) as connection:
            settling.decide(
                self._database,
                connection,
                row_id,
                outcome,
                because=because,
                by=by,
                resend=resend,
                deadline=DEFAULT_DEADLINE,
            )

    def recorder(
        self, account: str | None = None, *, connection: Any = None
    ) -> Callable[[DeliveryReport | InboundMessage], None]:
        """A handler for a `sms_core.webhooks.Receiver`: it keeps the account's delivery reports. Replies pass it by.

        ``connection`` is that of the transaction in which the handler runs, if it runs in one.
        """
        name = self._accounts.name_of(account)

        def record(event: DeliveryReport | InboundMessage) -> None:
            if isinstance(event, DeliveryReport):
                self.record(event, account=name, connection=connection)

        return record

    def record(self, report: DeliveryReport, *, account: str | None = None, connection: Any = None) -> None:
        """Keep a delivery report, and give its row the status. One that fits no row yet waits for seven days."""
        with self._writing(connection) as writing:
            reports.record(self._database, writing, self._hashes, self._accounts.name_of(account), report)

    def poll(self, *, account: str | None = None, limit: int = MOST_POLLED) -> PollResult:
        """Ask vendors for the reports that are due, and keep them.

        A batch is due 1, 5 and 30 minutes after it went, then each hour, until its rows have a final status or three days
        have passed. ``limit`` is the most batches of an account; the others stay due. An account whose vendor tells no reports is passed
        over. Where a question fails, the others are asked all the same, and its error is raised then.
        """
        count = Counter[str]()
        failures: list[SmsError] = []
        for name in self._names_to_poll() if account is None else [self._accounts.name_of(account)]:
            client = self._accounts.client(name)
            if not client.info.can(Capability.REPORTS):
                continue
            with self._writing(None) as connection:
                due = polling.take_due(self._database, connection, name, limit=limit)
            for batch in due:
                count["asked"] += 1
                try:
                    for report in client.reports({batch.batch_id: batch.numbers}):
                        self.record(report, account=name)
                        count["reports"] += 1
                except SmsError as error:
                    failures.append(error)
        if failures:
            raise failures[0]
        return PollResult(count["asked"], count["reports"])

    def _names_to_poll(self) -> list[str]:
        with self._reading(None) as connection:
            names = polling.accounts_to_poll(connection)
        known = self._accounts.names
        return names if known is None else [name for name in names if name in known]

    # Taking back, and an overview

    def cancel(self, key: str, *, account: str | None = None, by: str = "cancel") -> list[CancelledRow]:
        """Take back what was put under a key: rows that wait, and bookings at the vendor. Tells of each row whether it was.

        Raises `UnknownKey`.
        """
        name = self._accounts.name_of(account)
        with self._writing(None) as connection:
            queries.ticket(connection, name, key)
            done = cancelling.cancel_waiting(self._database, connection, name, key, by=by)
        with self._reading(None) as connection:
            booked = cancelling.booked(self._database, connection, name, key)
        failures: dict[int, str] = {}
        for batch, rows in booked.items():
            ids = [row_id for row_id, _ in rows]
            try:
                self._accounts.client(name).cancel({batch: [number for _, number in rows]})
            except SmsError as error:
                failures.update(dict.fromkeys(ids, mask_numbers(str(error))))
                continue
            done.update(ids)
            with self._writing(None) as connection:
                cancelling.note_cancelled(self._database, connection, ids, by=by)
        return [
            CancelledRow(found, found.id in done, "" if found.id in done else failures.get(found.id) or why_not(found))
            for found in self.get(key, account=name).rows
        ]

    def take_back(self, rows: Collection[int], *, by: str = "cancel", connection: Any = None) -> set[int]:
        """Take back those of these rows, given by their ids, that still wait. Gives the ids of those that were."""
        with self._writing(connection) as writing:
            return cancelling.take_back(self._database, writing, rows, by=by)

    def stats(self) -> Stats:
        """The outbox at a glance: what waits since when, what is unknown, who pauses, who works."""
        with self._reading(None) as connection:
            return stats.stats(connection)

    def alarms(self, *, tell: bool = False) -> list[Alarm]:
        """What is wrong as it stands: accounts that pause, rows that are unknown for long, no worker for five minutes.

        With ``tell``, ``on_alarm`` hears of each as well; a job that does this regularly reminds of what nobody mended.
        """
        with self._reading(None) as connection:
            found = health.standing_alarms(self._database, connection)
        if tell:
            self._own_ledger().raise_alarms(found)
        return found

    def forget(self, *, before: datetime | timedelta, account: str | None = None) -> int:
        """Blank numbers, texts and names of final rows that have not changed since ``before``. Gives how many rows.

        Of one ``account``, or of all. A timedelta is so long ago. States, counts and the keyed hashes stay: `find` still finds the number, and a key still
        tells a repeated put.
        """
        return self._in_chunks(
            lambda connection, limit, now: forgetting.forget(connection, before=limit, now=now, account=account), before
        )

    def purge(self, *, before: datetime | timedelta) -> int:
        """Remove all that is known of puts whose rows are final and have not changed since ``before``. Gives how many puts.

        Their keys are forgotten too: the same key can be put again, and is sent again. Events without a row that are
        older than seven days go as well.
        """
        with self._writing(None) as connection:
            reports.forget_unmatched(connection, now=self._database.now(connection))
        return self._in_chunks(lambda connection, limit, _: forgetting.purge(connection, before=limit), before)

    def _in_chunks(self, act: Callable[[Connection, int, int], int], before: datetime | timedelta) -> int:
        """Do it until nothing is left, each time in a transaction that is short enough for others to wait for."""
        total = 0
        while True:
            with self._writing(None) as connection:
                now = self._database.now(connection)
                limit = puts.to_micros(puts.to_moment(now) - before if isinstance(before, timedelta) else before)
                count = act(connection, limit, now)
            total += count
            if count < forgetting.CHUNK:
                return total

    # What engines and tables beside these stand on

    def hash(self, text: str) -> str:
        """A keyed hash of a text, of 32 characters: for tables of yours that have to tell a text again and not to say it."""
        return self._hashes.text(text)

    @property
    def engine(self) -> Engine:
        """This process's engine of SQLAlchemy."""
        return self._database.engine

    def joined(self, connection: Any) -> AbstractContextManager[Connection]:
        """The transaction of a ``connection=`` as an SQLAlchemy connection, with a savepoint around what is done with it."""
        return self._database.joined(connection)

    # What the methods stand on

    def _connect(self, name: str, dsn: str) -> Sender:
        return connect(dsn, sessions=self._sessions(name))

    def _sessions(self, name: str) -> SessionStore | None:
        """Where the account's client keeps its login; None for a database in memory, of which there are no other users."""
        if self._database.is_memory or self._folder is None:
            return None

        def pause(because: str) -> None:
            with self._database.write() as connection:
                alarms = pauses.pause(self._database, connection, name, because=because, by="login")
            self._own_ledger().raise_alarms(alarms)

        return SharedLogins(self._database, self._folder, name, pause)

    def _writing(self, given: Any) -> AbstractContextManager[Connection]:
        self._check()
        return self._database.write() if given is None else self._database.joined(given)

    def _reading(self, given: Any) -> AbstractContextManager[Connection]:
        self._check()
        return self._database.read() if given is None else self._database.joined(given)

    def _check(self) -> None:
        """Look at the tables, once in each process."""
        if self._checked_in == os.getpid():
            return
        with self._database.read() as connection:
            migrations.check(connection, self._database, self._hashes)
        self._checked_in = os.getpid()

    def _own_ledger(self) -> Ledger:
        """This process's ledger; a child process has another holder than its parent."""
        with self._lock:
            if self._ledger is None or self._ledger.holder.about.pid != os.getpid():
                holder = OwnHolder(self._folder)
                self._ledger = Ledger(self._database, holder, self._on_alarm, DEFAULT_DEADLINE)
            return self._ledger


def _ask(client: Sender, asked: Sequence[settling.Doubt]) -> tuple[SendResult | None, SmsError | None]:
    """What the vendor says of rows; where a question failed, what the earlier ones told."""
    known = asked[0].known_batches if len(asked) == 1 else frozenset[str]()
    try:
        return client.settle(settling.as_result(asked), known_batches=known), None
    except SmsError as error:
        return getattr(error, "sms_result", None), error


def why_not(found: Row) -> str:
    """Why a row was not taken back, in words."""
    return cancelling.WHY_NOT.get(found.state, "it was put back meanwhile")


def _state_folder(database: Database, given: str | Path | None) -> Path | None:
    """Where locks, spilled results and perhaps the hash key lie; None for a database in memory."""
    if database.is_memory:
        return None
    if given is not None:
        return Path(given)
    if database.path is not None:
        return database.path.absolute().with_name(f"{database.path.name}.outbox")
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "sms-core-outbox"


def _hashes(database: Database, folder: Path | None, given: str | bytes | None) -> Hashes:
    given = given or os.environ.get(HASH_KEY_VARIABLE)
    if given is not None:
        return Hashes(given.encode() if isinstance(given, str) else given)
    if database.is_memory:
        return Hashes(secrets.token_bytes(32))
    if not database.is_sqlite or folder is None:
        hint = f"secrets.token_hex(32) makes one; give it as hash_key= or in the environment as {HASH_KEY_VARIABLE}"
        raise ConfigurationError(f"an outbox on PostgreSQL needs a hash key, the same on all machines: {hint}")
    try:
        return Hashes(key_beside(folder))
    except OSError as error:
        raise ConfigurationError(f"{folder}: the hash key cannot be kept here: {error.strerror}") from error


def _drained(tally: Tally) -> DrainResult:
    counts: Counter[State] = tally.counts
    return DrainResult(
        claimed=tally.claimed,
        accepted=counts[State.ACCEPTED],
        refused=counts[State.REFUSED],
        unknown=counts[State.UNKNOWN],
        not_sent=counts[State.NOT_SENT],
        retried=counts[State.READY],
        too_late=tally.too_late,
        cost=tally.cost,
        balance=tally.balance,
        notes=tuple(tally.notes),
    )
