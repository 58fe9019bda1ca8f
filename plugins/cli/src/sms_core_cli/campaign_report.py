"""What ``sms campaign`` shows: before it sends, what that would take and cost, and at the end what became of it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import define, field

from sms_core.errors import SmsError
from sms_core.provider import TAIPEI, Capability, ProviderInfo
from sms_core.serialize import to_data
from sms_core_cli.campaign import Changes, Estimate, Overview, Planned, Reasons, RowOutcome, Run, Sending
from sms_core_cli.campaign.overview import OUT_OF_CREDIT, Pause
from sms_core_cli.command import url_without_password
from sms_core_cli.language import _, phrase
from sms_core_cli.output import cost_line, counted, note, say, show_json, show_table
from sms_core_outbox import SettleResult, State

LONGEST_SHOWN = 400
"""Characters of a text; of a longer one its beginning and its end are shown, so that what was said before stays in sight."""
BEGINNING, END = 300, 60

ROWS_SHOWN = 6
"""How many rows' numbers stand beside a reason; the result file has them all."""

MINUTES_FROM = 120
"""Seconds; from here on nobody wants to hear seconds."""

SENDING = ("", "continue")
"""The verbs that send."""
ASKING = (*SENDING, "settle")
"""The verbs that need an account."""

TITLES = {
    RowOutcome.ACCEPTED: "accepted",
    RowOutcome.REFUSED: "refused by the vendor",
    RowOutcome.UNKNOWN: "unknown",
    RowOutcome.NOT_SENT: "not sent",
    RowOutcome.REFUSED_HERE: "refused here",
    RowOutcome.DUPLICATE: "repeats another row",
}


@define
class Ending:
    """A run of the command at its end. ``added`` rows were put by it; ``has_read`` says that it read the file for that.

    ``results`` is None where no file could be written.
    """

    run: Run
    info: ProviderInfo
    command: Commands
    results: Path | None
    sending: Sending
    kept: Path | None = None
    added: int = 0
    has_read: bool = False
    stopped: bool = False
    pause: Pause | None = None
    missing: Decimal | None = None


@define
class Commands:
    """What to type next about a file. ``url`` and ``run`` are what named its run.

    The others are words of this command that the next one repeats: ``of_account`` name the account, ``of_sending`` say how
    fast, ``of_file`` how the file is read and what is sent.
    """

    file: Path
    url: str | None
    run: str | None
    of_account: list[str]
    of_sending: list[str] = field(factory=list)
    of_file: list[str] = field(factory=list)

    def __call__(self, verb: str, *words: str) -> str:
        """The command with a verb, "" for the one that sends, for a person to copy."""
        place = ["--outbox", url_without_password(self.url)] if self.url else []
        run = ["--run", self.run] if self.run and "--run" not in words else []
        same: list[str] = []
        if verb == "":
            same += self.of_file
        if verb in SENDING:
            same += self.of_sending
        if verb in ASKING:
            same += self.of_account
        named = [*filter(None, [verb]), str(self.file), *same, *place, *run]
        return shlex.join(["sms", "campaign", *named, *words])


# Before


def show_plan(
    planned: Planned,
    info: ProviderInfo,
    run: Run | None,
    *,
    concurrency: int,
    per_second: float | None,
    as_json: bool,
) -> None:
    """What is to be sent, what it would cost, how long it would take, and which rows will not go."""
    estimate = planned.estimate
    duration = estimate.duration(concurrency, per_second)
    if as_json:
        shown = {**to_data(estimate), "seconds": duration.total_seconds()}
        show_json(
            {
                "dry_run": True,
                "provider": info.name,
                "estimate": shown,
                **_rows(planned.rows, planned.counts, planned.reasons),
                "run": _run_data(run),
                "changes": None if planned.changes is None else to_data(planned.changes),
                "notes": planned.notes,
            }
        )
        return
    for line in planned.notes:
        note(_("Note: {note}.", note=phrase(line)))
    if run is not None:
        _show_run(run, planned)
    show_table(
        ["rows", "to send", "requests", "segments", "points"],
        [(planned.rows, estimate.messages, estimate.requests, estimate.segments, estimate.points)],
        title=info.title,
    )
    _show_segments(estimate)
    _show_reasons(planned.reasons)
    _show_examples(estimate)
    for warning in estimate.warnings:
        say(_("Note: {note}.", note=phrase(warning)))
    if estimate.messages:
        say(_duration_line(duration, concurrency, per_second))


def _duration_line(duration: timedelta, concurrency: int, per_second: float | None) -> str:
    if per_second is not None:
        return _(
            "Sending takes about {duration}, at {rate} texts a second.",
            duration=_rounded(duration),
            rate=f"{per_second:g}",
        )
    return _(
        "Sending takes about {duration}, with {count} requests side by side of a second each.",
        duration=_rounded(duration),
        count=concurrency,
    )


def _show_run(run: Run, planned: Planned) -> None:
    """Say that a run goes on, and how the file differs from it."""
    since = _moment(run.begun_at)
    done = sum(planned.counts[outcome] for outcome in (RowOutcome.ACCEPTED, RowOutcome.REFUSED, RowOutcome.UNKNOWN))
    say(
        _(
            "This goes on with the run {name}, begun {since}: {rows} sent already.",
            name=run.name,
            since=since,
            rows=counted(done, "row"),
        )
    )
    if planned.changes is not None:
        say(_changed(planned.changes))


def _changed(changes: Changes) -> str:
    line = _(
        "The file has changed: {added} added, {edited} edited, {removed} removed.",
        added=counted(changes.added, "row"),
        edited=changes.edited,
        removed=changes.removed,
    )
    if changes.taken_back:
        rows = counted(changes.taken_back, "row")
        line += " " + _("Not sent any more, for the file has it no more: {rows}.", rows=rows)
    return line


def _rounded(duration: timedelta) -> str:
    """A length of time in the unit that suits it."""
    seconds = round(duration.total_seconds())
    if seconds < MINUTES_FROM:
        return counted(seconds, "second")
    return counted(-(-seconds // 60), "minute")


def _show_segments(estimate: Estimate) -> None:
    rows = [(phrase(count.reason), count.rows, count.segments) for count in estimate.reasons]
    if rows:
        show_table(["segments, by reason", "rows", "segments"], rows)


def _show_examples(estimate: Estimate) -> None:
    for example in estimate.examples:
        cost = counted(example.segments, "segment")
        if example.points is not None:
            cost = _("{segments}, {points}", segments=cost, points=counted(example.points, "point"))
        *others, last = map(_, example.why)
        why = _(" and ").join(filter(None, [_(", ").join(others), last]))
        say(_("Row {row}, the {why} text ({cost}):", row=example.row, why=why, cost=cost))
        _show_text(example.text)


def _show_text(text: str) -> None:
    if len(text) <= LONGEST_SHOWN:
        say(f"  {text}")
        return
    say(f"  {text[:BEGINNING]} […] {text[-END:]}")
    say(_("Left out here: {count} characters in the middle of it.", count=len(text) - BEGINNING - END))


# At the end


def show_end(ending: Ending, reasons: Reasons, *, as_json: bool) -> None:
    """What became of the rows, and what can be done about those that are open."""
    found = ending.run.overview()
    sending = ending.sending
    if as_json:
        show_json(
            {
                **_rows(sum(found.counts.values()), found.counts, reasons),
                "cost": sending.cost,
                "balance": sending.balance,
                "interrupted": ending.stopped,
                "paused": None if ending.pause is None else ending.pause.because,
                "missing_points": ending.missing,
                "results": None if ending.results is None else str(ending.results),
                "run": _run_data(ending.run),
                "notes": sending.notes,
            }
        )
        return
    for line in sending.notes:
        note(_("Note: {note}.", note=phrase(line)))
    _show_counts(found)
    _show_reasons(reasons)
    if sending.cost is not None:
        say(cost_line(sending.cost, sending.balance))
    if ending.results is not None:
        say(_("Every row's outcome is in {file}.", file=ending.results))
    for line in _advice(ending, found):
        note(line)


def show_status(
    run: Run,
    command: Commands,
    *,
    as_json: bool,
    settled: SettleResult | None = None,
    failure: SmsError | None = None,
    info: ProviderInfo | None = None,
) -> None:
    """How far a run is; after settling, what that came to. ``info`` is the vendor's, where it is known."""
    found, pause = run.overview(), run.pause()
    if as_json:
        data: dict[str, Any] = {
            "rows": sum(found.counts.values()),
            "outcomes": {outcome.value: found.counts[outcome] for outcome in RowOutcome},
            "delivery": {status.value: count for status, count in found.statuses.items()},
            "waiting": found.states[State.READY],
            "under_way": found.states[State.SENDING],
            "removed": sum(found.removed.values()),
            "finished": found.is_finished,
            "paused": None if pause is None else pause.because,
            "run": _run_data(run),
        }
        if settled is not None:
            data["settled"] = to_data(settled)
            data["failure"] = None if failure is None else to_data(failure)
        show_json(data)
        return
    say(_("The run {name}, begun {since}.", name=run.name, since=_moment(run.begun_at)))
    _show_counts(found)
    if settled is not None:
        say(
            _(
                "Asked about: {asked}; accepted {accepted}, surely not taken {ready}, still unknown {unknown}.",
                asked=counted(settled.asked, "row"),
                accepted=settled.accepted,
                ready=settled.ready,
                unknown=settled.unknown,
            )
        )
    if found.states[State.SENDING]:
        say(_("Under way, or cut off: {rows}.", rows=counted(found.states[State.SENDING], "row")))
    if removed := sum(found.removed.values()):
        rows = counted(removed, "row")
        sent = found.removed[RowOutcome.ACCEPTED]
        say(_("The file has no more: {rows}, of which {sent} were accepted.", rows=rows, sent=sent))
    if pause is not None:
        note(_("The run pauses: {why}.", why=phrase(pause.because)))
    if unknown := found.counts[RowOutcome.UNKNOWN]:
        note(_unknown_line(unknown, command, is_asked=settled is not None))
    if info is not None and info.can(Capability.REPORTS) and run.awaits_reports():
        note(_reports_line(command))
    for line in _what_is_left(found, command):
        note(line)


def _unknown_line(count: int, command: Commands, *, is_asked: bool) -> str:
    rows, ask = counted(count, "row"), command("settle")
    if is_asked:
        return _(
            "The vendor could not tell of {rows}: ask again later, or look at its web page before you send them again: {command}",
            rows=rows,
            command=ask,
        )
    way = _("Ask it: {command}", command=ask)
    return _("Unknown: {rows}, which the vendor may have taken. {way}", rows=rows, way=way)


def _moment(micros: int) -> str:
    moment = datetime.fromtimestamp(micros / 1_000_000, UTC)
    return moment.astimezone(TAIPEI).strftime("%Y-%m-%d %H:%M")


def _run_data(run: Run | None) -> dict[str, object] | None:
    if run is None:
        return None
    begun = datetime.fromtimestamp(run.begun_at / 1_000_000, UTC)
    return {"name": run.name, "begun_at": begun.isoformat(), "database": str(run.store.place.database)}


def _show_counts(found: Overview) -> None:
    show_table(
        ["outcome", "rows"],
        [(_(TITLES[outcome]), found.counts[outcome]) for outcome in RowOutcome if found.counts[outcome]],
    )
    statuses = Counter({_(status.value): count for status, count in found.statuses.items()})
    if statuses:
        show_table(["delivery", "rows"], statuses.most_common())


def _show_reasons(reasons: Reasons) -> None:
    rows = [
        (_(TITLES[outcome]), phrase(reason), len(numbers), _listed(numbers)) for outcome, reason, numbers in reasons
    ]
    if rows:
        show_table(["", "why", "rows", "which"], rows)


def _rows(count: int, counts: Counter[RowOutcome], reasons: Reasons) -> dict[str, Any]:
    return {
        "rows": count,
        "outcomes": {outcome.value: counts[outcome] for outcome in RowOutcome},
        "not_accepted": [
            {"outcome": to_data(outcome), "reason": reason, "rows": list(numbers)}
            for outcome, reason, numbers in reasons
        ],
    }


def _listed(rows: Any) -> str:
    shown = ", ".join(str(row) for row in rows[:ROWS_SHOWN])
    return f"{shown}, …" if len(rows) > ROWS_SHOWN else shown


def _advice(ending: Ending, found: Overview) -> Iterator[str]:
    counts = found.counts
    if ending.stopped:
        accepted, left = counts[RowOutcome.ACCEPTED], counts[RowOutcome.NOT_SENT]
        yield _("Interrupted: {rows} accepted, {left} not sent.", rows=counted(accepted, "row"), left=left)
    if ending.pause is not None:
        yield from _advice_of_pause(ending.pause, ending.missing)
    if ending.sending.gave_up:
        yield _("The vendor took nothing more for a while; what waits stays.")
    if unknown := counts[RowOutcome.UNKNOWN]:
        rows, way = counted(unknown, "row"), _way_to_know(ending)
        yield _("Unknown: {rows}, which the vendor may have taken. {way}", rows=rows, way=way)
    if ending.info.can(Capability.REPORTS) and ending.run.awaits_reports():
        yield _reports_line(ending.command)
    if ending.has_read and (refused := counts[RowOutcome.REFUSED_HERE]):
        yield _(
            "Refused here: {rows}. Mend {file}, and send what is new in it: {command}",
            rows=counted(refused, "row"),
            file=ending.command.file,
            command=ending.command(""),
        )
    yield from _what_is_left(found, ending.command, is_new=bool(ending.added))


def _reports_line(command: Commands) -> str:
    return _("Delivery reports: {command}", command=command("continue", "--wait", "5m"))


def _what_is_left(found: Overview, command: Commands, *, is_new: bool = False) -> Iterator[str]:
    """What can be sent of a run; of one that is finished, unless it is new, how the next one begins."""
    if waiting := found.states[State.READY]:
        rows = counted(waiting, "row")
        yield _("Not sent: {rows}, which can be sent safely: {command}", rows=rows, command=command("continue"))
    elif ended := found.counts[RowOutcome.NOT_SENT]:
        again = command("", "--refused-too")
        rows = counted(ended, "row")
        yield _("Not sent: {rows}, which can be sent safely: {command}", rows=rows, command=again)
    elif found.is_finished and not is_new:
        yield _("This run is finished. A new one: {command}", command=command("", "--run", "NAME"))


def _advice_of_pause(pause: Pause, missing: Decimal | None) -> Iterator[str]:
    if pause.because.startswith(OUT_OF_CREDIT):
        if missing is None:
            yield _("The points have run out, and the run pauses. Top up, and give the same command again.")
        else:
            points = counted(missing, "point")
            yield _(
                "The points have run out, and the run pauses: {points} more are needed. Top up, and give the same command again.",
                points=points,
            )
    else:
        yield _("The run pauses: {why}.", why=phrase(pause.because))


def _way_to_know(ending: Ending) -> str:
    """What can be done about unknown rows: ask the vendor, where it can be asked."""
    if ending.info.can(Capability.SETTLE) or ending.info.can(Capability.REPORTS):
        return _("Ask it: {command}", command=ending.command("settle"))
    vendor = ending.info.title
    return _("{vendor} cannot be asked: look at its web page before you send them again.", vendor=vendor)
