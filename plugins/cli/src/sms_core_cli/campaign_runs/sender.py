"""What sends a run: it asks, puts, sends, waits for reports, writes the results and says how it ended."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from sms_core.client import Client
from sms_core.errors import ConfigurationError
from sms_core_cli import exit_codes
from sms_core_cli.campaign import Place, Planned, Run, Sending, Store, missing_points, send
from sms_core_cli.campaign_report import Commands, Ending, show_end
from sms_core_cli.campaign_runs.progress import follow, progress_bar
from sms_core_cli.campaign_runs.reports import await_reports
from sms_core_cli.campaign_runs.results import result_file, shortest, write_results
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.interrupts import interrupts
from sms_core_cli.language import _
from sms_core_cli.output import confirm, counted, note
from sms_core_outbox import State


@define
class Sender:
    """What sends a run and shows how far it is: the end that a new run and one that continues share."""

    file: Path
    name: str | None
    url: str | None
    results: Path | None
    account: ChosenAccount
    yes: bool
    overwrite: bool
    wait: timedelta | None
    concurrency: int
    per_second: float | None
    as_json: bool
    same: list[str]
    """The words that name the account once more."""
    of_sending: list[str]
    """The words that said how fast."""
    begun: int = field(factory=lambda: time.time_ns() // 1000, init=False)

    def __attrs_post_init__(self) -> None:
        if self.per_second is None:
            self.per_second = self.account.rate

    @property
    def command(self) -> Commands:
        """What to type next."""
        return Commands(self.file, self.url, self.name, self.same, self.of_sending)

    def store(self, place: Place, client: Client) -> Store:
        """The place, opened for the account."""
        # A DSN lets all processes share its logins. An account's own rules and limits are asked by a client that has them.
        sender = client if self.account.policies else self.account.dsn
        return Store(place, sender, concurrency=self.concurrency, per_second=self.per_second)

    def result_file(self, run: Run | None) -> Path:
        """Where the results go. Raises `ConfigurationError` for a file that is not this run's, or in no folder."""
        path = result_file(run, self.results, overwrite=self.overwrite, run_name=self.name)
        if not path.parent.is_dir():
            raise ConfigurationError(f"{path}: No such file or directory; nothing was sent")
        return shortest(path)

    def agreed(self, client: Client, messages: int, points: Decimal | None, *, joins: bool = False) -> bool:
        """Whether a person says yes."""
        if self.yes:
            return True
        said = counted(messages, "message")
        question = _("Send {messages} with {vendor}?", messages=said, vendor=client.info.title)
        if points is not None:
            question = _(
                "Send {messages} with {vendor}, about {points}?",
                messages=said,
                vendor=client.info.title,
                points=counted(points, "point"),
            )
        if joins:
            question = _("The run is finished. Add them to it? (--run NAME begins a new one)") + " " + question
        try:
            return confirm(question)
        except click.Abort:  # Ctrl-C, or nobody is there to answer
            note("")
            return False

    def go(self, client: Client, run: Run, planned: Planned | None, results: Path) -> int:
        """Put what was planned, send what waits, wait for reports, write the results, show. Gives the exit code."""
        pause = run.pause()
        if pause is not None and pause.since < self.begun:
            run.go_on()
        ending = Ending(run, client.info, self.command, results, Sending())
        with interrupts(self._broken_off) as stop:
            try:
                if planned is not None:
                    with self.progress(_("Storing"), planned.new) as advance:
                        ending.added = run.add(planned, client, advance)
                    ending.has_read = True
                    planned.close()  # the run has its rows now, and sending needs the memory
                ending.sending = self._send(run, stop.is_set)
                if self.wait is not None and not stop.is_set():
                    await_reports(client, run, self.wait, stop)
            finally:
                reasons = write_results(run, ending)
            ending.stopped = stop.is_set()
        ending.pause = run.pause()
        ending.missing = missing_points(run, client, ending.sending.balance)
        show_end(ending, reasons, as_json=self.as_json)
        if ending.results is None:
            return exit_codes.UNKNOWN
        return exit_codes.of_campaign([outcome for outcome, count in run.overview().counts.items() if count])

    def _broken_off(self) -> int:
        """The second Ctrl-C: what is under way stays unknown."""
        note(_("Ended at once. See how far it is: {command}", command=self.command("status")))
        return exit_codes.UNKNOWN

    def _send(self, run: Run, stop: Any) -> Sending:
        before = run.states()
        total = before[State.READY] + before[State.SENDING]
        with ThreadPoolExecutor(1) as pool, self.progress(_("Sending"), total) as advance:
            sending = pool.submit(send, run, stop=stop)
            follow(run, sending, total, advance)
            return sending.result()

    def progress(self, what: str, total: int | None) -> AbstractContextManager[Any]:
        """A bar on stderr; gives what advances it."""
        return progress_bar(what, total, shown=not self.as_json)
