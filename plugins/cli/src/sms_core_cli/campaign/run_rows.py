"""Each row of a run with what is known of it, from the outbox's row, its history and its reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import select

from sms_core.errors import SmsError
from sms_core.model import DeliveryReport, DeliveryStatus
from sms_core.serialize import from_json
from sms_core_cli.campaign.kept import Kept
from sms_core_cli.campaign.overview import OUTCOMES, Pause, pause_of
from sms_core_cli.campaign.row_results import RowOutcome, RowResult
from sms_core_cli.campaign.schema import event, history, row, sent
from sms_core_outbox import State

HANDED_OUT = "may have been handed to the vendor, whose answer is not known yet"
_OF_THE_OUTBOX = ("state", "batch_id", "reference", "error", "claimed_at", "status", "number_hash")
_WITHOUT_ANSWER = (State.UNKNOWN.value, State.NOT_SENT.value, State.CANCELLED.value)


@frozen
class RunRow:
    """A row of the file and what is known of it. ``number`` is its number in a spreadsheet."""

    number: int
    cells: tuple[str, ...]
    result: RowResult


def rows_of(kept: Kept) -> Iterator[RunRow]:
    """Each row of the file in its order, with what is known of it."""
    columns = select(
        row,
        *(sent.c[name].label(f"sent_{name}") for name in _OF_THE_OUTBOX),
    ).select_from(row.outerjoin(sent, row.c.outbox_row == sent.c.id))
    pause = pause_of(kept)
    for page in kept.pages(columns):
        told = _told_by_history(kept, page)
        reports = _reports(kept, page)
        for entry in page:
            result = _result(entry, told.get(entry.outbox_row, ""), reports.get(entry.outbox_row), pause)
            yield RunRow(entry.number, tuple(json.loads(entry.cells)), result)


def _told_by_history(kept: Kept, page: Sequence[Any]) -> dict[int, str]:
    """Why rows are unknown or ended unsent, where no answer said it: the last word of their histories."""
    ids = [entry.outbox_row for entry in page if entry.sent_state in _WITHOUT_ANSWER and not entry.sent_error]
    if not ids:
        return {}
    question = select(history.c.row_id, history.c.why).where(history.c.row_id.in_(ids)).order_by(history.c.id)
    with kept.store.reading() as connection:
        return {entry.row_id: entry.why for entry in connection.execute(question)}


def _reports(kept: Kept, page: Sequence[Any]) -> dict[int, DeliveryReport]:
    """The report that gave each row its status."""
    reported = [entry for entry in page if entry.sent_status is not None]
    if not reported:
        return {}
    question = select(event.c.number_hash, event.c.data).where(
        event.c.account == kept.account,
        event.c.number_hash.in_({entry.sent_number_hash for entry in reported}),
    )
    by_number: dict[str, list[DeliveryReport]] = {}
    with kept.store.reading() as connection:
        for found in connection.execute(question.order_by(event.c.id)):
            by_number.setdefault(found.number_hash, []).append(from_json(found.data, DeliveryReport))
    reports = {}
    for entry in reported:
        for report in by_number.get(entry.sent_number_hash, ()):
            is_its_own = report.batch_id == entry.sent_batch_id or report.reference == entry.sent_reference
            if is_its_own and report.status.value == entry.sent_status:
                reports[entry.outbox_row] = report
    return reports


def _result(entry: Any, told: str, report: DeliveryReport | None, pause: Pause | None) -> RowResult:
    if entry.sent_state is None:
        return RowResult(RowOutcome(entry.outcome), reference=entry.reference, error=entry.error)
    state = State(entry.sent_state)
    error = told
    if entry.sent_error:
        error = str(from_json(entry.sent_error, SmsError))
    if state is State.SENDING:
        error = HANDED_OUT
    elif state is State.READY and pause is not None:
        error = error or f"the run pauses: {pause.because}"
    elif state is State.ACCEPTED:
        error = ""
    sent_at = None
    if OUTCOMES[state] is not RowOutcome.NOT_SENT and entry.sent_claimed_at is not None:
        sent_at = datetime.fromtimestamp(entry.sent_claimed_at / 1_000_000).astimezone()
    return RowResult(
        outcome=OUTCOMES[state],
        batch_id=entry.sent_batch_id or "",
        reference=entry.reference,
        error=error,
        sent_at=sent_at,
        status=None if entry.sent_status is None else DeliveryStatus(entry.sent_status),
        vendor_code=report.vendor_code if report else "",
        vendor_text=report.vendor_text if report else "",
        done_at=report.done_at if report else None,
    )
