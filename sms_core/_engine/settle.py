"""Turn an unknown outcome into a known one, as far as the evidence goes and no further.

Two witnesses can be asked. Where the vendor named the batch but not whom in it it served, the batch's delivery
reports tell. Where no answer came, a vendor may tell which numbers got this text lately (`FindSent`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

import attrs

from sms_core._engine.outcomes import with_outcome
from sms_core._engine.plan import make_plan
from sms_core.errors import InsufficientCredit, TransportError
from sms_core.model import DeliveryReport, DeliveryStatus, Message, Outcome, RecipientOutcome, SendResult
from sms_core.provider.operations import Capability, Destination, FindSent, GetReports, Sightings
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Flow

MEMORY = timedelta(hours=24)
"""How long a vendor remembers a text (EVERY8D HTTP 2.1, 2.5.1). Afterwards its not knowing one proves nothing."""
PATIENCE = timedelta(minutes=2)
"""After a time-out the vendor may still be at work; before this has passed, its not knowing the text proves nothing."""


def settle(provider: Provider, result: SendResult, known_batches: Collection[str], now: datetime) -> Flow[SendResult]:
    """Ask about each unknown recipient. Returns the result with the rows that became known; raises as reads do."""
    unknown = {row.reference: row for row in result.outcomes if row.outcome is Outcome.UNKNOWN}
    for batch in dict.fromkeys(row.batch_id for row in unknown.values() if row.batch_id):
        if provider.info.can(Capability.REPORTS):
            mms = result.message is not None and result.message.media is not None
            numbers = tuple(row.number for row in result.outcomes if row.batch_id == batch)
            reports = yield from all_reports(provider, GetReports(batch, mms=mms, numbers=numbers))
            result = with_outcome(result, _told_by_reports(result, batch, reports))
    message = result.message
    if message is None or message.media is not None or not provider.info.can(Capability.SETTLE):
        return result
    for text, destinations in _by_text(provider, message, unknown).items():
        for start in range(0, len(destinations), provider.info.limits.recipients):
            chunk = destinations[start : start + provider.info.limits.recipients]
            question = FindSent(message, text, tuple(one.number for one in chunk), result.sent_at)
            sightings = yield from provider.perform(question)
            rows = [unknown[one.reference] for one in chunk]
            told = (_told_by_sighting(row, sightings, known_batches, result, now) for row in rows)
            result = with_outcome(result, {row.reference: row for row in told})
    return result


def all_reports(provider: Provider, operation: GetReports) -> Flow[list[DeliveryReport]]:
    """Every page of a batch's reports, from this one on."""
    reports: list[DeliveryReport] = []
    while True:
        page = yield from provider.perform(operation)
        reports.extend(page.rows)
        if not page.has_more:
            return reports
        operation = operation.next_page()


def _told_by_reports(result: SendResult, batch: str, reports: list[DeliveryReport]) -> dict[str, RecipientOutcome]:
    """A report proves that the batch has this recipient; one that says so, that credit was lacking for it.

    Some requests carry no reference, and then the vendor numbers the reports itself. Such a report counts by its
    number alone, if that number got one text only.
    """
    references = {row.reference for row in result.outcomes}
    texts_of = Counter(row.number for row in result.outcomes)
    own = {(one.number, one.reference): one for one in reports if one.reference in references}
    others = {one.number: one for one in reports if one.reference not in references and texts_of[one.number] == 1}
    told = {}
    for row in result.outcomes:
        report = own.get((row.number, row.reference)) or others.get(row.number)
        if row.outcome is not Outcome.UNKNOWN or row.batch_id != batch or report is None:
            continue
        if report.status is DeliveryStatus.NO_CREDIT:
            error = InsufficientCredit(code=report.vendor_code, vendor_text=report.vendor_text)
            told[row.reference] = attrs.evolve(row, outcome=Outcome.REFUSED, error=error)
        else:
            told[row.reference] = attrs.evolve(row, outcome=Outcome.ACCEPTED, error=None)
    return told


def _by_text(
    provider: Provider, message: Message, unknown: dict[str, RecipientOutcome]
) -> dict[str, list[Destination]]:
    groups: dict[str, list[Destination]] = {}
    for one in make_plan(message, provider.info, prepare=provider.prepare).destinations:
        if one.reference in unknown and unknown[one.reference].batch_id is None:
            groups.setdefault(one.text, []).append(one)
    return groups


def _told_by_sighting(
    row: RecipientOutcome, sightings: Sightings, known_batches: Collection[str], result: SendResult, now: datetime
) -> RecipientOutcome:
    batch = sightings.batches.get(row.number)
    if batch or (batch == "" and not known_batches):
        if batch not in known_batches:
            return attrs.evolve(row, outcome=Outcome.ACCEPTED, batch_id=batch or None, error=None)
    elif batch is not None:
        return row  # named, but perhaps for a batch that the caller knows from earlier
    if sightings.absence_is_proof and _is_fresh(row, result, now):
        # Not named; or named for an earlier batch of the caller's, by which the filter held this message back.
        return attrs.evolve(row, outcome=Outcome.NOT_SENT)
    return row


def _is_fresh(row: RecipientOutcome, result: SendResult, now: datetime) -> bool:
    if result.sent_at is None:
        return False
    still_at_work = isinstance(row.error, TransportError) and row.error.timed_out and now - result.sent_at < PATIENCE
    return now - result.sent_at < MEMORY and not still_at_work
