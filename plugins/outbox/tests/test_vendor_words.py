"""What a vendor says is stored, whatever characters it holds: else its account would send nothing any more."""

from __future__ import annotations

import pytest
from outbox_vendor import Vendor

from sms_core import DeliveryReport, DeliveryStatus, Message
from sms_core_outbox import Outbox, State

A, B = "+886900000001", "+886900000002"
ODD = ['{"a",NULL}', "a\\b\\\\", "NULL", "';--", "%s", '"', "批次🙂"]
UNSTORABLE = {"a\0b": "a\N{REPLACEMENT CHARACTER}b", "b" * 300: "b" * 200}
"""What no column takes, and what is stored in its place."""


@pytest.mark.parametrize(("batch", "stored"), [*zip(ODD, ODD, strict=True), *UNSTORABLE.items()])
def test_any_batch_id_is_stored_and_reports_find_it(outbox: Outbox, vendor: Vendor, batch: str, stored: str) -> None:
    outbox.put(Message("hi", [A, B]), key="k")
    vendor.answers = [f"OK {batch}"]
    assert outbox.drain().accepted == 2
    assert [row.batch_id for row in outbox.find(batch=stored)] == [stored, stored]
    outbox.record(DeliveryReport(A, DeliveryStatus.DELIVERED, batch), account="main")
    assert [row.status for row in outbox.find(number=A)] == [DeliveryStatus.DELIVERED]


@pytest.mark.parametrize("words", ['{"NULL"}\\', "a\0b"])
def test_any_words_of_a_refusal_are_stored(outbox: Outbox, vendor: Vendor, words: str) -> None:
    outbox.put(Message("hi", [A, B]), key="k")
    vendor.answers = [f"NO text {words}"]
    assert outbox.drain().refused == 2
    assert {(row.state, row.error.vendor_text) for row in outbox.get("k").rows} == {(State.REFUSED, words)}
