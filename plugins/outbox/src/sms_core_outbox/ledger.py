"""The ledger: claims and answers as one process keeps them, also while the database is out of reach.

Two things may not get lost between this process and the database. A claim whose commit was not heard may stand, and
nobody sends it: it is read back by its token and released. An answer that could not be stored is kept and tried again,
and no further claim is made before that has succeeded.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import define, field

from sms_core.clocks import BeginBefore, uptime
from sms_core_outbox import claims, recovery, spills
from sms_core_outbox.answers import Answer, Stored, store
from sms_core_outbox.claims import CLAIM_AGE, Claim, PassedOn, Wish
from sms_core_outbox.databases import Database
from sms_core_outbox.deadlines import DEFAULT_DEADLINE, note_deadline
from sms_core_outbox.errors import DatabaseUnavailable
from sms_core_outbox.holders import OwnHolder
from sms_core_outbox.model import Alarm
from sms_core_outbox.rates import NotYet

UNHEARD_FOR = 600.0
"""Seconds for which a claim whose commit was not heard is looked for: a server may carry it out late."""
SEEN_EVERY = 10.0
"""Seconds."""
TOLD_EVERY = 600.0
"""Seconds after which the same is told again of an account that cannot be connected: a worker finds it with each look."""

log = logging.getLogger("sms_core_outbox")

OnAlarm = Callable[[Alarm], object]


@define
class _Unheard:
    """A claim of which this process doesn't know whether it stands."""

    token: str
    since: float


@define
class Ledger:
    """The claims and answers of one process. Threads may share it."""

    database: Database
    holder: OwnHolder
    on_alarm: OnAlarm | None
    deadline: float
    _unheard: list[_Unheard] = field(factory=list)
    _unsaved: dict[str, list[Answer]] = field(factory=dict)
    _alive: set[str] = field(factory=set)
    _told: dict[Alarm, float] = field(factory=dict)
    _lock: threading.RLock = field(factory=threading.RLock)
    _is_registered: bool = False
    _seen: float = 0.0
    _noted_deadline: float = DEFAULT_DEADLINE

    def claim(self, wish: Wish) -> Claim | NotYet | PassedOn | None:
        """Claim rows; None where none is to be sent, or `NotYet` where the account's rate forbids it. Raises `DatabaseUnavailable`."""
        with self._lock:
            self.pay_debts()
            self._register()
            token = claims.new_token()
            limit = BeginBefore.within(CLAIM_AGE)
            unheard = _Unheard(token, uptime())
            self._unheard.append(unheard)
            with self.database.write() as connection:
                claim = claims.take(self.database, connection, wish, token=token, holder=self.holder.name, limit=limit)
            if isinstance(claim, Claim):
                self._alive.add(token)
            self._unheard.remove(unheard)
            return claim

    def end(self, claim: Claim) -> None:
        """Nothing of this claim is under way any more, and all of it was given to `record`."""
        with self._lock:
            self._alive.discard(claim.token)

    def record(self, account: str, answers: Sequence[Answer]) -> Stored:
        """Store answers, or keep them until the database takes them. Then what it gives is empty."""
        with self._lock:
            self._unsaved.setdefault(account, []).extend(answers)
            try:
                return self._save()
            except DatabaseUnavailable as error:
                log.error("%d results wait for the database: %s", self.waiting, error)  # noqa: TRY400 - its words suffice
            except Exception:
                log.exception("%d results could not be stored, and are tried again", self.waiting)
            return Stored()

    @property
    def waiting(self) -> int:
        """How many answers could not be stored yet."""
        return sum(map(len, self._unsaved.values()))

    def pay_debts(self) -> None:
        """Store what waits and release what was claimed unheard. Raises `DatabaseUnavailable`."""
        with self._lock:
            self._save()
            if not self._unheard:
                return
            with self.database.write() as connection:
                for unheard in self._unheard:
                    claims.release(self.database, connection, unheard.token, by=self.holder.name)
            now = uptime()
            self._unheard = [unheard for unheard in self._unheard if now - unheard.since < UNHEARD_FOR]

    def _save(self) -> Stored:
        whole = Stored()
        for account, answers in list(self._unsaved.items()):
            with self.database.write() as connection:
                stored = store(self.database, connection, account, answers, by=self.holder.name)
            del self._unsaved[account]
            whole.counts.update(stored.counts)
            whole.alarms.extend(stored.alarms)
        self.raise_alarms(whole.alarms)
        return whole

    def sweep(self) -> int:
        """Read what others left, make dead claims unknown, end what is too late. Gives how many were too late."""
        with self._lock:
            self.pay_debts()
            self._register()  # a worker that has nothing to claim is seen too
            self._read_spills()
            by = self.holder.name
            with self.database.write() as connection:
                lost = recovery.give_up_dead_claims(
                    self.database, connection, deadline=self.deadline, by=by, alive=self._alive
                )
            self.raise_alarms(
                [
                    Alarm("unknown", name, f"rows of lost workers that may have been sent: {count}")
                    for name, count in lost.items()
                ]
            )
            late = claims.SWEEP
            total = 0
            while late == claims.SWEEP:
                with self.database.write() as connection:
                    late = claims.give_up_late_ones(self.database, connection, by=by)
                total += late
            return total

    def _read_spills(self) -> None:
        folder = self._folder
        if folder is None:
            return
        for path in spills.left_over(folder):
            with self.database.read() as connection:
                if not recovery.is_known(connection, path.stem):  # outboxes of other databases may share the folder
                    continue
            try:
                found = spills.read(path)
            except FileNotFoundError:  # another process was faster
                continue
            for account, answers in found.items():
                with self.database.write() as connection:
                    stored = store(self.database, connection, account, answers, by=self.holder.name)
                self.raise_alarms(stored.alarms)
            path.unlink(missing_ok=True)

    @property
    def _folder(self) -> Path | None:
        path = self.holder.about.lock_path
        return None if path is None else path.parent

    def _register(self) -> None:
        has_longer_calls = self.deadline > self._noted_deadline
        if self._is_registered and not has_longer_calls and uptime() - self._seen < SEEN_EVERY:
            return
        if not self._is_registered:
            atexit.register(self._at_exit)
        with self.database.write() as connection:
            if not self._is_registered:
                recovery.register(self.database, connection, self.holder)
            recovery.note_seen(self.database, connection, self.holder.name)
            if has_longer_calls:
                note_deadline(self.database, connection, self.holder.name, self.deadline)
        self._is_registered = True
        self._noted_deadline = max(self._noted_deadline, self.deadline)
        self._seen = uptime()

    def _at_exit(self) -> None:
        """Nobody closed the outbox. A child process has a copy of this, which says nothing."""
        if self.holder.about.pid == os.getpid():
            self.close()

    def close(self) -> None:
        """The process's last word: what the database does not take goes to a file. Raises `OSError` where that fails too.

        While a claim is under way there is no last word: the end of the process proves that it is over.
        """
        with self._lock:
            atexit.unregister(self._at_exit)
            named = True
            try:
                self.pay_debts()
                if self._is_registered and not self._alive:
                    with self.database.write() as connection:
                        named = recovery.note_end(self.database, connection, self.holder.name)
            except DatabaseUnavailable as error:
                log.warning("the outbox's database is out of reach at the end: %s", error)
            except Exception:
                log.exception("the outbox's last word could not be stored")
            if self._unsaved:
                path = self.holder.spill_path
                if path is None:
                    raise RuntimeError("results of sends are lost with the database in memory")
                spills.write(path, self._unsaved)
                log.error(
                    "%d results of sends are in %s until the next start", sum(map(len, self._unsaved.values())), path
                )
                self._unsaved.clear()
            if self._alive:
                log.error("the outbox was closed while %d of its claims are under way", len(self._alive))
                return
            self.holder.release(remove=not named)

    def raise_alarms(self, alarms: Sequence[Alarm]) -> None:
        """Tell of what a person should hear, of what stays wrong from time to time; a hook that fails is logged."""
        for alarm in alarms:
            if self._told.get(alarm, float("-inf")) > uptime() - TOLD_EVERY:
                continue
            if alarm.kind == "configuration":
                self._told[alarm] = uptime()
            log.warning("%s: %s", alarm.kind, alarm.text)
            if self.on_alarm is None:
                continue
            try:
                self.on_alarm(alarm)
            except Exception:
                log.exception("on_alarm failed")
