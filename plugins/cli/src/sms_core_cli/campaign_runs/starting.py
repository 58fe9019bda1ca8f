"""``sms campaign FILE``: the file read, planned, shown and asked about, and its run begun or joined."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from sms_core.client import Client
from sms_core.errors import ConfigurationError, InvalidMessage
from sms_core_cli import exit_codes
from sms_core_cli.campaign import (
    Planned,
    Run,
    Store,
    TableFile,
    begin_run,
    find_run,
    is_result_file,
    place_of,
    plan_campaign,
)
from sms_core_cli.campaign_report import Commands, show_plan
from sms_core_cli.campaign_runs.results import source_of
from sms_core_cli.campaign_runs.sender import Sender
from sms_core_cli.campaign_runs.verbs import Verb
from sms_core_cli.language import _, phrase
from sms_core_cli.message_options import read_message_options
from sms_core_cli.output import note
from sms_core_cli.table_options import TableOptions


@define
class Campaign(Sender):
    """``sms campaign FILE``: its options, and what they ask for."""

    of_message: Mapping[str, Any] = field(kw_only=True)
    of_table: Mapping[str, Any] = field(kw_only=True)
    of_file: list[str] = field(kw_only=True)
    """The words that said how the file is read and what is sent."""
    of_end: list[str] = field(kw_only=True)
    """The words that said which rows are sent too, and what follows sending."""
    resume: Path | None = field(kw_only=True)
    dry_run: bool = field(kw_only=True)
    refused_too: bool = field(kw_only=True)
    settle: bool = field(kw_only=True)
    mend: bool = field(kw_only=True)

    @property
    def command(self) -> Commands:
        """What to type next."""
        return Commands(self.file, self.url, self.name, self.same, self.of_sending, self.of_file)

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
            if not self.dry_run:
                self.result_file(run)  # refused before a long file is read
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
                if not self.dry_run:
                    return self._send_planned(client, store, run, planned)
                if planned.estimate.messages and not self.as_json:
                    note(_("Nothing was sent. To send: {command}", command=self.command("", *self.of_end)))
                return exit_codes.DONE

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
        source = source_of(self.file)
        if source is None:
            raise InvalidMessage("file", "is a result file whose run is not beside it: give the table that was sent")
        note(
            _(
                "Note: {note}.",
                note=_("{results} was written by the run of {file}, which goes on", results=self.file, file=source[0]),
            )
        )
        self.file, run = source
        self.name = self.name or run
        return TableOptions(self.file, **self.of_table).read_confirmed(may_ask=may_ask, dry_run=self.dry_run)

    def _plan(self, client: Client, table: TableFile, run: Run | None) -> Planned:
        defaults = read_message_options(client.info, **self.of_message)
        with self.progress(_("Reading"), None) as advance:
            return plan_campaign(
                client, table, defaults, run=run, again=self.refused_too, mend=self.mend, progress=advance
            )

    def _send_planned(self, client: Client, store: Store, run: Run | None, planned: Planned) -> int:
        run = run or find_run(store, self.name)  # another process may have begun it while the file was planned
        pause = run.pause() if run is not None else None
        if pause is not None and not pause.by_itself:
            note(_("The run pauses: {why}. Nothing was sent.", why=phrase(pause.because)))
            note(_("To go on: {command}", command=self.command("continue")))
            return exit_codes.REFUSED
        results = self.result_file(run)
        joins = run is not None and joins_finished(run, planned)
        if joins and self.yes and not self.refused_too:
            raise ConfigurationError(
                f"the run of {self.file} is finished, and the file has rows that it has not: "
                f"{self.command('')} asks whether to add them, and with --run NAME begins a new run"
            )
        messages = planned.estimate.messages
        wanted = messages or (planned.changes is not None and planned.changes.taken_back)
        if wanted and not self.agreed(client, messages, planned.estimate.points, joins=joins):
            note(_("Nothing was sent."))
            return exit_codes.REFUSED
        return self.go(client, begin_run(store, self.name), planned, results)


def joins_finished(run: Run, planned: Planned) -> bool:
    """Whether a run that is finished is to get rows of a file that it has not.

    It has them where another process has put and sent this very file while it was planned here.
    """
    return bool(planned.new) and run.overview().is_finished and run.digest not in {"", planned.digest}
