"""Asking vendors: what became of unknown rows, and which reports are due. What they say is written down."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, select

from sms_core import Capability
from sms_core.errors import SmsError
from sms_core.model import SendResult
from sms_core_outbox import jumps, polling, rates, reports, sending, settling
from sms_core_outbox.deadlines import deadline_of
from sms_core_outbox.model import Alarm, PollResult, SettleResult
from sms_core_outbox.resources import Resources
from sms_core_outbox.schema import is_state, row
from sms_core_outbox.senders import Sender
from sms_core_outbox.states import State

TOGETHER = 20
"""About how many batches of an account a worker asks about at a time."""


def settle(resources: Resources, account: str | None, *, replay: bool) -> SettleResult:
    """See `Outbox.settle`."""
    resources.check()
    resources.database.check_outside()
    resources.ledger().sweep()
    if account is None:
        with resources.database.read() as connection:
            names = resources.ours(_accounts_with_unknown_rows(connection))
    else:
        names = list(resources.accounts.carriers_of(resources.accounts.name_of(account)))
    tally = Counter[str]()
    failures: list[SmsError] = []
    for name in names:
        client = resources.accounts.client(name)
        _settle_account(resources, name, client, tally, failures)
        if replay:
            tally[State.ACCEPTED.value] += sending.replay(resources, name, client)
    if failures:
        raise failures[0]
    asked, accepted, ready, not_sent = (tally[word] for word in ("asked", "accepted", "ready", "not_sent"))
    return SettleResult(asked, accepted, ready, not_sent, asked - accepted - ready - not_sent)


def _accounts_with_unknown_rows(connection: Connection) -> list[str]:
    question = select(row.c.account).distinct().where(is_state(row.c.state, State.UNKNOWN)).order_by(row.c.account)
    return list(connection.execute(question).scalars())


def _settle_account(
    resources: Resources,
    name: str,
    client: Sender,
    tally: Counter[str],
    failures: list[SmsError],
    is_due: Callable[[settling.Doubt], bool] = lambda _: True,
) -> None:
    after = 0
    seen: set[int] = set()
    while True:
        with resources.database.read() as connection:
            page = settling.doubts(connection, name, after=after)
        # Of rows with one number each is asked about when the one before it is known: its batch is not the next one's.
        found = settling.each_number_once(doubt for doubt in page if doubt.row.id not in seen and is_due(doubt))
        if not found and not page:
            return
        if not found:
            after = page[-1].row.id
        seen.update(doubt.row.id for doubt in found)
        for asked in settling.questions(found):
            _wait_for_turn(resources, name)
            tally["asked"] += len(asked)
            result, error = _ask(client, asked)
            if error is not None:
                failures.append(error)
            if result is not None:
                _write_down(resources, name, client, asked, result, tally)


def _ask(client: Sender, asked: Sequence[settling.Doubt]) -> tuple[SendResult | None, SmsError | None]:
    """What the vendor says of rows; where a question failed, what the earlier ones told."""
    known = asked[0].known_batches if len(asked) == 1 else frozenset[str]()
    try:
        return client.settle(settling.as_result(asked), known_batches=known), None
    except SmsError as error:
        return getattr(error, "sms_result", None), error


def _wait_for_turn(resources: Resources, name: str) -> None:
    """Wait until the account's rate lets the next question go, whoever else asks."""
    rate = resources.rates.get(name)
    if rate is None or rate.questions_per_second is None:
        return
    with resources.writing(None) as connection:
        seconds = rates.wait_of_question(resources.database, connection, name, rate.questions_per_second)
    time.sleep(seconds)


def _write_down(
    resources: Resources,
    name: str,
    client: Sender,
    asked: Sequence[settling.Doubt],
    result: SendResult,
    tally: Counter[str],
) -> None:
    told = {outcome.reference: outcome for outcome in result.outcomes}
    alarms: list[Alarm] = []
    with resources.database.write() as connection:
        now = resources.database.now(connection)
        anchor = jumps.look(resources.database, connection)
        for doubt in asked:
            outcome = told[doubt.row.reference]
            deadline = deadline_of(connection, doubt.holder, client.deadline)
            if settling.counts(doubt, outcome.outcome, now=now, deadline=deadline, anchor=anchor):
                state, raised = settling.write_down(resources.database, connection, name, doubt, outcome)
                alarms.extend(raised)
                if state is not None:
                    tally[state.value] += 1
    resources.ledger().raise_alarms(alarms)


def ask_by_itself(resources: Resources, is_stopped: Callable[[], bool]) -> None:
    """What a worker asks from time to time: reports that are due, and, in the same rhythm, about unknown rows.

    It sends nothing. Raises the first error of a question, after the others were asked.
    """
    failures: list[SmsError] = []
    try:
        poll(resources, None, limit=TOGETHER, is_stopped=is_stopped)
    except SmsError as error:
        failures.append(error)
    with resources.reading(None) as connection:
        names = resources.ours(_accounts_with_unknown_rows(connection))
    for name in names:
        if is_stopped():
            return
        try:
            _settle_due(resources, name, failures)
        except SmsError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _settle_due(resources: Resources, name: str, failures: list[SmsError]) -> None:
    client = resources.accounts.client(name)
    if not client.info.can(Capability.SETTLE):
        return
    with resources.writing(None) as connection:
        since, now = polling.take_turn(resources.database, connection, name)

    def is_due(doubt: settling.Doubt) -> bool:
        return polling.turn_in(doubt.row.claimed_at or now, since, now) is not None

    _settle_account(resources, name, client, Counter(), failures, is_due)


def poll(
    resources: Resources, account: str | None, *, limit: int, is_stopped: Callable[[], bool] = lambda: False
) -> PollResult:
    """See `Outbox.poll`."""
    count = Counter[str]()
    failures: list[SmsError] = []
    for name in _names_to_poll(resources, account):
        client = resources.accounts.client(name)
        if not client.info.can(Capability.REPORTS):
            continue
        with resources.writing(None) as connection:
            due = polling.take_due(resources.database, connection, name, limit=limit)
        for batch in due:
            if is_stopped():  # what was not asked comes with its next turn
                break
            _wait_for_turn(resources, name)
            count["asked"] += 1
            try:
                for report in client.reports({batch.batch_id: batch.numbers}, mms=batch.is_mms):
                    with resources.writing(None) as connection:
                        reports.record(resources.database, connection, resources.hashes, name, report)
                    count["reports"] += 1
            except SmsError as error:
                failures.append(error)
    if failures:
        raise failures[0]
    return PollResult(count["asked"], count["reports"])


def _names_to_poll(resources: Resources, account: str | None) -> list[str]:
    if account is not None:
        return list(resources.accounts.carriers_of(resources.accounts.name_of(account)))
    with resources.reading(None) as connection:
        return resources.ours(polling.accounts_to_poll(connection))
