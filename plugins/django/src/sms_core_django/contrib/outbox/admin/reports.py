"""What vendors reported of a row, as its page shows it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sms_core import DeliveryReport
from sms_core.masking import mask_numbers
from sms_core.serialize import from_json
from sms_core_django.contrib.outbox.models import STATUSES, Report, Row, moment


def carriers(row: Row) -> list[str]:
    """Where it may go: its account, or the vendors of it in their order."""
    return list(json.loads(row.route)) if row.route else [row.account]


def reports_of(row: Row) -> Iterable[dict[str, Any]]:
    """What the vendor reported of a row, in the order of its coming. Its words are shown without numbers."""
    found = Report.objects.using(row._state.db).filter(account__in=carriers(row), number_hash=row.number_hash)
    for report in found.order_by("received_at", "id"):
        if report.batch_id and row.batch_id and report.batch_id != row.batch_id:
            continue
        if report.reference and report.reference != row.reference:
            continue
        told = from_json(report.data, DeliveryReport)
        yield {
            "at": moment(report.received_at),
            "status": STATUSES[told.status],
            "done_at": told.done_at,
            "batch_id": report.batch_id,
            "words": mask_numbers(f"{told.vendor_code} {told.vendor_text}".strip()),
        }
