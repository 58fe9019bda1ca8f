"""What ``manage.py sms_outbox`` shows of an outbox, as tables, lines and data: what the command ``sms outbox`` shows too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from sms_core_outbox.model import DrainResult, Row, SettleResult, Stats

RUNS = "the worker runs"
HAS_ENDED = "the worker has ended"


@frozen
class Table:
    """Some rows under their headings."""

    headings: Sequence[str]
    rows: Sequence[Sequence[object]]


def stats_data(found: Stats) -> dict[str, Any]:
    """The overview as JSON has it."""
    return {
        "counts": {state.value: count for state, count in found.counts.items()},
        "lanes": found.lanes,
        "oldest_unknown": found.oldest_unknown,
        "paused": dict(found.paused),
        "doubles": found.doubles,
        "workers": found.workers,
        "resting": dict(found.resting),
    }


def stats_tables(found: Stats) -> tuple[Table, Table]:
    """Rows by state, and the lanes."""
    lanes = [(lane.account, lane.purpose, lane.priority, lane.depth, lane.oldest) for lane in found.lanes]
    return (
        Table(["state", "rows"], [(state.value, count) for state, count in found.counts.items()]),
        Table(["account", "purpose", "priority", "ready", "oldest"], lanes),
    )


def stats_lines(found: Stats) -> list[str]:
    """Who pauses, who rests, and the others in one line."""
    lines = [f"Account {name} pauses: {because}" for name, because in found.paused.items()]
    for name, until in found.resting.items():
        lines.append(f"Nothing goes to {name} before {until:%H:%M} UTC: it could not be reached.")
    unknown = found.oldest_unknown or "none"
    doubles, workers = counted(found.doubles, "double"), counted(len(found.workers), "worker")
    return [*lines, f"{doubles}; oldest unknown: {unknown}; {workers}."]


def rows_table(rows: Iterable[Row]) -> Table:
    """Rows without their histories."""
    headings = ["id", "key", "number", "state", "batch", "status", "error"]
    return Table(
        headings,
        [
            (row.id, row.key, row.number, row.state.value, row.batch_id, row.status and row.status.value, row.error)
            for row in rows
        ],
    )


def drained(result: DrainResult) -> str:
    """What a pass came to."""
    return f"{counted(result.claimed, 'row')}: {result.accepted} accepted, {result.refused} refused, {result.unknown} unknown."


def settled(result: SettleResult) -> str:
    """What settling came to."""
    rows = counted(result.asked, "row")
    return f"{rows}: {result.accepted} accepted, {result.ready} wait again, {result.unknown} still unknown."


def blanked(count: int) -> str:
    """What forgetting came to."""
    return f"{counted(count, 'row')} blanked"


def counted(count: int, what: str) -> str:
    """So many of something, in English."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def sentence(line: str) -> str:
    """A line as people read it."""
    return f"{line[0].upper()}{line[1:]}."
