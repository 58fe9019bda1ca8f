"""What a campaign makes of its rows before and while they are sent: requests, rows left out, texts in several parts."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

import sms_core
from plugins.cli.tests.vendor import Vendor, in_words
from sms_core import (
    Capability,
    Client,
    DeliveryReport,
    DeliveryStatus,
    InvalidMessage,
    Message,
    RecipientRefused,
    Unsupported,
    hookimpl,
)
from sms_core.provider import Destination, Flow, Operation, Send
from sms_core_cli.campaign import Campaign, MessageDefaults, RowOutcome, RowResult, Table, plan_campaign, read_table
from sms_core_sandbox import Sandbox
from sms_core_smsgo import SendOptions as SmsgoOptions

ACCEPTED, REFUSED, UNKNOWN, NOT_SENT, REFUSED_HERE, DUPLICATE = RowOutcome
NO_PERSONAL_TEXTS = (Capability.PERSONAL,)
PATIENCE = 20.0
REFUSING_NUMBER = "909"
"""The end of numbers that refuse every message (`sms_core.testing.behaviour_rows`)."""


def table_of(*rows: str, header: str = "number,text") -> Table:
    return read_table("\n".join([header, *rows]).encode())


def send_all(campaign: Campaign, client: Client, concurrency: int = 4) -> list[tuple[int, ...]]:
    """Send it, and give the rows of each request."""
    return [done.places for done in campaign.send(client, concurrency=concurrency)]


def outcomes(campaign: Campaign) -> list[RowOutcome]:
    return [result.outcome for result in campaign.results]


class Together:
    """Middleware that lets no request go before so many are under way."""

    def __init__(self, count: int) -> None:
        self.barrier = threading.Barrier(count, timeout=PATIENCE)

    @hookimpl(wrapper=True)
    def sms_perform(self, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        flow = yield
        return self._wait(flow) if isinstance(operation, Send) else flow

    def _wait(self, flow: Flow[Any]) -> Flow[Any]:
        self.barrier.wait()
        return (yield from flow)


# Requests.


def test_where_a_vendor_carries_a_validity_with_one_text_only_the_texts_go_side_by_side() -> None:
    rows = [f"0900000{number:03},第{number}則" for number in range(12)]
    with Sandbox() as box, sms_core.connect(box.dsn("every8d-soap", retries=0), plugins=[Together(4)]) as client:
        box.faults.add("drop_after", match="sendMessage")
        campaign = plan_campaign(client, table_of(*rows), MessageDefaults(validity=timedelta(hours=4)))
        assert campaign.estimate.requests == 12
        done = list(campaign.send(client, concurrency=4))
        assert sorted(request.places for request in done) == [(place,) for place in range(12)]
        failed = [request for request in done if request.error is not None]
        assert len(failed) == 1
        unknown = failed[0].places[0]
        assert outcomes(campaign) == [UNKNOWN if place == unknown else ACCEPTED for place in range(12)]
        assert len(box.exchange.accepted) == 12
        assert len({result.batch_id for result in campaign.results}) == 12


def test_each_row_is_prepared_and_rendered_once() -> None:
    vendor = Vendor(recipients=5)
    with vendor.connect() as client:
        campaign = plan_campaign(client, table_of(*(f"0900000{number:03},{number}" for number in range(12))))
        send_all(campaign, client)
    assert len(vendor.prepared) == 12
    assert sorted(map(len, vendor.sent)) == [2, 5, 5]
    assert sorted(vendor.prepared) == sorted(reference for sent in vendor.sent for reference in sent)
    assert outcomes(campaign) == [ACCEPTED] * 12


def test_rows_that_the_vendor_refuses_are_found_among_many_others() -> None:
    def refuse(message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
        for place, recipient in enumerate(message.to):
            if recipient.text == "13":
                raise InvalidMessage(f"to[{place}].text", "is unlucky")
        return destinations

    vendor = Vendor(prepare=refuse)
    with vendor.connect() as client:
        campaign = plan_campaign(client, table_of(*(f"0900000{number:03},{number % 20}" for number in range(100))))
        send_all(campaign, client)
    refused = [place for place, result in enumerate(campaign.results) if result.outcome is REFUSED_HERE]
    assert refused == [13, 33, 53, 73, 93]
    assert campaign.results[13].error == "text: is unlucky"
    assert len(vendor.exchange.accepted) == campaign.estimate.messages == 95


def test_a_rule_about_several_texts_together_is_told_of_the_row_that_breaks_it() -> None:
    rows = ["0900000001,a", "0900000002,$$b", "0900000003,c"]
    with sms_core.connect("mitake://u:p@127.0.0.1:9?scheme=http") as client:
        campaign = plan_campaign(client, table_of(*rows))
    assert outcomes(campaign) == [NOT_SENT, REFUSED_HERE, NOT_SENT]
    assert campaign.results[1].error.startswith("text: has $$ in it")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("count", "recipients"), [(5_000, 1000), (1_000, 1)])
def test_a_large_table(count: int, recipients: int) -> None:
    rows = (f"09{number:08},您好 {number},row-{number}" for number in range(count))
    vendor = Vendor(recipients=recipients)
    with vendor.connect() as client:
        campaign = plan_campaign(client, table_of(*rows, "1,x,", header="number,text,reference"))
        assert campaign.estimate.messages == count
        assert sum(map(len, send_all(campaign, client))) == count
        campaign.fetch_reports(client)
    refused = sum(f"{number:03}".endswith(REFUSING_NUMBER) for number in range(count))
    assert campaign.counts == {ACCEPTED: count - refused, REFUSED: refused, REFUSED_HERE: 1}
    assert len(vendor.exchange.accepted) == count - refused
    assert sum(result.status is not None for result in campaign.results) == count - refused


def test_what_the_provider_cannot_do() -> None:
    missing = (Capability.PERSONAL, Capability.EMAIL, Capability.INTERNATIONAL, Capability.SUBJECT)
    rows = ["0900000001,a,x@y", "0900000002,b,", "+12025550100,a,", "0900000003,a,"]
    table = table_of(*rows, header="number,text,email")
    with Vendor(without=missing).connect() as client:
        campaign = plan_campaign(client, table)
        assert outcomes(campaign) == [NOT_SENT, NOT_SENT, REFUSED_HERE, NOT_SENT]
        assert campaign.results[2].error == "not with this provider: international numbers"
        assert campaign.estimate.requests == 2
        assert "takes no emails" in campaign.notes[0]
        with pytest.raises(Unsupported):
            plan_campaign(client, table, MessageDefaults(subject="x"))


@pytest.mark.parametrize("field", ["options.event", "send_at", "to"])
def test_what_the_vendor_refuses_of_all_rows_is_raised(field: str) -> None:
    def refuse(_: Message, __: tuple[Destination, ...]) -> tuple[Destination, ...]:
        raise InvalidMessage(field, "is wrong")

    with Vendor(prepare=refuse).connect() as client, pytest.raises(InvalidMessage, match="is wrong"):
        plan_campaign(client, table_of("0900000001,a", "0900000002,b"))


def test_without_a_row_to_send_there_is_nothing_to_estimate() -> None:
    with Vendor().connect() as client:
        campaign = plan_campaign(client, table_of("1,a", "0900000001,"))
        assert list(campaign.send(client)) == []
    estimate = campaign.estimate
    assert (estimate.messages, estimate.requests, estimate.segments, estimate.points) == (0, 0, 0, Decimal(0))
    assert outcomes(campaign) == [REFUSED_HERE, REFUSED_HERE]


def test_a_time_that_passes_before_its_request_goes_refuses_its_row_alone() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    moments = [now]
    vendor = Vendor()
    soon = (now + timedelta(minutes=5)).isoformat()
    table = table_of("0900000001,a,", f"0900000002,b,{soon}", header="number,text,send_at")
    with sms_core.testing.connect_provider(vendor, f"memory://{vendor.name}", clock=lambda: moments[-1]) as client:
        campaign = plan_campaign(client, table)
        moments.append(now + timedelta(minutes=10))
        send_all(campaign, client)
    assert outcomes(campaign) == [NOT_SENT, REFUSED_HERE]
    assert campaign.results[0].error == "not sent, for it shared a request with row 3, which was refused"
    assert campaign.results[1].error.startswith("send_at: 2026-01-02T03:09:05+00:00 is in the past")
    assert [result.sent_at for result in campaign.results] == [None, None]
    assert vendor.exchange.messages == ()


# Earlier runs.


def resumed(rows: Sequence[str], earlier: Sequence[RowResult], again: Sequence[RowOutcome]) -> tuple[Vendor, Campaign]:
    vendor = Vendor()
    with vendor.connect() as client:
        table = table_of(*rows, header="number,text,reference")
        campaign = plan_campaign(client, table, earlier=earlier, again=again)
        send_all(campaign, client)
    return vendor, campaign


def test_a_row_is_not_sent_if_an_earlier_run_sent_the_same_to_the_same_number() -> None:
    rows = ["0900000001,a,", "0900000002,b,", "+886900000001,a,", "0900000002,c,", "0900000002,b,"]
    before = [RowResult(NOT_SENT), RowResult(NOT_SENT), RowResult(ACCEPTED, "b1", "r4"), RowResult(NOT_SENT)]
    vendor, campaign = resumed(rows, [*before, RowResult(UNKNOWN, "", "r6")], [NOT_SENT])
    assert outcomes(campaign) == [DUPLICATE, DUPLICATE, ACCEPTED, ACCEPTED, UNKNOWN]
    assert [campaign.results[place].error for place in (0, 1)] == [
        "repeats row 4, number and text",
        "repeats row 6, number and text",
    ]
    assert [message.text for message in vendor.exchange.accepted] == ["c"]
    assert campaign.estimate.messages == 1


def test_a_repetition_of_a_row_that_is_sent_now_stays_one() -> None:
    rows = ["0900000001,a,", "0900000001,a,", "900000001,a,"]
    before = [
        RowResult(NOT_SENT),
        RowResult(DUPLICATE, error="repeats row 2, number and text"),
        RowResult(REFUSED_HERE),
    ]
    vendor, campaign = resumed(rows, before, [NOT_SENT])
    assert outcomes(campaign) == [ACCEPTED, DUPLICATE, REFUSED_HERE]
    assert len(vendor.exchange.accepted) == 1
    vendor, campaign = resumed(rows, campaign.results, [DUPLICATE, REFUSED_HERE])
    assert outcomes(campaign) == [ACCEPTED, DUPLICATE, REFUSED_HERE]
    assert vendor.exchange.accepted == ()


def test_a_row_that_was_refused_here_does_not_hold_back_another_with_its_text() -> None:
    rows = ["0900000001,a,", "0900000001,a,"]
    before = [RowResult(REFUSED_HERE, error="send_at: is in the past"), RowResult(NOT_SENT)]
    _, campaign = resumed(rows, before, [NOT_SENT])
    assert outcomes(campaign) == [REFUSED_HERE, ACCEPTED]


def test_a_reference_of_an_earlier_run_is_not_given_twice() -> None:
    rows = ["0900000001,a,A", "0900000002,b,A", "0900000003,c,"]
    _, campaign = resumed(rows, [RowResult(ACCEPTED, "b1", "A"), RowResult(NOT_SENT), RowResult(NOT_SENT)], [NOT_SENT])
    assert outcomes(campaign) == [ACCEPTED, REFUSED_HERE, ACCEPTED]
    assert campaign.results[1].error == "reference: row 2 has this one, so reports could not be told apart"


def test_an_earlier_run_s_rows_are_told_as_they_were_until_something_is_learned() -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    sent = RowResult(
        ACCEPTED,
        "b1",
        "r1",
        "a part is missing",
        noon,
        DeliveryStatus.SENT,
        "0",
        "on its way",
        noon + timedelta(hours=1),
    )
    refused = RowResult(REFUSED, "b0", "r2", "it is a duplicate", noon)
    other = RowResult(ACCEPTED, "b1", "r3", sent_at=noon)
    with Vendor().connect() as client:
        table = table_of("0900000001,a", "0900000002,b", "0900000003,c")
        campaign = plan_campaign(client, table, earlier=[sent, refused, other])
    assert campaign.results == (sent, refused, other)
    delivered = DeliveryReport("+886900000001", DeliveryStatus.DELIVERED, "b1", "1", vendor_code="100")
    assert campaign.note(delivered)
    told = attrs.evolve(sent, status=DeliveryStatus.DELIVERED, vendor_code="100", vendor_text="", done_at=None)
    assert campaign.results == (told, refused, other)


def test_reports_are_fetched_for_a_row_of_an_earlier_run_that_cannot_be_read_any_more() -> None:
    vendor = Vendor()
    with vendor.connect() as client:
        table = table_of("0900000001,{amount}元,5", "0900000002,b,6", header="number,text,amount")
        campaign = plan_campaign(client, table)
        send_all(campaign, client)
        first = campaign.results[0]
        table = table_of("0900000001,{amount}元,", "0900000002,b,6", header="number,text,amount")
        again = plan_campaign(client, table, earlier=campaign.results)
        again.fetch_reports(client)
    assert again.results[0] == first
    assert again.results[1].status is DeliveryStatus.DELIVERED
    assert not again.wait_reported(0)


# Texts that take several messages.


def status_of(campaign: Campaign) -> tuple[DeliveryStatus | None, str]:
    return campaign.results[0].status, campaign.results[0].vendor_code


def test_the_parts_of_a_text_are_one_row() -> None:
    vendor = Vendor(without=NO_PERSONAL_TEXTS, prepare=in_words)
    with vendor.connect() as client:
        campaign = plan_campaign(client, table_of("0900000001,one end", "0900000002,one end", "0900000003,two end"))
        assert (campaign.estimate.messages, campaign.estimate.requests, campaign.estimate.segments) == (3, 4, 6)
        places = send_all(campaign, client)
        assert sorted(places) == [(0, 1), (2,)]
        assert outcomes(campaign) == [ACCEPTED] * 3
        assert [message.text for message in vendor.exchange.accepted if message.number.endswith("3")] == ["two", "end"]
        assert not campaign.wait_reported(0)
        campaign.fetch_reports(client)
        assert campaign.wait_reported(0)


def test_a_row_is_only_as_far_as_its_part_that_is_least_far() -> None:
    vendor = Vendor(without=NO_PERSONAL_TEXTS, prepare=in_words)
    with vendor.connect() as client:
        campaign = plan_campaign(client, table_of("0900000001,one two,r", header="number,text,reference"))
        send_all(campaign, client)
    first, second = (
        DeliveryReport(message.number, DeliveryStatus.DELIVERED, message.batch_id)
        for message in vendor.exchange.accepted
    )
    assert campaign.note(first)
    assert status_of(campaign) == (None, "")
    assert campaign.note(attrs.evolve(second, status=DeliveryStatus.EXPIRED, vendor_code="9"))
    assert status_of(campaign) == (DeliveryStatus.EXPIRED, "9")
    assert campaign.note(second)
    assert status_of(campaign) == (DeliveryStatus.DELIVERED, "")


def test_of_a_text_whose_end_was_refused_the_row_is_accepted_and_says_what_is_missing() -> None:
    def refuse(operation: Send) -> None:
        if operation.one_text == "end":
            raise RecipientRefused("no more of this")

    vendor = Vendor(without=NO_PERSONAL_TEXTS, prepare=in_words, before_send=refuse)
    with vendor.connect() as client:
        campaign = plan_campaign(client, table_of("0900000001,one end", "0900000002,two"))
        send_all(campaign, client)
    assert outcomes(campaign) == [ACCEPTED, ACCEPTED]
    assert [result.error for result in campaign.results] == ["no more of this", ""]


def test_long_texts_abroad_over_smsgo() -> None:
    options = MessageDefaults(options=(SmsgoOptions(long_abroad="split"),))
    long_text = "您好，" * 40
    with Sandbox() as box, sms_core.connect(box.dsn("smsgo", retries=0)) as client:
        campaign = plan_campaign(client, table_of(f"+85200000001,{long_text}", f"+85200000002,{long_text}x"), options)
        assert campaign.estimate.messages == 2
        requests = campaign.estimate.requests
        assert requests > 2
        assert sorted(send_all(campaign, client, concurrency=2)) == [(0,), (1,)]
        assert outcomes(campaign) == [ACCEPTED, ACCEPTED]
        accepted = box.exchange.accepted
        assert len(accepted) == requests
        parts = [message.text for message in accepted if message.number == "+85200000001"]
        assert [part[:6] for part in parts] == ["(1/2) ", "(2/2) "]
        assert "".join(part[6:] for part in parts) == long_text
        campaign.fetch_reports(client)
        assert [result.status for result in campaign.results] == [DeliveryStatus.DELIVERED] * 2
