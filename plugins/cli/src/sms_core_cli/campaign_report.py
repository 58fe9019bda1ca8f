"""What ``sms campaign`` shows: before it sends what that would come to, and at the end what became of it."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

from sms_core.provider import ProviderInfo
from sms_core.serialize import to_data
from sms_core_cli.campaign import Campaign, RowOutcome
from sms_core_cli.output import note, say, show_json, show_table

ROWS_SHOWN = 6
"""How many rows' numbers stand beside a reason; the result file has them all."""

TITLES = {
    RowOutcome.ACCEPTED: "accepted",
    RowOutcome.REFUSED: "refused by the vendor",
    RowOutcome.UNKNOWN: "unknown",
    RowOutcome.NOT_SENT: "not sent",
    RowOutcome.REFUSED_HERE: "refused here",
    RowOutcome.DUPLICATE: "repeats another row",
}


def reasons(campaign: Campaign) -> list[tuple[RowOutcome, str, list[int]]]:
    """Why rows were not accepted: outcome, reason, and the numbers of the rows; the most frequent first.

    Rows that repeat others share one line, for each has a reason of its own.
    """
    found: dict[tuple[RowOutcome, str], list[int]] = {}
    for row, standing in zip(campaign.table.rows, campaign.standings, strict=True):
        if standing.outcome is not RowOutcome.ACCEPTED:
            alike = "number and text" if standing.outcome is RowOutcome.DUPLICATE else standing.error
            found.setdefault((standing.outcome, alike), []).append(row.number)
    ordered = sorted(found.items(), key=lambda item: (list(RowOutcome).index(item[0][0]), -len(item[1])))
    return [(outcome, reason, rows) for (outcome, reason), rows in ordered]


def show_reasons(campaign: Campaign) -> None:
    """The table of `reasons`, if there are any."""
    rows = [
        (TITLES[outcome], reason, len(numbers), _listed(numbers))
        for outcome, reason, numbers in reasons(campaign)
        if outcome is not RowOutcome.NOT_SENT or reason
    ]
    if rows:
        show_table(["", "why", "rows", "which"], rows)


def show_plan(campaign: Campaign, info: ProviderInfo, *, as_json: bool) -> None:
    """What is to be sent, what it would cost, and which rows will not go."""
    estimate = campaign.estimate
    if as_json:
        show_json(
            {"dry_run": True, "provider": info.name, "estimate": estimate, **_rows(campaign), "notes": campaign.notes}
        )
        return
    for line in campaign.notes:
        note(f"Mind: {line}.")
    show_table(
        ["rows", "to send", "requests", "segments", "points"],
        [(len(campaign.table.rows), estimate.messages, estimate.requests, estimate.segments, estimate.points)],
        title=info.title,
    )
    show_reasons(campaign)
    for warning in estimate.warnings:
        say(f"Mind: {warning}.")


def show_end(campaign: Campaign, file: Path, results: Path, *, stopped: bool, as_json: bool) -> None:
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
    show_table(["outcome", "rows"], [(TITLES[outcome], counts[outcome]) for outcome in RowOutcome if counts[outcome]])
    show_reasons(campaign)
    statuses = Counter(one.status.value for one in campaign.standings if one.status is not None)
    if statuses:
        show_table(["delivery", "rows"], statuses.most_common())
    if campaign.cost is not None:
        say(f"Cost {campaign.cost} points" + ("" if campaign.balance is None else f", {campaign.balance} left") + ".")
    say(f"Every row's outcome is in {results}.")
    for line in _advice(campaign, file, results, stopped=stopped):
        note(line)


def _advice(campaign: Campaign, file: Path, results: Path, *, stopped: bool) -> list[str]:
    counts = campaign.counts
    again = f"sms campaign {shlex.quote(str(file))} --resume {shlex.quote(str(results))}"
    lines = []
    if stopped:
        accepted = counts[RowOutcome.ACCEPTED]
        lines.append(f"Interrupted: {accepted} rows were accepted, {counts[RowOutcome.NOT_SENT]} were not sent.")
    if unknown := counts[RowOutcome.UNKNOWN]:
        lines.append(f"{unknown} rows are unknown: the vendor may have taken them. Ask it: {again} --settle")
    if not_sent := counts[RowOutcome.NOT_SENT]:
        lines.append(f"{not_sent} rows can be sent safely: {again}")
    return lines


def _rows(campaign: Campaign) -> dict[str, Any]:
    counts = campaign.counts
    return {
        "rows": len(campaign.table.rows),
        "outcomes": {outcome.value: counts[outcome] for outcome in RowOutcome},
        "not_accepted": [
            {"outcome": to_data(outcome), "reason": reason, "rows": rows}
            for outcome, reason, rows in reasons(campaign)
            if outcome is not RowOutcome.NOT_SENT or reason
        ],
    }


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:ROWS_SHOWN])
    return f"{shown}, …" if len(numbers) > ROWS_SHOWN else shown
