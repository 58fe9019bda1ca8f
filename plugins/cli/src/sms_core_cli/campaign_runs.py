"""What ``sms campaign`` does: a file read, planned, shown, asked about, put, sent and exported; and the verbs of a run."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from attrs import define, field
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from sms_core.client import Client
from sms_core.errors import ConfigurationError, InvalidMessage, SmsError
from sms_core_cli import exit_codes
from sms_core_cli.campaign import (
    Place,
    Planned,
    Reasons,
    RowOutcome,
    Run,
    RunRow,
    Sending,
    Store,
    TableFile,
    begin_run,
    export,
    find_run,
    is_result_file,
    missing_points,
    place_of,
    plan_campaign,
    runs_of,
    send,
)
from sms_core_cli.campaign.export import is_its_own
from sms_core_cli.campaign.places import SUFFIX
from sms_core_cli.campaign_report import Commands, Ending, show_end, show_plan, show_status
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.interrupts import interrupts
from sms_core_cli.language import _, phrase
from sms_core_cli.message_options import read_message_options
from sms_core_cli.output import console, counted, note, say, show_json
from sms_core_cli.table_options import TableOptions
from sms_core_outbox import SettleResult, State

RESULTS = Path("results.csv")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two questions for delivery reports; each pause is twice as long as the one before."""
LOOK = 0.2
"""Seconds between two looks at how far sending is. A look that takes long is taken less often."""
SHARE = 20
"""One part in so many of the time goes into looking."""


@define
class _Sender:
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
    begun: int = field(factory=lambda: time.time_ns() // 1000, init=False)

    @property
    def command(self) -> Commands:
        """What to type next."""
        return Commands(self.file, self.url, self.name, self.same)

    def store(self, place: Place, client: Client) -> Store:
        """The place, opened for the account."""
        # A DSN lets all processes share its logins. An account's own rules and limits are asked by a client that has them.
        sender = client if self.account.policies else self.account.dsn
        return Store(place, sender, concurrency=self.concurrency, per_second=self.per_second)

    def result_file(self, run: Run | None) -> Path:
        """Where the results go. Raises `ConfigurationError` for a file that is not this run's."""
        path = self.results or (Path(run.results[0]) if run is not None and run.results[0] else RESULTS)
        if not path.parent.is_dir():
            raise ConfigurationError(f"{path}: No such file or directory; nothing was sent")
        if path.exists() and not self.overwrite and not is_its_own(run, path):
            hint = "--results FILE names another, --overwrite replaces it"
            raise ConfigurationError(f"{path} is there, and not of this run: {hint}")
        return _shortest(path)

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
            return click.confirm(question, err=True, prompt_suffix=_(": "))
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
                ending.sending = self._send(run, stop.is_set)
                if self.wait is not None and not stop.is_set():
                    _await_reports(client, run, self.wait, stop)
            finally:
                reasons = _reasons_of(run, ending)
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
            _follow(run, sending, total, advance)
            return sending.result()

    @contextmanager
    def progress(self, what: str, total: int | None) -> Generator[Any]:
        """A bar on stderr; gives what advances it."""
        columns = (SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        shown = Progress(*columns, console=console(stderr=True), disable=self.as_json or total == 0)
        task = shown.add_task(what, total=total)
        with shown:
            yield lambda count: shown.advance(task, count)


@define
class Campaign(_Sender):
    """``sms campaign FILE``: its options, and what they ask for."""

    of_message: Mapping[str, Any] = field(kw_only=True)
    of_table: Mapping[str, Any] = field(kw_only=True)
    resume: Path | None = field(kw_only=True)
    dry_run: bool = field(kw_only=True)
    refused_too: bool = field(kw_only=True)
    settle: bool = field(kw_only=True)
    mend: bool = field(kw_only=True)

    def run(self) -> int:
        """Do it. Gives the exit code."""
        self._check()
        if self.settle:
            return Verb(
                self.file, self.name, self.url, as_json=self.as_json, account=self.account, same=self.same
            ).settle()
        table = self._table()
        place = place_of(self.file, self.url)
        if place.why and not self.as_json:
            where = place.database
            note(
                _("Note: {note}.", note=_("the run is kept in {place}, for {why}", place=where, why=phrase(place.why)))
            )
        with self.account.connect_to_send() as client, self.store(place, client) as store:
            run = find_run(store, self.name)
            if self.resume is not None and run is None:
                raise ConfigurationError(f"{self.file} has no run yet that could go on: leave --resume out")
            self.results = self.results or self.resume
            self.overwrite = self.overwrite or self.resume is not None
            with self._plan(client, table, run) as planned:
                if self.dry_run or not self.as_json:
                    show_plan(
                        planned,
                        client.info,
                        run,
                        concurrency=self.concurrency,
                        per_second=self.per_second,
                        as_json=self.as_json,
                    )
                return exit_codes.DONE if self.dry_run else self._send_planned(client, store, run, planned)

    def _check(self) -> None:
        """Refuse options that do not go together. Raises `ConfigurationError`."""
        if self.settle and self.refused_too:
            raise ConfigurationError("--settle sends nothing, and --refused-too sends: one of them at a time")
        if self.as_json and not (self.yes or self.dry_run or self.settle):
            raise ConfigurationError("--json cannot ask: add --yes, or --dry-run")

    def _table(self) -> TableFile:
        """The table, in the encoding that a person confirmed where it is a guess. Raises `InvalidMessage`."""
        may_ask = not (self.yes or self.as_json or self.dry_run)
        table = TableOptions(self.file, **self.of_table).read_confirmed(may_ask=may_ask, dry_run=self.dry_run)
        if not is_result_file(table.columns.headers):
            return table
        of = _file_of_results(self.file)
        if of is None:
            raise InvalidMessage("file", "is a result file whose run is not beside it: give the table that was sent")
        note(
            _(
                "Note: {note}.",
                note=_("{results} was written by the run of {file}, which goes on", results=self.file, file=of),
            )
        )
        self.file = of
        return TableOptions(of, **self.of_table).read_confirmed(may_ask=may_ask, dry_run=self.dry_run)

    def _plan(self, client: Client, table: TableFile, run: Run | None) -> Planned:
        defaults = read_message_options(client.info, **self.of_message)
        with self.progress(_("Reading"), None) as advance:
            return plan_campaign(
                client, table, defaults, run=run, again=self.refused_too, mend=self.mend, progress=advance
            )

    def _send_planned(self, client: Client, store: Store, run: Run | None, planned: Planned) -> int:
        pause = run.pause() if run is not None else None
        if pause is not None and not pause.by_itself:
            note(_("The run pauses: {why}. Nothing was sent.", why=pause.because))
            note(_("To go on: {command}", command=self.command("continue")))
            return exit_codes.REFUSED
        results = self.result_file(run)
        joins = run is not None and bool(planned.new) and run.overview().is_finished and run.digest != ""
        if joins and self.yes and not self.refused_too:
            raise ConfigurationError(
                f"the run of {self.file} is finished, and the file has rows that it has not: "
                "--run NAME begins a new run, and without --yes it asks whether to add them"
            )
        messages = planned.estimate.messages
        wanted = messages or (planned.changes is not None and planned.changes.taken_back)
        if wanted and not self.agreed(client, messages, planned.estimate.points, joins=joins):
            note(_("Nothing was sent."))
            return exit_codes.REFUSED
        return self.go(client, begin_run(store, self.name), planned, results)


@define
class Continuing(_Sender):
    """``sms campaign continue FILE``."""

    def run(self) -> int:
        """Do it. Gives the exit code."""
        if self.as_json and not self.yes:
            raise ConfigurationError("--json cannot ask: add --yes")
        with (
            self.account.connect_to_send() as client,
            self.store(place_of(self.file, self.url), client) as store,
        ):
            run = _run_of(store, self.file, self.name)
            results = self.result_file(run)
            found = run.overview()
            waiting = found.states[State.READY]
            if waiting and not self.agreed(client, waiting, found.waiting_points):
                note(_("Nothing was sent."))
                return exit_codes.REFUSED
            return self.go(client, run, None, results)


@define
class Verb:
    """The verbs that send nothing."""

    file: Path
    name: str | None
    url: str | None
    as_json: bool
    account: ChosenAccount | None = None
    same: list[str] = field(factory=list)

    @property
    def command(self) -> Commands:
        """What to type next."""
        return Commands(self.file, self.url, self.name, self.same)

    @contextmanager
    def _run(self) -> Generator[Run]:
        sender = "" if self.account is None else self.account.dsn
        with Store(place_of(self.file, self.url), sender) as store:
            yield _run_of(store, self.file, self.name)

    def status(self) -> None:
        """Show how far it is."""
        with self._run() as run:
            show_status(run, self.command, as_json=self.as_json)

    def pause(self, because: str, by: str) -> None:
        """Hand out nothing more."""
        with self._run() as run:
            run.hold(because, by)
        self._say(_("The run pauses. To go on: {command}", command=self.command("continue")), {"paused": True})

    def settle(self) -> int:
        """Ask the vendor. Gives the exit code."""
        with self._run() as run:
            result, failure = SettleResult(), None
            try:
                result = run.settle()
            except SmsError as error:
                failure = error
            if failure is not None and not self.as_json:
                note(_("The vendor could not be asked: {error}", error=failure))
            show_status(run, self.command, as_json=self.as_json, settled=result, failure=failure)
            return exit_codes.of_campaign([outcome for outcome, count in run.overview().counts.items() if count])

    def export(self, results: Path | None, *, overwrite: bool) -> None:
        """Write the result file."""
        with self._run() as run:
            path = results or (Path(run.results[0]) if run.results[0] else RESULTS)
            if path.exists() and not overwrite and not is_its_own(run, path):
                hint = "--results FILE names another, --overwrite replaces it"
                raise ConfigurationError(f"{path} is there, and not of this run: {hint}")
            done = export(run, path)
        if done.kept is not None and not self.as_json:
            note(_("{file} had been changed by somebody else; it is {kept} now.", file=path, kept=_shortest(done.kept)))
        where = _shortest(done.path)
        self._say(_("Every row's outcome is in {file}.", file=where), {"results": str(where)})

    def forget(self, *, yes: bool) -> None:
        """Blank what is personal."""
        with self._run() as run:
            if not yes:
                if self.as_json:
                    raise ConfigurationError("--json cannot ask: add --yes")
                question = _(
                    "Blank the numbers, texts and cells of all rows of {file} that have ended?", file=self.file
                )
                click.confirm(question, abort=True, err=True)
            count = run.forget()
        self._say(_("Blanked: {rows}.", rows=counted(count, "row")), {"forgotten": count})

    def _say(self, line: str, data: object) -> None:
        if self.as_json:
            show_json(data)
        else:
            say(line)


def _run_of(store: Store, file: Path, name: str | None) -> Run:
    run = find_run(store, name)
    if run is None:
        called = "" if name is None else f" called {name!r}"
        raise ConfigurationError(f"{file} has no run{called}: sms campaign FILE begins one")
    return run


def _file_of_results(results: Path) -> Path | None:
    """The file whose run wrote these results last; it has to lie in the same folder, or in this one."""
    whole = results.resolve()
    for folder in (whole.parent, Path.cwd()):
        for database in sorted(folder.glob(f"*{SUFFIX}")):
            file = database.with_name(database.name.removesuffix(SUFFIX))
            if not file.exists():
                continue
            with Store(Place(database), "") as store:
                if any(run.results[0] == str(whole) for run in runs_of(store)):
                    return _shortest(file)
    return None


def _shortest(path: Path) -> Path:
    """The path as a person in this folder would write it."""
    try:
        return path.resolve().relative_to(Path.cwd()) if path.is_absolute() else path
    except ValueError:
        return path


def _reasons_of(run: Run, ending: Ending) -> Reasons:
    """Write the result file, and gather why rows were not accepted on the way."""
    reasons = Reasons()

    def look(found: RunRow) -> None:
        outcome, error = found.result.outcome, found.result.error
        if outcome is not RowOutcome.ACCEPTED and (error or outcome is not RowOutcome.NOT_SENT):
            reasons.add(outcome, error, found.number)

    wanted = ending.results
    try:
        if wanted is not None:
            done = export(run, wanted, look)
            ending.results, ending.kept = _shortest(done.path), done.kept
            if done.instead:
                note(_("{file} could not be replaced; the results are in {other}", file=wanted, other=done.path))
            if done.kept is not None:
                note(_("{file} had been changed by somebody else; it is {kept} now.", file=wanted, kept=done.kept))
    except OSError as error:
        note(_("The results could not be written: {error}", error=error))
        ending.results = None
    return reasons


def _follow(run: Run, sending: Future[Sending], total: int, advance: Any) -> None:
    """Let a bar follow how many rows still wait, whoever sends them."""
    shown = 0
    pause = LOOK
    while True:
        done = _is_done(sending, pause)
        begun = time.monotonic()
        states = run.states()
        pause = max(LOOK, SHARE * (time.monotonic() - begun))
        gone = total - states[State.READY] - states[State.SENDING]
        if gone > shown:
            advance(gone - shown)
            shown = gone
        if done:
            return


def _is_done(sending: Future[Sending], seconds: float) -> bool:
    """Wait so long, unless it is done earlier."""
    try:
        sending.exception(timeout=seconds)
    except TimeoutError:
        return False
    return True


def _await_reports(client: Client, run: Run, patience: timedelta, stop: Any) -> None:
    """Ask for reports until all are in, the time is over, or Ctrl-C."""
    pause, left = FIRST_PAUSE, patience.total_seconds()
    while not stop.is_set():
        try:
            run.fetch_reports(client)
        except SmsError as error:
            note(_("No reports: {error}", error=error))
            return
        if left <= 0 or not run.awaits_reports():
            return
        stop.wait(min(pause, left))
        left -= pause
        pause = min(pause * 2, LONGEST_PAUSE)
