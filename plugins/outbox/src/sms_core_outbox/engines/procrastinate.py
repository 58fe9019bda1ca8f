"""procrastinate wakes the outbox: a job queue in the PostgreSQL that the outbox is in, so one commit holds both.

::

    from sms_core_outbox.engines.procrastinate import Jobs

    jobs = Jobs(outbox)
    app.add_tasks_from(jobs.blueprint, namespace="sms")     # an app that exists, or
    app = jobs.make_app()                                   # one of its own: procrastinate --app=my.jobs.app worker

    with Session(engine) as session, session.begin():
        session.add(order)
        jobs.put(Message("…", to=order.phone), key=f"order-{order.id}", connection=session)
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Unpack

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from procrastinate.tasks import Task
from sqlalchemy import Connection, Engine, make_url, text

from sms_core.errors import ConfigurationError
from sms_core.model import Message
from sms_core_outbox.model import Put, PutOptions, Ticket
from sms_core_outbox.outbox import Outbox

NAMESPACE = "sms"
QUEUE = "sms"
ROWS = 1000
"""The most rows that a job claims, so that it ends soon when its worker is to stop; another job has the rest."""
RETRY_AFTER = 5
"""Seconds until rows that were not taken are tried again: the shortest backoff of the outbox. Later ones are found by the
job of each minute."""
EACH_MINUTE = "* * * * *"
EACH_FIVE_MINUTES = "*/5 * * * *"
DEAD_AFTER = 30.0
"""Seconds without a sign of life after which procrastinate takes a worker for dead."""

log = logging.getLogger("sms_core_outbox")

_has_job = text("SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = :lock AND status = 'todo'")
_transaction = text("SELECT pg_current_xact_id()::text")


class Jobs:
    """The outbox's tasks, on ``blueprint``, and `put`, which defers one with what it stores.

    ``drain`` sends what an account has to send and is deferred by `put`; ``drain_all`` does it each minute for all of them. ``settle``,
    ``poll`` and ``watch`` run regularly: see `Outbox.settle`, `Outbox.poll` and `Outbox.alarms`. ``rescue`` ends the jobs
    of workers that have been dead for ``dead_after`` seconds. Their periods are cron lines, with a sixth column for seconds
    if you like. ``rows`` is the most that one job claims.

    No task has a ``lock``: the job of a killed worker stays ``doing``, and would keep its lock for ever.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        queue: str = QUEUE,
        rows: int = ROWS,
        drain_every: str = EACH_MINUTE,
        settle_every: str = EACH_FIVE_MINUTES,
        poll_every: str = EACH_MINUTE,
        watch_every: str = EACH_MINUTE,
        rescue_every: str = EACH_MINUTE,
        dead_after: float = DEAD_AFTER,
    ) -> None:
        self._outbox = outbox
        self._rows = rows
        self._dead_after = dead_after
        self.blueprint = procrastinate.Blueprint()
        self._drain = self._add("drain", self._run_drain, queue)
        for name, run, cron in (
            ("drain_all", self._run_drain_all, drain_every),
            ("settle", self._run_settle, settle_every),
            ("poll", self._run_poll, poll_every),
            ("watch", self._run_watch, watch_every),
            ("rescue", self._run_rescue, rescue_every),
        ):
            # Where no worker runs, one job of each waits, and not one for each minute.
            periodic = self._add(name, run, queue, queueing_lock=f"{NAMESPACE}:each:{name}")
            self.blueprint.periodic(cron=cron)(periodic)

    def _add(self, name: str, run: Any, queue: str, queueing_lock: str | None = None) -> Task[Any, Any, Any]:
        decorate = self.blueprint.task(name=name, queue=queue, queueing_lock=queueing_lock, pass_context=True)
        task: Task[Any, Any, Any] = decorate(run)
        return task

    def make_app(self, conninfo: str | None = None, **options: Any) -> procrastinate.App:
        """An app of these tasks alone, on the outbox's database or the one of ``conninfo``.

        ``options`` are those of `procrastinate.App`. Its tables are made by ``procrastinate --app=… schema --apply``.
        """
        connector = procrastinate.PsycopgConnector(conninfo=conninfo or conninfo_of(self._outbox.engine))
        app = procrastinate.App(connector=connector, **options)
        app.add_tasks_from(self.blueprint, namespace=NAMESPACE)
        return app

    # What an application calls

    def put(self, message: Message, *, key: str, connection: Any = None, **options: Unpack[PutOptions]) -> Ticket:
        """As `Outbox.put`, and a job to send it: with ``connection`` both are there with your commit, or neither."""
        return self.put_many([Put(message, key, **options)], connection=connection)[0]

    def put_many(self, given: Iterable[Put], *, connection: Any = None) -> list[Ticket]:
        """As `Outbox.put_many`, with a job for each account."""
        tickets = self._outbox.put_many(given, connection=connection)
        for account in sorted({ticket.account for ticket in tickets if ticket.is_new}):
            self.wake(account, connection=connection)
        return tickets

    def wake(self, account: str, *, connection: Any = None) -> None:
        """Defer a job that sends what the account has to send; with ``connection``, in that transaction.

        Without one it raises nothing if the database does not take it: what is stored is sent by the job of the next minute.
        """
        if connection is None:
            try:
                self._defer(account, _lock_of("drain", account))
            except ConnectorException as error:
                log.warning("no job was deferred for %r, the next minute's sends it: %s", account, error)
            return
        with self._outbox.joined(connection) as joined:
            # One job for each transaction. A lock that transactions share would let them wait for each other, and the job
            # that is queued already may run before this one commits.
            lock = f"{_lock_of('drain', account)}:{joined.execute(_transaction).scalar_one()}"
            if joined.execute(_has_job, {"lock": lock}).first() is None:
                self._defer(account, lock, connection=_driver_connection(joined))

    def _defer(self, account: str | None, lock: str, **options: Any) -> None:
        try:
            self._drain.configure(queueing_lock=lock, **options).defer(account=account)
        except AlreadyEnqueued:
            log.debug("a job for %r waits already", account)  # it begins later than what is stored now

    # The tasks

    def _run_drain(self, context: procrastinate.JobContext, *, account: str | None) -> None:
        del context
        self._pass(account)

    def _run_drain_all(self, context: procrastinate.JobContext, timestamp: int) -> None:
        del context, timestamp
        self._pass(None)

    def _pass(self, account: str | None) -> None:
        result = self._outbox.drain(account=account, limit=self._rows)
        if result.claimed >= self._rows:
            self._defer(account, _lock_of("drain", account))
        if result.retried:
            # A lock of its own: a job that waits for its time keeps no other from being queued.
            later = {"seconds": RETRY_AFTER}
            self._defer(account, _lock_of("retry", account), schedule_in=later)

    def _run_settle(self, context: procrastinate.JobContext, timestamp: int) -> None:
        del context, timestamp
        self._outbox.settle()

    def _run_poll(self, context: procrastinate.JobContext, timestamp: int) -> None:
        del context, timestamp
        self._outbox.poll()

    def _run_watch(self, context: procrastinate.JobContext, timestamp: int) -> None:
        del context, timestamp
        self._outbox.alarms(tell=True)

    async def _run_rescue(self, context: procrastinate.JobContext, timestamp: int) -> None:
        """End the jobs of dead workers. They are not run again: the rows that they were about are in the outbox."""
        del timestamp
        manager = context.app.job_manager
        for task in self.blueprint.tasks.values():
            stalled = await manager.get_stalled_jobs(task_name=task.name, seconds_since_heartbeat=self._dead_after)
            for job in stalled:
                log.warning("job %s of %s lost its worker", job.id, task.name)
                await manager.finish_job(job, Status.FAILED, delete_job=False)


def conninfo_of(engine: Engine) -> str:
    """What psycopg connects by, for an engine of SQLAlchemy. Raises `ConfigurationError` where it is not PostgreSQL's."""
    if engine.dialect.name != "postgresql":
        raise ConfigurationError("procrastinate needs an outbox on PostgreSQL")
    url = make_url(engine.url).set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


def _lock_of(what: str, account: str | None) -> str:
    return f"{NAMESPACE}:{what}" if account is None else f"{NAMESPACE}:{what}:{account}"


def _driver_connection(connection: Connection) -> Any:
    return connection.connection.driver_connection
