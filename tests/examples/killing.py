"""An example whose processes are killed at random moments, while its API takes texts and the vendor reports them.

Every text is sent once, every report is kept once, and every answer of the API was true when it was given.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

import sqlalchemy
from attrs import define, field

from sms_core import DeliveryStatus
from sms_core_outbox import Outbox, State
from tests.examples.oracle import Taken
from tests.examples.running import HASH_KEY, PATIENCE, SECRET, TOKEN, Answer, Application, Example, Program, running
from tests.support.outboxes import settle_at_once, waiting

SENDS = 200
CALLERS = 4
BEHIND = 20
"""How many texts may wait before the next kill: so it goes on however slow the machine is, and ends with the last text."""
SLOW = 0.05
"""Seconds that the vendor's answer takes, so that a kill often falls between a send and its answer."""


@define
class Figures:
    """What came of it; what is wrong is told in words."""

    example: str
    kills: Counter[str] = field(factory=Counter)
    sends: int = 0
    sent_during_kills: int = 0
    answers: int = 0
    repeated: int = 0
    unknown: int = 0
    reports: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether all was as it should be."""
        return not self.wrong

    def __str__(self) -> str:
        killed = ", ".join(f"{count} {name}" for name, count in self.kills.items())
        rows = [
            f"{self.example:9} {self.kills.total():,} kills in {self.seconds:.0f} s ({killed})",
            f"sends     {self.sends:,}, {self.sent_during_kills:,} of them before the last kill, {self.repeated:,} asked for again",
            f"unknown   {self.unknown:,} until a report or the vendor told; {self.reports:,} reports; {self.answers:,} answers held against the vendor",
            f"wrong     {len(self.wrong):,}",
        ]
        rows.extend(f"          {words}" for words in self.wrong[:20])
        return "\n".join(rows)


@define
class Callers:
    """Those who ask the API: each text is asked for until it is taken, under its key; others look what became of it."""

    application: Application
    asked: int = 0
    _wanted: Queue[int | None] = field(factory=Queue)
    taken: set[int] = field(factory=set)
    repeated: int = 0
    answers: list[tuple[int, Answer]] = field(factory=list)
    stop: threading.Event = field(factory=threading.Event)

    def ask_up_to(self, number: int) -> None:
        """Let the texts before this one be put."""
        for wanted in range(self.asked, number):
            self._wanted.put(wanted)
        self.asked = number

    def finish(self) -> None:
        """Let no more be put."""
        for _ in range(CALLERS):
            self._wanted.put(None)

    def put(self) -> None:
        """Put texts until there is none any more."""
        while (number := self._wanted.get()) is not None:
            body = {"text": text_of(number), "to": [number_of(number)]}
            while not self.stop.is_set():
                answer = self._ask("/messages", body, key=key_of(number))
                if answer is not None and answer.status == 202:
                    self.answers.append((number, answer))
                    self.taken.add(number)
                    break
                self.repeated += 1
                assert answer is None or answer.status >= 500, answer

    def look(self, chance: random.Random) -> None:
        """Ask what became of texts that were taken."""
        while not self.stop.wait(0.01):
            known = tuple(self.taken)
            if known:
                number = chance.choice(known)
                answer = self._ask(f"/messages/{key_of(number)}")
                if answer is not None:
                    self.answers.append((number, answer))

    def _ask(self, path: str, body: object = None, key: str = "") -> Answer | None:
        """None where nobody answered: it was killed meanwhile."""
        try:
            return self.application.ask(path, body, key=key)
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
            return None


def run(
    example: Example, folder: Path, url: str, *, kills: int, pause: float, seed: int, sends: int = SENDS
) -> Figures:
    """Kill each process of the example so many times, about every ``pause`` seconds one of them."""
    figures = Figures(example.folder, sends=sends)
    begun = time.monotonic()
    with ExitStack() as stack:
        application = stack.enter_context(running(example, folder, url, slow=SLOW))
        accounts = {example.account: application.oracle.dsn}
        outbox = stack.enter_context(Outbox(url, accounts=accounts, hash_key=HASH_KEY, state=folder / "watching"))
        callers = Callers(application)
        threads = [threading.Thread(target=callers.put, daemon=True) for _ in range(CALLERS)]
        threads.append(threading.Thread(target=callers.look, args=(random.Random(seed),), daemon=True))
        for thread in threads:
            thread.start()
        try:
            for _ in _kill(application, callers, figures, kills, pause, random.Random(seed)):
                # The next kill waits for the application, so that all fall between sends, however slow the machine is.
                application.wait_until(lambda: _begun(outbox) >= callers.asked - BEHIND)
            figures.sent_during_kills = len(application.oracle.taken())
            callers.finish()
            application.wait_until(lambda: len(callers.taken) == sends)
            _clear_up(application, outbox, figures)
        finally:
            callers.stop.set()
            for thread in threads:
                thread.join(PATIENCE)
        _judge(figures, application, outbox, callers)
    figures.seconds = time.monotonic() - begun
    return figures


def _kill(
    application: Application, callers: Callers, figures: Figures, kills: int, pause: float, chance: random.Random
) -> Iterator[None]:
    """Have some texts put, and kill something; before each the caller may wait."""
    targets: list[tuple[Program, bool]] = []
    for program in application.example.programs:
        targets += [(program, False)] * kills
        targets += [(program, True)] * kills * program.has_children
    chance.shuffle(targets)
    for position, (program, is_child) in enumerate(targets, start=1):
        yield
        callers.ask_up_to(figures.sends * position // len(targets))
        time.sleep(chance.uniform(0, 2 * pause))
        figures.kills[f"children of {program.name}" if is_child else program.name] += 1
        if is_child:
            application.kill_child(program, chance)
        else:
            application.kill(program)
            application.start(program)


def _begun(outbox: Outbox) -> int:
    """How many texts do not wait any more."""
    return sum(count for state, count in outbox.stats().counts.items() if state is not State.READY)


def _clear_up(application: Application, outbox: Outbox, figures: Figures) -> None:
    """What ``sms outbox settle`` does later: as if the time of every dead claim had passed."""
    application.wait_until(lambda: not waiting(outbox))
    figures.unknown = settle_at_once(outbox)
    application.wait_until(lambda: not waiting(outbox))
    application.wait_until(application.oracle.wait_pushed)


def _judge(figures: Figures, application: Application, outbox: Outbox, callers: Callers) -> None:
    taken = application.oracle.taken()
    times = Counter(message.number for message in taken)
    by_number = {message.number: message for message in taken}
    rows = {row.key: row for row in outbox.find()}
    for number in range(figures.sends):
        key = key_of(number)
        if times[number_of(number)] != 1:
            figures.wrong.append(f"{key} was sent {times[number_of(number)]} times")
        row = rows.get(key)
        if (
            row is None
            or row.state is not State.ACCEPTED
            or row.status is not DeliveryStatus.DELIVERED
            or row.is_double
        ):
            figures.wrong.append(f"{key} is at the end {row}")
    figures.answers, figures.repeated = len(callers.answers), callers.repeated
    for number, answer in callers.answers:
        if words := _untrue(answer, by_number.get(number_of(number))):
            figures.wrong.append(f"{key_of(number)}: {words}")
    health = application.ask("/health")
    if health.json != {"alarms": []}:
        figures.wrong.append(f"the health address says {health.json}")
    _judge_reports(figures, outbox, taken)
    log = application.log()
    for private in (SECRET, TOKEN, number_of(1).removeprefix("+"), text_of(1)):
        if private in log:
            figures.wrong.append(f"the log tells {private}")


def _judge_reports(figures: Figures, outbox: Outbox, taken: list[Taken]) -> None:
    """Each report is in the outbox once."""
    with outbox.engine.connect() as connection:
        rows = connection.execute(
            sqlalchemy.text("SELECT batch_id, count(*) AS count FROM sms_outbox_event GROUP BY batch_id")
        )
        kept = {row[0]: row[1] for row in rows}
    figures.reports = sum(kept.values())
    expected = Counter(message.batch_id for message in taken)
    if kept != expected:
        figures.wrong.append(f"reports kept: {kept}, and the vendor's: {dict(expected)}")


def _untrue(answer: Answer, taken: Taken | None) -> str:
    """What was not true of an answer when it was given; "" where all was."""
    if answer.status not in {200, 202}:
        return f"status {answer.status}"
    ((row),) = answer.json["rows"]
    state, status = row["state"], row["status"]
    if state not in {"ready", "sending", "accepted", "unknown"}:
        return f"said to be {state}"
    if taken is None:
        return "" if state != "accepted" else "said to be accepted, and never taken"
    if state == "ready" and taken.taken_at < answer.begun:
        return "said to wait, and the vendor had it"
    if state == "accepted" and taken.taken_at > answer.ended:
        return "said to be accepted before the vendor took it"
    if status == "delivered" and (taken.done_at is None or taken.done_at > answer.ended):
        return "said to be delivered before it was"
    return ""


def key_of(number: int) -> str:
    """The key of a text."""
    return f"order-{number}"


def number_of(number: int) -> str:
    """Whom it goes to: with endings at which nothing unusual happens."""
    return f"+8869{number // 500:05}{number % 500:03}"


def text_of(number: int) -> str:
    """What it says; some are alike, so that a request may hold several."""
    return f"您的訂單已出貨。{number % 20}"
