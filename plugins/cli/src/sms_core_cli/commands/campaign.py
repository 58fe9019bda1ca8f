"""``sms campaign``: a table of people, each with a text of their own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from attrs import define
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sms_core.client import Client
from sms_core.errors import ConfigurationError, InvalidMessage, SmsError
from sms_core_cli import exit_codes
from sms_core_cli.campaign import (
    Campaign,
    RowOutcome,
    RunFiles,
    Table,
    is_result_file,
    mend_numbers,
    mention_mending,
    plan_campaign,
    read_earlier,
)
from sms_core_cli.campaign.campaign import CONCURRENCY
from sms_core_cli.campaign_report import show_end, show_plan
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.interrupts import interrupts
from sms_core_cli.language import _, phrase
from sms_core_cli.message_options import message_options, read_message_options, span
from sms_core_cli.output import console, counted, note
from sms_core_cli.table_options import TableOptions, chosen_columns

RESULTS = Path("results.csv")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two questions for delivery reports; each pause is twice as long as the one before."""
MESSAGE_OPTIONS = ("text", "subject", "send_at", "validity", "media", "vendor")

_A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=SmsCommand, epilog="Example: sms campaign people.xlsx --dry-run")
@click.argument("file", type=_A_FILE)
@click.option("--text", help="One text for all, with {name} and other columns in it.")
@message_options
@click.option("--dry-run", is_flag=True, help="Check every row and show the cost; send nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option(
    "--results", type=click.Path(dir_okay=False, path_type=Path), help="The result file.  [default: results.csv]"
)
@click.option("--overwrite", is_flag=True, help="Replace the result file of an earlier run.")
@click.option("--resume", type=_A_FILE, metavar="RESULTS", help="Send what this earlier run left not sent.")
@click.option("--refused-too", is_flag=True, help="With --resume: what the vendor refused as well.")
@click.option(
    "--settle", is_flag=True, help="With --resume: ask the vendor about rows whose outcome is unknown. Sends nothing."
)
@click.option("--wait", callback=span, metavar="SPAN", help="Ask for delivery reports for so long: 30s, 5m.")
@click.option("--encoding", help="How FILE is encoded, where that is asked or guessed wrong: cp950, gb18030, utf-8.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=chosen_columns,
    metavar="WHAT=HEADER",
    help="Which column is the number, name, text, reference, send_at or email: --column number=手機.",
)
@click.option("--sheet", help="The sheet of an .xlsx file, where it is not the first one shown.")
@click.option(
    "--mend-numbers", "mend", is_flag=True, help="Put the 0 back in front of numbers that a spreadsheet took it from."
)
@click.option(
    "--concurrency", default=CONCURRENCY, show_default=True, type=click.IntRange(1, 64), help="Requests side by side."
)
@account_options
@json_option
@click.pass_context
def campaign(
    ctx: click.Context,
    /,
    file: Path,
    account: ChosenAccount,
    encoding: str | None,
    columns: Mapping[str, str],
    sheet: str | None,
    results: Path | None,
    resume: Path | None,
    **options: Any,
) -> None:
    """Send to everyone in FILE, a CSV or .xlsx with columns for number, name and text; the others fill {places} in it.

    Columns reference, send_at and email are used where they are there. RESULTS gets one row for each row of FILE,
    also after Ctrl-C.
    """
    of_message = {name: options.pop(name) for name in MESSAGE_OPTIONS}
    mend = options.pop("mend")
    run = Run(file, results or resume or RESULTS, resume, **options)
    run.check()
    files = RunFiles(run.results, resume=resume)
    with nullcontext() if run.dry_run else files:
        run.check_results()
        table = run.read(TableOptions(file, encoding, columns, sheet))
        if is_result_file(table):
            raise InvalidMessage("file", "is a result file: give the table that was sent, and this one with --resume")
        earlier = None if resume is None else read_earlier(resume.read_bytes(), resume, table)
        # After the earlier run's results were compared with the file as it is.
        table = mend_numbers(table) if mend else mention_mending(table)
        with account.connect_to_send() as client:
            defaults = read_message_options(client.info, **of_message)
            planned = plan_campaign(client, table, defaults, earlier=earlier, again=run.again)
            if run.dry_run or not run.as_json:
                show_plan(planned, client.info, concurrency=run.concurrency, as_json=run.as_json)
            if not run.dry_run:
                ctx.exit(run.go(client, planned, files))


@define
class Run:
    """One run of the command: its options, and what they ask for."""

    file: Path
    results: Path
    resume: Path | None
    dry_run: bool
    yes: bool
    overwrite: bool
    refused_too: bool
    settle: bool
    wait: timedelta | None
    concurrency: int
    as_json: bool

    @property
    def again(self) -> set[RowOutcome]:
        """The outcomes of an earlier run's rows that are to be sent."""
        if self.settle:
            return set()
        return {RowOutcome.NOT_SENT, RowOutcome.REFUSED} if self.refused_too else {RowOutcome.NOT_SENT}

    def check(self) -> None:
        """Refuse options that do not go together. Raises `ConfigurationError`."""
        if self.settle and self.resume is None:
            raise ConfigurationError("--settle asks about the rows of an earlier run: add --resume RESULTS")
        if self.settle and self.refused_too:
            raise ConfigurationError("--settle sends nothing, and --refused-too sends: one of them at a time")
        if self.as_json and not (self.yes or self.dry_run or self.settle):
            raise ConfigurationError("--json cannot ask: add --yes, or --dry-run")

    def check_results(self) -> None:
        """Refuse to lose the results of an earlier run. Raises `ConfigurationError`."""
        is_its_own = self.resume is not None and self.results.resolve() == self.resume.resolve()
        if self.results.exists() and not (self.overwrite or is_its_own or self.dry_run):
            hint = f"--resume {self.results} sends what it left, --overwrite forgets it, --results FILE names another"
            raise ConfigurationError(f"{self.results} is there, perhaps from an earlier run: {hint}")

    def read(self, options: TableOptions) -> Table:
        """The table, in the encoding that a person confirmed where it is a guess. Raises `InvalidMessage`."""
        may_ask = not (self.yes or self.as_json or self.dry_run)
        return options.read_confirmed(may_ask=may_ask, dry_run=self.dry_run)

    def go(self, client: Client, planned: Campaign, files: RunFiles) -> int:
        """Ask, send, write, show. Gives the exit code."""
        if planned.estimate.messages and not (self.yes or self._agreed(planned, client)):
            note(_("Nothing was sent."))
            return exit_codes.REFUSED
        known_notes = planned.notes
        files.begin(planned.table, planned.results)
        with interrupts(lambda: _break_off(planned, files)) as stop, self._progress(planned) as progress:
            try:
                self._send(client, planned, files, stop, progress)
            finally:
                written = _write_at_last(planned, files)
        if not self.as_json:
            for line in planned.notes[len(known_notes) :]:
                note(_("Note: {note}.", note=phrase(line)))
        show_end(planned, client.info, self.file, files.path, stopped=stop.is_set(), as_json=self.as_json)
        return exit_codes.of_campaign(planned.counts) if written else exit_codes.UNKNOWN

    def _agreed(self, planned: Campaign, client: Client) -> bool:
        estimate = planned.estimate
        messages = counted(estimate.messages, "message")
        question = _("Send {messages} with {vendor}?", messages=messages, vendor=client.info.title)
        if estimate.points is not None:
            points = counted(estimate.points, "point")
            question = _(
                "Send {messages} with {vendor}, about {points}?",
                messages=messages,
                vendor=client.info.title,
                points=points,
            )
        try:
            return click.confirm(question, err=True)
        except click.Abort:  # Ctrl-C, or nobody is there to answer
            note("")
            return False

    def _progress(self, planned: Campaign) -> Progress:
        columns = (TextColumn(_("Sending")), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        hidden = self.as_json or not planned.estimate.messages
        progress = Progress(*columns, console=console(stderr=True), disable=hidden)
        progress.add_task("Sending", total=planned.estimate.messages)
        return progress

    def _send(
        self, client: Client, planned: Campaign, files: RunFiles, stop: threading.Event, progress: Progress
    ) -> None:
        requests = planned.send(
            client,
            concurrency=self.concurrency,
            stop=stop.is_set,
            checkpoint=lambda: files.write(planned.results_if_cut_off),
            keep=files.keep,
        )
        try:
            for done in requests:
                progress.advance(progress.task_ids[0], len(done.places))
            if self.settle:
                for done in planned.settle(client, keep=files.keep):
                    if done.error is not None:
                        note(_("The vendor could not be asked: {error}", error=done.error))
            if self.wait is not None:
                files.write(planned.results)
                _await_reports(client, planned, self.wait, stop)
        except (OSError, ConfigurationError) as error:
            note(_("{error}; no more is sent", error=error))
            stop.set()


def _write_at_last(planned: Campaign, files: RunFiles) -> bool:
    try:
        files.finish(planned.results)
    except (OSError, ConfigurationError) as error:
        note(_("The results could not be written: {error}", error=error))
        return False
    return True


def _break_off(planned: Campaign, files: RunFiles) -> int:
    """The second Ctrl-C: what is under way stays unknown."""
    _write_at_last(planned, files)
    return exit_codes.of_campaign(planned.counts)


def _await_reports(client: Client, planned: Campaign, patience: timedelta, stop: threading.Event) -> None:
    """Ask for reports until all are in, the time is over, or Ctrl-C."""
    pause, left = FIRST_PAUSE, patience.total_seconds()
    while not stop.is_set():
        try:
            planned.fetch_reports(client)
        except SmsError as error:
            note(_("No reports: {error}", error=error))
            return
        if left <= 0 or planned.wait_reported(0):
            return
        stop.wait(min(pause, left))
        left -= pause
        pause = min(pause * 2, LONGEST_PAUSE)
