"""The result file of a run: where it goes, what is said of it, and which file it is of."""

from __future__ import annotations

import re
from pathlib import Path

from sms_core.errors import ConfigurationError
from sms_core_cli.campaign import Place, Reasons, RowOutcome, Run, RunRow, Store, export, runs_of
from sms_core_cli.campaign.export import is_its_own
from sms_core_cli.campaign.places import SUFFIX
from sms_core_cli.campaign.run import FIRST_RUN
from sms_core_cli.campaign_report import Ending
from sms_core_cli.language import _
from sms_core_cli.output import note

RESULTS = Path("results.csv")
_UNFIT = re.compile(r"[^\w.-]+")
"""What a run may be called and a file may not."""


def result_file(run: Run | None, named: Path | None, *, overwrite: bool, run_name: str | None = None) -> Path:
    """Where a run's results go: the file that was named, the one that it wrote last, or `RESULTS`.

    Where that is another run's, as when next month's begins, a run with a name of its own has it in its file's name;
    ``run_name`` is that of one which is not begun. Raises `ConfigurationError` for a file that is not this run's, unless it is to be overwritten.
    """
    path = named or (Path(run.results[0]) if run is not None and run.results[0] else RESULTS)
    if run_name is None and run is not None and run.name != FIRST_RUN:
        run_name = run.name
    if path == RESULTS and named is None and run_name and path.exists() and not is_its_own(run, path):
        path = Path(f"results-{_UNFIT.sub('_', run_name)}.csv")
    if path.exists() and not overwrite and not is_its_own(run, path):
        hint = "--results FILE names another, --overwrite replaces it"
        raise ConfigurationError(f"{path} is there, and not of this run: {hint}")
    return path


def write_results(run: Run, ending: Ending) -> Reasons:
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
            ending.results, ending.kept = shortest(done.path), done.kept
            if done.instead:
                other = shortest(done.path)
                note(_("{file} could not be replaced; the results are in {other}", file=wanted, other=other))
            if done.kept is not None:
                kept = shortest(done.kept)
                note(_("{file} had been changed by somebody else; it is {kept} now.", file=wanted, kept=kept))
    except OSError as error:
        note(_("The results could not be written: {error}", error=error))
        ending.results = None
    return reasons


def source_of(results: Path) -> tuple[Path, str] | None:
    """The file whose run wrote these results, and the run's name; the file has to lie in the same folder, or in this one."""
    whole = results.resolve()
    for folder in (whole.parent, Path.cwd()):
        for database in sorted(folder.glob(f"*{SUFFIX}")):
            file = database.with_name(database.name.removesuffix(SUFFIX))
            if not file.exists():
                continue
            with Store(Place(database), "") as store:
                for run in runs_of(store):
                    if run.results[0] == str(whole):
                        return shortest(file), run.name
    return None


def shortest(path: Path) -> Path:
    """The path as a person in this folder would write it."""
    try:
        return path.resolve().relative_to(Path.cwd()) if path.is_absolute() else path
    except ValueError:
        return path
