"""Sending: one pass over what waits (`drain`), a worker that goes on, and a pass that asks again under known keys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from sms_core.errors import ConfigurationError, SmsError
from sms_core_outbox import claims
from sms_core_outbox.databases import Database, JoinedDatabase
from sms_core_outbox.deadlines import DEFAULT_DEADLINE
from sms_core_outbox.holders import OwnHolder
from sms_core_outbox.ledger import Ledger
from sms_core_outbox.listening import Listener
from sms_core_outbox.model import Alarm, DrainResult
from sms_core_outbox.passes import AccountPass, Landed, Tally, run_dry
from sms_core_outbox.resources import Resources
from sms_core_outbox.routes import Onward
from sms_core_outbox.senders import Sender
from sms_core_outbox.states import State
from sms_core_outbox.worker import Worker

P = ParamSpec("P")
T = TypeVar("T")

PRETENDER = "memory"
"""The provider that sends nothing."""
REPLAY_MARGIN = 600.0
"""Seconds before the vendor forgets a key from which on nothing is asked again: clocks differ."""


def drain(resources: Resources, account: str | None, limit: int | None) -> DrainResult:
    """One pass in a thread of its own, since a signal may interrupt the caller's."""
    resources.database.check_outside()  # in the thread whose transaction it may be
    stop = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="sms-outbox") as pool:
        passing = pool.submit(copy_context().run, partial(drain_until, resources, stop.is_set, account, limit))
        try:
            return passing.result()
        except BaseException:
            stop.set()  # the pool waits for the end of the pass
            raise


def drain_until(
    resources: Resources, is_stopped: Callable[[], bool], account: str | None, limit: int | None
) -> DrainResult:
    """The same in the calling thread; nothing more is claimed once it is stopped."""
    resources.check()
    resources.database.check_outside()
    pool = ThreadPoolExecutor(resources.concurrency, thread_name_prefix="sms-outbox-send")
    return _drain(resources, resources.database, resources.ledger(), is_stopped, account, limit, pool)


class Inline(Executor):
    """Does at once, in the caller's thread, what is submitted."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it."""
        done: Future[T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def drain_joined(resources: Resources, connection: Any, account: str | None, limit: int | None) -> DrainResult:
    """One pass in the caller's transaction, for tests that roll back."""
    resources.check()
    database = JoinedDatabase(resources.database, connection)
    for name in _names(resources, database, account):
        pretends = not resources.pretenders.isdisjoint({name, resources.accounts.account_of(name)})
        if not pretends and resources.accounts.client(name).info.name != PRETENDER:
            raise ConfigurationError(
                f"drain(connection=…) is for tests, and account {name!r} may send: what a vendor took would stay "
                f"sent when you roll back. Use {PRETENDER}:// there, or commit and drain() then"
            )
    ledger = Ledger(database, OwnHolder(None), resources.on_alarm, DEFAULT_DEADLINE)
    try:
        # In the caller's thread, which alone may use the caller's connection: so everything goes one after the other.
        return _drain(resources, database, ledger, lambda: False, account, limit, Inline())
    finally:
        ledger.close()


def _drain(
    resources: Resources,
    database: Database,
    ledger: Ledger,
    is_stopped: Callable[[], bool],
    account: str | None,
    limit: int | None,
    pool: Executor,
) -> DrainResult:
    tally = Tally(too_late=ledger.sweep())
    with database.read() as connection:
        now = database.now(connection)
    landed: SimpleQueue[Landed | None] = SimpleQueue()
    with pool:
        may_go_on = True
        while may_go_on:
            may_go_on = False
            for name in _names(resources, database, account):  # one after the other, for the limit is one for all
                found = _open_pass(resources, name, ledger, tally, pool, landed)
                if found is None:
                    continue
                found.before = now
                found.left = None if limit is None else limit - tally.claimed
                run_dry(landed, {name: found}, is_stopped)
                _end_pass(resources, found)
                # What this vendor did not take waits at another one, perhaps one that had its turn.
                may_go_on |= found.onward is not None and found.went_on > 0
    return DrainResult(
        claimed=tally.claimed,
        accepted=tally.counts[State.ACCEPTED],
        refused=tally.counts[State.REFUSED],
        unknown=tally.counts[State.UNKNOWN],
        not_sent=tally.counts[State.NOT_SENT],
        retried=tally.counts[State.READY],
        too_late=tally.too_late,
        cost=tally.cost,
        balance=tally.balance,
        notes=tuple(tally.notes),
    )


def _names(resources: Resources, database: Database, account: str | None) -> list[str]:
    if account is None:
        return _names_to_send(resources, database)
    return list(resources.accounts.carriers_of(resources.accounts.name_of(account)))


def _names_to_send(resources: Resources, database: Database) -> list[str]:
    """The accounts that have something to send now, of those that this outbox is for."""
    with database.read() as connection:
        return resources.ours(claims.accounts_to_send(database, connection))


def _open_pass(
    resources: Resources,
    name: str,
    ledger: Ledger,
    tally: Tally,
    pool: Executor,
    landed: SimpleQueue[Landed | None],
) -> AccountPass | None:
    """The pass of an account; None, with an alarm, where there is no client for it."""
    try:
        client = resources.accounts.client(name)
    except SmsError as error:
        ledger.raise_alarms([Alarm("configuration", name, f"nothing of account {name!r} can be sent: {error}")])
        return None
    ledger.deadline = max(ledger.deadline, client.deadline)
    rate = resources.rates.get(name)
    several = resources.accounts.several_of(name)
    onward = None if several is None else Onward(several.also_after, several.rest.total_seconds())
    found = AccountPass(name, client, ledger, tally, pool, landed, resources.concurrency, rate=rate, onward=onward)
    found.traces = resources.traces
    return found


def _end_pass(resources: Resources, found: AccountPass) -> None:
    """Close the client of an account that paused: the next one asks the vendor anew whether the credentials are good."""
    if found.is_stale and (client := resources.accounts.forget(found.name)) is not None:
        client.close()


def worker(resources: Resources, ask: Callable[[Callable[[], bool]], object] | None) -> Worker:
    """A worker of this process, not started yet."""
    resources.check()
    ledger = resources.ledger()
    tally = Tally()

    def open_pass(name: str, pool: ThreadPoolExecutor, landed: SimpleQueue[Landed | None]) -> AccountPass | None:
        return _open_pass(resources, name, ledger, tally, pool, landed)

    def names(woken: Collection[str]) -> list[str]:
        return resources.ours(woken) if woken else _names_to_send(resources, resources.database)

    made = Worker(
        names,
        open_pass,
        partial(_end_pass, resources),
        ledger.sweep,
        threads=resources.concurrency,
        wakers=resources.wakers,
        listener=partial(Listener, resources.database),
        ask=ask,
    )
    resources.workers.add(made)
    return made


def replay(resources: Resources, name: str, client: Sender) -> int:
    """Send unknown rows of an account again under their keys, each once, as claims of their own.

    Gives how many were accepted; none where the vendor knows no keys.
    """
    if client.info.replay is None:
        return 0
    with resources.database.read() as connection:
        now = resources.database.now(connection)
    window = client.info.replay.window.total_seconds() - client.deadline - REPLAY_MARGIN
    tally = Tally()
    landed: SimpleQueue[Landed | None] = SimpleQueue()
    with ThreadPoolExecutor(resources.concurrency, thread_name_prefix="sms-outbox-send") as pool:
        found = AccountPass(name, client, resources.ledger(), tally, pool, landed, resources.concurrency)
        found.rate = resources.rates.get(name)
        found.replay_within = int(window * claims.SECOND)
        found.before = now
        run_dry(landed, {name: found}, lambda: False)
        _end_pass(resources, found)
    return tally.counts[State.ACCEPTED]
