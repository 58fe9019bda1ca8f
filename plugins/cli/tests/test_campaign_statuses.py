"""A row has the status that `sms_core.tracking` gives its message, and the reports that belong to it there."""

from __future__ import annotations

import itertools
import threading

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.cli.tests.vendor import Vendor
from sms_core import DeliveryReport, DeliveryStatus, RecipientOutcome, SendResult
from sms_core.provider import Send
from sms_core.tracking import STATUS_ORDER, Key, fold
from sms_core_cli.campaign import Campaign, RowOutcome, RowResult, Table, plan_campaign, read_table

PAIRS = list(itertools.permutations(DeliveryStatus, 2))
A, B = "+886900000001", "+886900000002"
HEADER = "number,text,reference"
PATIENCE = 20.0


def table_of(*rows: str) -> Table:
    return read_table("\n".join([HEADER, *rows]).encode())


def sent(*rows: str, recipients: int = 100) -> tuple[Campaign, list[SendResult]]:
    """A campaign that was sent, and what the vendor answered."""
    with Vendor(recipients=recipients).connect() as client:
        campaign = plan_campaign(client, table_of(*rows))
        results = [done.result for done in campaign.send(client, concurrency=1) if done.result is not None]
    return campaign, results


def check_as_in_tracking(campaign: Campaign, results: list[SendResult], reports: list[DeliveryReport]) -> None:
    """Each row is what tracking makes of the same facts."""
    states = fold(results, reports)
    rows = [row for result in results for row in result.outcomes]
    for row in rows:
        result = next(result for result in campaign.results if result.reference == row.reference)
        state = states[Key(row.number, row.reference)]
        assert state.outcome is not None
        assert result.outcome is RowOutcome.of(state.outcome)
        assert (result.status, result.batch_id) == (state.status, state.batch_id or "")
        assert (result.vendor_code, result.vendor_text) == (state.vendor_code, state.vendor_text)


def test_all_ordered_pairs_of_statuses_come_to_the_status_that_tracking_gives() -> None:
    """132 rows, each with two reports that contradict each other or come in the wrong order."""
    assert len(PAIRS) == 132
    campaign, results = sent(*(f"0900000{number:03},a,r{number}" for number in range(132)))
    rows: list[RecipientOutcome] = [row for result in results for row in result.outcomes]
    for row, pair in zip(rows, PAIRS, strict=True):
        reports = [DeliveryReport(row.number, status, row.batch_id or "", vendor_code=status.value) for status in pair]
        for report in reports:
            assert campaign.note(report)
        (state,) = fold([SendResult((row,))], reports).values()
        result = campaign.results[rows.index(row)]
        later = max(pair, key=STATUS_ORDER.index)
        assert (result.status, result.vendor_code) == (state.status, state.vendor_code) == (later, later.value), pair


@pytest.mark.parametrize("first", DeliveryStatus)
def test_what_an_earlier_run_had_from_its_reports_folds_in_the_same_way(first: DeliveryStatus) -> None:
    before = RowResult(RowOutcome.ACCEPTED, "b1", "r", status=first, vendor_code=first.value)
    with Vendor().connect() as client:
        for second in DeliveryStatus:
            campaign = plan_campaign(client, table_of("0900000001,a,r"), earlier=[before])
            assert campaign.note(DeliveryReport(A, second, "b1", vendor_code=second.value))
            later = max((first, second), key=STATUS_ORDER.index)
            assert (campaign.results[0].status, campaign.results[0].vendor_code) == (later, later.value)


def test_a_report_goes_to_the_row_that_tracking_says() -> None:
    """Two texts to one number in one batch, one in another batch, and a reference that a vendor makes up, too."""
    campaign, results = sent("0900000001,a,1", "0900000001,b,2", "0900000002,a,3", recipients=100)
    batch = results[0].batches[0]
    delivered = DeliveryReport(A, DeliveryStatus.DELIVERED, batch, "2")
    assert campaign.note(delivered)
    unclear = attrs.evolve(delivered, reference="7")  # which of the two texts is not said
    assert not campaign.note(unclear)
    made_up = DeliveryReport(B, DeliveryStatus.EXPIRED, batch, "1")
    assert campaign.note(made_up)
    of_another_batch = DeliveryReport(A, DeliveryStatus.DELIVERED, "other", "1")
    assert not campaign.note(of_another_batch)
    of_nobody = DeliveryReport("+886900000009", DeliveryStatus.DELIVERED, batch, "1")
    assert not campaign.note(of_nobody)
    statuses = [result.status for result in campaign.results]
    assert statuses == [None, DeliveryStatus.DELIVERED, DeliveryStatus.EXPIRED]
    check_as_in_tracking(campaign, results, [delivered, unclear, made_up, of_another_batch, of_nobody])


def test_a_report_moves_to_the_row_whose_batch_it_turns_out_to_be() -> None:
    """The vendor makes up references, and its ``1`` looks like that of a row whose answer is still awaited."""
    noted = threading.Event()
    before: list[RowOutcome] = []

    def note(operation: Send) -> None:
        if operation.one_text == "b":
            assert vendor.exchange.wait_for(lambda: bool(vendor.exchange.accepted), timeout=PATIENCE)
            batch = vendor.exchange.accepted[0].batch_id
            assert campaign.note(DeliveryReport(A, DeliveryStatus.DELIVERED, batch, "1"))
            before.extend(result.outcome for result in campaign.results)
            noted.set()

    def wait(operation: Send) -> None:
        if operation.one_text == "a":
            assert noted.wait(PATIENCE)

    vendor = Vendor(recipients=1, before_send=note, after_send=wait)
    with vendor.connect() as client:
        campaign = plan_campaign(client, table_of("0900000001,a,9", "0900000001,b,1"))
        errors = [done.error for done in campaign.send(client, concurrency=2)]
    assert errors == [None, None]
    assert before == [RowOutcome.UNKNOWN, RowOutcome.ACCEPTED]
    assert [result.status for result in campaign.results] == [DeliveryStatus.DELIVERED, None]


statuses = st.sampled_from(DeliveryStatus)
reports = st.builds(
    DeliveryReport,
    number=st.sampled_from([A, A, B, "+886900000003"]),
    status=statuses,
    batch_id=st.sampled_from(
        ["0", "1", "2", "", "elsewhere"]
    ),  # a digit stands for the batch of the request so counted
    reference=st.sampled_from(["", "1", "2", "r1", "r2", "r3"]),
    vendor_code=st.sampled_from(["", "100"]),
    key=st.sampled_from(["", "", "k1"]),
)


@settings(deadline=None)
@given(st.lists(reports, max_size=8), st.lists(reports, max_size=3), st.sampled_from([1, 2, 4]))
def test_whatever_is_reported_and_when_rows_are_as_in_tracking(
    late: list[DeliveryReport], early: list[DeliveryReport], recipients: int
) -> None:
    rows = ("0900000001,a,r1", "0900000001,b,2", "0900000002,a,1", "0900000002,c,r3")
    with Vendor(recipients=recipients).connect() as client:
        campaign = plan_campaign(client, table_of(*rows))
        early = [attrs.evolve(report, batch_id="elsewhere") for report in early]
        for report in early:
            campaign.note(report)
        results = [done.result for done in campaign.send(client, concurrency=1) if done.result is not None]
    batches = [batch for result in results for batch in result.batches]
    late = [attrs.evolve(report, batch_id=_batch(report.batch_id, batches)) for report in late]
    for report in late:
        campaign.note(report)
    check_as_in_tracking(campaign, results, [*early, *late])


def _batch(batch: str, batches: list[str]) -> str:
    return batches[int(batch) % len(batches)] if batch.isdigit() else batch
