"""What ``sms campaign`` shows: before it sends, what that would take and cost, and at the end what became of it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sms_core.provider import Capability, ProviderInfo
from sms_core.serialize import to_data
from sms_core_cli.campaign import Campaign, Estimate, RowOutcome
from sms_core_cli.language import _, phrase
from sms_core_cli.output import cost_line, counted, note, say, show_json, show_table

ROWS_SHOWN = 6
"""How many rows' numbers stand beside a reason; the result file has them all."""

MINUTES_FROM = 120
"""Seconds; from here on nobody wants to hear seconds."""

TITLES = {
    RowOutcome.ACCEPTED: "accepted",
    RowOutcome.REFUSED: "refused by the vendor",
    RowOutcome.UNKNOWN: "unknown",
    RowOutcome.NOT_SENT: "not sent",
    RowOutcome.REFUSED_HERE: "refused here",
    RowOutcome.DUPLICATE: "repeats another row",
}
_OUTCOME_ORDER = {outcome: rank for rank, outcome in enumerate(RowOutcome)}

Reason = tuple[RowOutcome, str, list[int]]
"""An outcome, why rows have it, and the numbers of these rows."""


def show_plan(campaign: Campaign, info: ProviderInfo, *, concurrency: int, as_json: bool) -> None:
    """What is to be sent, what it would cost, how long it would take, and which rows will not go."""
    estimate = campaign.estimate
    duration = estimate.duration(concurrency)
    if as_json:
        rows = _rows(campaign)
        shown = {**to_data(estimate), "seconds": duration.total_seconds()}
        show_json({"dry_run": True, "provider": info.name, "estimate": shown, **rows, "notes": campaign.notes})
        return
    for line in campaign.notes:
        note(_("Note: {note}.", note=phrase(line)))
    show_table(
        ["rows", "to send", "requests", "segments", "points"],
        [(len(campaign.table.rows), estimate.messages, estimate.requests, estimate.segments, estimate.points)],
        title=info.title,
    )
    _show_segments(estimate)
    _show_reasons(campaign)
    _show_examples(estimate)
    for warning in estimate.warnings:
        say(_("Note: {note}.", note=phrase(warning)))
    if estimate.messages:
        say(
            _(
                "Sending takes about {duration}, with {count} requests side by side of a second each.",
                duration=_rounded(duration),
                count=concurrency,
            )
        )


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
            cost += f", {counted(example.points, 'point')}"
        why = _(" and ").join(map(_, example.why))
        say(_("Row {row}, the {why} text ({cost}):", row=example.row, why=why, cost=cost))
        say(f"  {example.text}")


def show_end(
    campaign: Campaign, info: ProviderInfo, file: Path, results: Path, *, stopped: bool, as_json: bool
) -> None:
    """What became of the rows, and what can be done about those that are open."""
    counts = campaign.counts
    if as_json:
        show_json(
            {
                **_rows(campaign),
                "cost": campaign.cost,
                "balance": campaign.balance,
                "interrupted": campaign.interrupted,
                "results": str(results),
                "notes": campaign.notes,
            }
        )
        return
    show_table(
        ["outcome", "rows"], [(_(TITLES[outcome]), counts[outcome]) for outcome in RowOutcome if counts[outcome]]
    )
    _show_reasons(campaign)
    statuses = Counter(_(result.status.value) for result in campaign.results if result.status is not None)
    if statuses:
        show_table(["delivery", "rows"], statuses.most_common())
    if campaign.cost is not None:
        say(cost_line(campaign.cost, campaign.balance))
    say(_("Every row's outcome is in {file}.", file=results))
    for line in _advice(campaign, info, file, results, stopped=stopped):
        note(line)


def _reasons(campaign: Campaign) -> list[Reason]:
    """Why rows were not accepted, the most frequent reason of each outcome first.

    Rows that repeat others share one line, for each has a reason of its own. Rows that are not sent yet have none.
    """
    found: dict[tuple[RowOutcome, str], list[int]] = {}
    for row, result in zip(campaign.table.rows, campaign.results, strict=True):
        if result.outcome is RowOutcome.ACCEPTED or (result.outcome is RowOutcome.NOT_SENT and not result.error):
            continue
        reason = "number and text" if result.outcome is RowOutcome.DUPLICATE else result.error
        found.setdefault((result.outcome, reason), []).append(row.number)
    reasons = [(outcome, reason, rows) for (outcome, reason), rows in found.items()]
    return sorted(reasons, key=lambda reason: (_OUTCOME_ORDER[reason[0]], -len(reason[2])))


def _show_reasons(campaign: Campaign) -> None:
    rows = [
        (_(TITLES[outcome]), phrase(reason), len(rows), _listed(rows)) for outcome, reason, rows in _reasons(campaign)
    ]
    if rows:
        show_table(["", "why", "rows", "which"], rows)


def _rows(campaign: Campaign) -> dict[str, Any]:
    counts = campaign.counts
    return {
        "rows": len(campaign.table.rows),
        "outcomes": {outcome.value: counts[outcome] for outcome in RowOutcome},
        "not_accepted": [
            {"outcome": to_data(outcome), "reason": reason, "rows": rows}
            for outcome, reason, rows in _reasons(campaign)
        ],
    }


def _listed(rows: list[int]) -> str:
    shown = ", ".join(str(row) for row in rows[:ROWS_SHOWN])
    return f"{shown}, …" if len(rows) > ROWS_SHOWN else shown


def _advice(campaign: Campaign, info: ProviderInfo, file: Path, results: Path, *, stopped: bool) -> Iterator[str]:
    counts = campaign.counts
    again = f"sms campaign {shlex.quote(str(file))} --resume {shlex.quote(str(results))}"
    if stopped:
        accepted, left = counts[RowOutcome.ACCEPTED], counts[RowOutcome.NOT_SENT]
        yield _("Interrupted: {rows} accepted, {left} not sent.", rows=counted(accepted, "row"), left=left)
    if unknown := counts[RowOutcome.UNKNOWN]:
        rows, way = counted(unknown, "row"), _way_to_know(campaign, info, again)
        yield _("Unknown: {rows}, which the vendor may have taken. {way}", rows=rows, way=way)
    if not_sent := counts[RowOutcome.NOT_SENT]:
        rows = counted(not_sent, "row")
        yield _("Not sent: {rows}, which can be sent safely: {command}", rows=rows, command=again)


def _way_to_know(campaign: Campaign, info: ProviderInfo, again: str) -> str:
    """What can be done about unknown rows: ask the vendor, where it can be asked."""
    unknown = [result for result in campaign.results if result.outcome is RowOutcome.UNKNOWN]
    in_a_batch = any(result.batch_id for result in unknown)
    if info.can(Capability.SETTLE) or (in_a_batch and info.can(Capability.REPORTS)):
        return _("Ask it: {command}", command=f"{again} --settle")
    return _("{vendor} cannot be asked: look at its web page before you send them again.", vendor=info.title)
