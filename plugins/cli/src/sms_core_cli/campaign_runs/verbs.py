"""The verbs of a run that send nothing."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from sms_core.errors import ConfigurationError, SmsError
from sms_core_cli import exit_codes
from sms_core_cli.campaign import Run, Store, export, find_run, place_of
from sms_core_cli.campaign_report import Commands, show_status
from sms_core_cli.campaign_runs.results import result_file, shortest
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.language import _
from sms_core_cli.output import confirm, counted, note, say, show_json
from sms_core_outbox import SettleResult


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
            yield run_of(store, self.command)

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
            info = None if self.account is None else self.account.info
            show_status(run, self.command, as_json=self.as_json, settled=result, failure=failure, info=info)
            return exit_codes.of_campaign([outcome for outcome, count in run.overview().counts.items() if count])

    def export(self, results: Path | None, *, overwrite: bool) -> None:
        """Write the result file."""
        with self._run() as run:
            path = result_file(run, results, overwrite=overwrite)
            done = export(run, path)
        if done.kept is not None and not self.as_json:
            note(_("{file} had been changed by somebody else; it is {kept} now.", file=path, kept=shortest(done.kept)))
        where = shortest(done.path)
        self._say(_("Every row's outcome is in {file}.", file=where), {"results": str(where)})

    def forget(self, *, yes: bool) -> int:
        """Blank what is personal. Gives the exit code."""
        with self._run() as run:
            if not yes:
                if self.as_json:
                    raise ConfigurationError("--json cannot ask: add --yes")
                question = _(
                    "Blank the numbers, texts and cells of all rows of {file} that have ended?", file=self.file
                )
                if not confirm(question):
                    note(_("Nothing was blanked."))
                    return exit_codes.REFUSED
            count = run.forget()
        self._say(_("Blanked: {rows}.", rows=counted(count, "row")), {"forgotten": count})
        return exit_codes.DONE

    def _say(self, line: str, data: object) -> None:
        if self.as_json:
            show_json(data)
        else:
            say(line)


def run_of(store: Store, command: Commands) -> Run:
    """The run that a command means, or the latest. Raises `ConfigurationError` where there is none."""
    run = find_run(store, command.run)
    if run is None:
        called = "" if command.run is None else f" called {command.run!r}"
        raise ConfigurationError(f"{command.file} has no run{called}: {command('')} begins one")
    return run
