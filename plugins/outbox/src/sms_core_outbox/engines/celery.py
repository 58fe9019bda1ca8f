"""Celery wakes the outbox: a task that drains, and a schedule for beat.

::

    from sms_core_outbox.engines.celery import Jobs

    jobs = Jobs(outbox, app)                                # celery -A my.jobs worker, and celery -A my.jobs beat
    jobs.put(Message("…", to="0900000001"), key="order-18")
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Unpack

from celery import Celery  # type: ignore[import-untyped]  # it has no types
from kombu.exceptions import OperationalError

from sms_core.model import Message
from sms_core_outbox.model import Put, PutOptions, Ticket
from sms_core_outbox.outbox import Outbox

PREFIX = "sms"
ROWS = 1000
"""The most rows that a task claims, so that it ends soon when its worker is to stop; another task has the rest."""
RETRY_AFTER = 5
"""Seconds until rows that were not taken are tried again: the shortest backoff of the outbox. Later ones are found by the
task of the schedule."""

log = logging.getLogger("sms_core_outbox")


class Jobs:
    """The outbox's tasks in an app, ``sms.drain``, ``sms.settle``, ``sms.poll`` and ``sms.watch``, and beat's schedule.

    See `Outbox.drain`, `Outbox.settle`, `Outbox.poll` and `Outbox.alarms`. The periods are in seconds. ``rows`` is the most
    that one task claims; ``options`` are those of Celery's tasks, such as ``queue``.

    A broker may deliver a task twice, late or to two workers at once, and with ``acks_late`` it does so after a kill: the
    rows that one has claimed are none of the other's.
    """

    def __init__(
        self,
        outbox: Outbox,
        app: Celery,
        *,
        rows: int = ROWS,
        drain_every: float = 10.0,
        settle_every: float = 300.0,
        poll_every: float = 60.0,
        watch_every: float = 60.0,
        **options: Any,
    ) -> None:
        self._outbox = outbox
        self._rows = rows
        self.app = app
        given: dict[str, Any] = {
            # A killed worker's task comes again, and its result is in the outbox: nobody needs another one.
            "acks_late": True,
            "reject_on_worker_lost": True,
            "ignore_result": True,
            "shared": False,  # with each app that the process has
            "typing": False,  # Celery would ask for the `self` of a method
            **options,
        }
        self.drain: Any = app.task(self._run_drain, name=f"{PREFIX}.drain", **given)
        schedule = {f"{PREFIX}.drain": _entry(f"{PREFIX}.drain", drain_every)}
        for name, run, seconds in (
            ("settle", self._run_settle, settle_every),
            ("poll", self._run_poll, poll_every),
            ("watch", self._run_watch, watch_every),
        ):
            app.task(run, name=f"{PREFIX}.{name}", **given)
            schedule[f"{PREFIX}.{name}"] = _entry(f"{PREFIX}.{name}", seconds)
        app.conf.beat_schedule = {**(app.conf.beat_schedule or {}), **schedule}

    # What an application calls

    def put(self, message: Message, *, key: str, **options: Unpack[PutOptions]) -> Ticket:
        """As `Outbox.put`, and then a task to send it. In a transaction of yours call `Outbox.put`, and `wake` after it."""
        return self.put_many([Put(message, key, **options)])[0]

    def put_many(self, given: Iterable[Put]) -> list[Ticket]:
        """As `Outbox.put_many`, with a task for each account."""
        tickets = self._outbox.put_many(given)
        for account in sorted({ticket.account for ticket in tickets if ticket.is_new}):
            self.wake(account)
        return tickets

    def wake(self, account: str | None = None) -> None:
        """Queue a task that sends what the account (None: each) has to send, after the commit of what it is to send.

        It raises nothing if the broker does not take it: what is stored is sent by the task of the schedule.
        """
        try:
            self.drain.apply_async(kwargs={"account": account}, retry=False)
        except OperationalError as error:
            log.warning("the broker took no task for %r, the schedule's sends it: %s", account, error)

    # The tasks

    def _run_drain(self, account: str | None = None) -> None:
        result = self._outbox.drain(account=account, limit=self._rows)
        if result.claimed >= self._rows:
            self.wake(account)
        if result.retried:
            self.drain.apply_async(kwargs={"account": account}, countdown=RETRY_AFTER)

    def _run_settle(self) -> None:
        self._outbox.settle()

    def _run_poll(self) -> None:
        self._outbox.poll()

    def _run_watch(self) -> None:
        self._outbox.alarms(tell=True)


def _entry(task: str, seconds: float) -> dict[str, Any]:
    """A line of beat's schedule. What no worker took by the next time is not needed any more."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}
