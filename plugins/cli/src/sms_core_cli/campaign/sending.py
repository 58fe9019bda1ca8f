"""Sending a run: pass after pass over its outbox, until nothing waits or nothing goes any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

from attrs import define

from sms_core.client import Client
from sms_core.errors import SmsError
from sms_core.provider import Capability
from sms_core_cli.campaign.overview import OUT_OF_CREDIT
from sms_core_cli.campaign.run import Run
from sms_core_outbox import DrainResult, Outbox, State

PATIENCE = 20.0
"""Seconds without any row that goes, after which no more is tried: the vendor is not there."""
LOOK = 0.1
"""Seconds between two looks, while others are at work or a row waits to be tried again.

Other processes tell nobody what they have done: an SQLite file wakes no one, and so it is looked at, as the outbox's
workers do. The end of what is under way here is waited for, and not looked for.
"""


@define
class Sending:
    """How far a run has come in this process. ``cost`` and ``balance`` are points, as far as the vendor told.

    ``gave_up`` says that rows wait which the vendor could not be given; ``notes`` what it could not do quite as asked.
    """

    cost: Decimal | None = None
    balance: Decimal | None = None
    gave_up: bool = False
    notes: tuple[str, ...] = ()

    def add(self, done: DrainResult) -> None:
        """Count a pass."""
        if done.cost is not None:
            self.cost = (self.cost or Decimal()) + done.cost
        if done.balance is not None:
            self.balance = done.balance
        self.notes = tuple(dict.fromkeys([*self.notes, *done.notes]))


def send(run: Run, *, stop: Callable[[], bool] = lambda: False, patience: float = PATIENCE) -> Sending:
    """Send all that waits in a run, beside whoever else sends it, and wait for what others have under way.

    When ``stop()`` is true no further request is handed out; those under way are awaited. It ends too where the run
    pauses, and where for ``patience`` seconds no row went that could have gone. Raises as `sms_core_outbox.Outbox.drain`
    does.
    """
    sending = Sending()
    with run.store.sender(run.account) as outbox:
        _pass_after_pass(run, outbox, sending, stop, patience)
    return sending


def _pass_after_pass(run: Run, outbox: Outbox, sending: Sending, stop: Callable[[], bool], patience: float) -> None:
    last_move = time.monotonic()
    before = run.states()
    while not stop():
        # With a limit nothing is claimed ahead of its turn: a kill leaves unknown what was in flight, and no more.
        done = outbox.drain_until(stop, account=run.account, limit=max(1, run.states()[State.READY]))
        sending.add(done)
        states = run.states()
        if run.pause() is not None or not (states[State.READY] or states[State.SENDING]):
            return
        now = time.monotonic()
        if states != before or states[State.SENDING]:  # here, or in another process
            last_move, before = now, states
        elif now - last_move > patience:
            sending.gave_up = True
            return
        time.sleep(LOOK)


def missing_points(run: Run, client: Client, balance: Decimal | None) -> Decimal | None:
    """How many points a run that pauses for lack of them needs, beyond what is left; None where that cannot be told."""
    pause = run.pause()
    if pause is None or not pause.because.startswith(OUT_OF_CREDIT):
        return None
    needed = run.overview().waiting_points
    if needed is None:
        return None
    if client.info.can(Capability.BALANCE):
        try:
            balance = client.balance().credit
        except SmsError:
            balance = None
    if balance is None:
        return None
    return max(needed - balance, Decimal())
