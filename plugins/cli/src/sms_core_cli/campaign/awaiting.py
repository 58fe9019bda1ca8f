"""The delivery reports that a run still awaits, and how it asks for them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from sqlalchemy import ColumnElement, or_, select

from sms_core.client import Client
from sms_core.model import DeliveryStatus
from sms_core_cli.campaign.kept import PAGE, Kept
from sms_core_cli.campaign.schema import sent
from sms_core_outbox import State

BATCHES = 100
"""Batches that are asked about at once: of a long list not all numbers fit into memory."""


def fetch_reports(kept: Kept, client: Client) -> None:
    """Ask the vendor for the reports of every batch with a row that has no final one. Raises as reads do."""
    for awaited in _awaited(kept):
        reports = iter(client.reports(awaited))
        while part := list(itertools.islice(reports, PAGE)):
            with kept.store.writing() as connection:
                for report in part:
                    kept.store.outbox.record(report, account=kept.account, connection=connection)


def awaits_reports(kept: Kept) -> bool:
    """Whether an accepted row has no final status yet."""
    with kept.store.reading() as connection:
        return connection.execute(select(sent.c.id).where(*_is_awaited(kept)).limit(1)).first() is not None


def _is_awaited(kept: Kept) -> tuple[ColumnElement[bool], ...]:
    final = [status.value for status in DeliveryStatus if status.is_final]
    without = or_(sent.c.status.is_(None), sent.c.status.not_in(final))
    return sent.c.account == kept.account, sent.c.state == State.ACCEPTED.value, without


def _awaited(kept: Kept) -> Iterator[dict[str, list[str]]]:
    """The batches of the rows that await a report, each with the numbers of all its rows, a few batches at a time."""
    after = ""
    while True:
        batches = (
            select(sent.c.batch_id)
            .where(*_is_awaited(kept), sent.c.batch_id > after)
            .distinct()
            .order_by(sent.c.batch_id)
            .limit(BATCHES)
        )
        question = select(sent.c.batch_id, sent.c.number).where(sent.c.account == kept.account).order_by(sent.c.id)
        awaited: dict[str, dict[str, None]] = {}
        with kept.store.reading() as connection:
            found = connection.execute(batches).scalars().all()
            for entry in connection.execute(question.where(sent.c.batch_id.in_(found))):
                awaited.setdefault(entry.batch_id, {})[entry.number] = None
        if not found:
            return
        yield {batch: list(numbers) for batch, numbers in awaited.items()}
        after = found[-1]
