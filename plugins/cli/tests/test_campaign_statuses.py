"""A row has the status that `sms_core.tracking` gives its message, and the report that gave it."""

from __future__ import annotations

import itertools
from pathlib import Path

import attrs

from plugins.cli.tests.campaigns import campaigns, table
from plugins.cli.tests.vendor import Vendor
from sms_core import DeliveryReport, DeliveryStatus
from sms_core.tracking import STATUS_ORDER

PAIRS = list(itertools.permutations(DeliveryStatus, 2))
A, B = "+886900000001", "+886900000002"
HEADER = "number,text,reference"


def test_all_ordered_pairs_of_statuses_come_to_the_status_that_tracking_gives(tmp_path: Path) -> None:
    """132 rows, each with two reports that contradict each other or come in the wrong order."""
    assert len(PAIRS) == 132
    with Vendor().connect() as client, campaigns(tmp_path, client) as campaign:
        ran = campaign.send(table(*(f"0900000{number:03},a,r{number}" for number in range(132)), header=HEADER))
        before = ran.results
        for number, (result, pair) in enumerate(zip(before, PAIRS, strict=True)):
            for status in pair:
                ran.run.record(
                    DeliveryReport(f"+886900000{number:03}", status, result.batch_id, vendor_code=status.value)
                )
        for result, pair in zip(ran.results, PAIRS, strict=True):
            later = max(pair, key=STATUS_ORDER.index)
            assert (result.status, result.vendor_code) == (later, later.value), pair


def test_a_report_goes_to_the_row_that_tracking_says(tmp_path: Path) -> None:
    """Two texts to one number, and a reference that a vendor makes up, too."""
    vendor = Vendor(recipients=100)
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        ran = campaign.send(table("0900000001,a,1", "0900000001,b,2", "0900000002,a,3", header=HEADER))
        first, second, third = (result.batch_id for result in ran.results)
        assert first != second  # no request holds a number twice
        delivered = DeliveryReport(A, DeliveryStatus.DELIVERED, second, "2")
        for report in (
            delivered,
            DeliveryReport(B, DeliveryStatus.EXPIRED, third, "1", vendor_text="too late"),
            attrs.evolve(delivered, batch_id="other", reference="1"),
            attrs.evolve(delivered, number="+886900000009"),
        ):
            ran.run.record(report)
        results = ran.results
    assert [result.status for result in results] == [None, DeliveryStatus.DELIVERED, DeliveryStatus.EXPIRED]
    assert results[2].vendor_text == "too late"
