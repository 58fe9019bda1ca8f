"""Campaigns without a terminal: every row accounted for, whatever happens to it."""

from __future__ import annotations

import csv
import io
import itertools
import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sms_core
from sms_core import Client, DeliveryReport, DeliveryStatus, InvalidMessage
from sms_core.http import Response
from sms_core.testing import Exchange, FakeTransport, memory_exchange
from sms_core_cli.campaign import (
    Campaign,
    MessageDefaults,
    RowOutcome,
    RowResult,
    is_result_file,
    plan_campaign,
    read_results,
    read_table,
    write_results,
)
from sms_core_every8d import SendOptions
from sms_core_sandbox import Sandbox

ACCEPTED, REFUSED, UNKNOWN, NOT_SENT, REFUSED_HERE, DUPLICATE = RowOutcome
_names = (f"campaign{number}" for number in itertools.count())


@pytest.fixture
def name() -> str:
    return next(_names)


@pytest.fixture
def exchange(name: str) -> Exchange:
    return memory_exchange(name)


@pytest.fixture
def client(name: str) -> Iterator[Client]:
    with sms_core.connect(f"memory://{name}?batch_size=3") as made:
        yield made


def run(client: Client, text: str, defaults: MessageDefaults | None = None) -> Campaign:
    campaign = plan_campaign(client, read_table(text.encode()), defaults)
    for _ in campaign.send(client):
        pass
    return campaign


def outcomes(campaign: Campaign) -> list[RowOutcome]:
    return [result.outcome for result in campaign.results]


def test_rows_with_texts_of_their_own_share_requests(client: Client, exchange: Exchange) -> None:
    campaign = plan_campaign(
        client,
        read_table(
            "number,name,text,amount\n0900000001,王,{name}{amount}元,5\n0900000002,林,{姓名}x,\n0900000003,陳,hi,\n".encode()
        ),
    )
    assert (campaign.estimate.messages, campaign.estimate.requests, campaign.estimate.points) == (2, 1, Decimal(2))
    (done,) = campaign.send(client)
    assert done.error is None
    assert done.places == (0, 2)
    assert [message.text for message in exchange.accepted] == ["王5元", "hi"]
    assert outcomes(campaign) == [ACCEPTED, REFUSED_HERE, ACCEPTED]
    assert campaign.cost == 2
    assert campaign.balance == 999_998
    assert not list(campaign.send(client))  # what was sent is not sent again


def test_one_text_for_all(client: Client, exchange: Exchange) -> None:
    rows = "number,Name,text\n0900000001,王,mine\n0900000002,林,mine\n"
    campaign = run(client, rows, MessageDefaults("{name}您好"))
    assert [message.text for message in exchange.accepted] == ["王您好", "林您好"]
    assert "left out" in campaign.notes[0]


def test_a_shared_template_stays_one_so_that_the_vendor_can_fill_it() -> None:
    rows = "number,name\n0900000001,王\n0900000002,林\n"
    network = FakeTransport([Response(200, body=b"garbage")])
    with sms_core.connect("every8d://u:p@?auth=password", transport=network) as client:
        campaign = run(client, rows, MessageDefaults("{name}您好"))
    body = json.loads(network.requests[0].body)
    assert body["MSG"] == "%field1%您好"
    assert [recipient["Param"] for recipient in body["RecipientDataList"]] == ["王||||", "林||||"]
    assert outcomes(campaign) == [UNKNOWN, UNKNOWN]


def test_doubled_braces_are_braces_beside_a_template_of_the_same_look(client: Client, exchange: Exchange) -> None:
    run(client, "number,text,x\n0900000001,{{x}},1\n0900000002,{x},1\n0900000003,a {{b}} c,1\n")
    assert [message.text for message in exchange.accepted] == ["{x}", "1", "a {b} c"]


def test_why_rows_are_refused_here(client: Client, exchange: Exchange) -> None:
    wrong = {
        "900000001,n,hi,,,": "number: lacks its leading 0",
        ",n,hi,,,": "number: is empty",
        "0900000001,n,,,,": "text: is empty",
        "0900000001,n,{no},,,": "text: there is no column 'no' for {no}: write {{no}} for braces",
        "0900000001,n,{name}{no},,,": "text: there is no column 'no'",
        "0900000001,,{name},,,": "params: the column 'name' is empty",
        "0900000001,n,{,,,": "text: the brace",
        "0900000001,n,hi,2001-01-01 00:00,,": "send_at: 2001",
        "0900000001,n,hi,soon,,": "send_at: needs a day",
        "0900000001,n,hi,,,,,x": "row: has 8 cells and the header 6",
        "0900000001,n,{amount},,": "params: the column 'amount' is empty",
    }
    campaign = run(client, "number,name,text,send_at,reference,amount\n" + "\n".join(wrong) + "\n0900000002,n,ok,,,\n")
    for result, words in zip(campaign.results, wrong.values(), strict=False):
        assert result.outcome is REFUSED_HERE
        assert result.error.startswith(words)
    assert len(exchange.accepted) == 1


def test_a_row_that_repeats_another_names_it(client: Client, exchange: Exchange) -> None:
    campaign = run(client, "number,text\n0900000001,a\n0900000001,b\n+886 900 000 001,a\n0900000001,b\n")
    assert outcomes(campaign) == [ACCEPTED, ACCEPTED, DUPLICATE, DUPLICATE]
    assert [result.error for result in campaign.results[2:]] == [
        "repeats row 2, number and text",
        "repeats row 3, number and text",
    ]
    assert len(exchange.accepted) == 2


def test_references_are_the_rows_own_and_told_apart(client: Client, exchange: Exchange) -> None:
    campaign = run(client, "number,text,reference\n0900000001,a,A\n0900000002,a,\n0900000003,a,A\n")
    assert outcomes(campaign) == [ACCEPTED, ACCEPTED, REFUSED_HERE]
    assert [message.reference for message in exchange.accepted] == [result.reference for result in campaign.results[:2]]
    assert campaign.results[0].reference == "A"
    assert "row 2 has this one" in campaign.results[2].error


def test_times_of_single_rows(client: Client, exchange: Exchange) -> None:
    run(client, "number,text,send_at\n0900000001,a,2099-01-01 09:00\n0900000002,a,\n")
    assert [message.status for message in exchange.messages] == [DeliveryStatus.SCHEDULED, DeliveryStatus.DELIVERED]


def test_what_is_wrong_with_all_rows_is_said_once(client: Client) -> None:
    table = read_table(b"number,text\n0900000001,a\n")
    with pytest.raises(InvalidMessage, match="in the past"):
        plan_campaign(client, table, MessageDefaults(send_at=datetime(2001, 1, 1, tzinfo=UTC)))
    with pytest.raises(InvalidMessage, match="brace"):
        plan_campaign(client, table, MessageDefaults("{"))
    with pytest.raises(InvalidMessage, match="a column 'text'"):
        plan_campaign(client, read_table(b"number\n0900000001\n"))
    with pytest.raises(InvalidMessage, match="settle"):
        plan_campaign(client, table, earlier=[RowResult(UNKNOWN)], again=[UNKNOWN])


def test_the_vendors_own_refusals_stay_with_their_rows(client: Client) -> None:
    campaign = run(client, "number,text\n0900000909,a\n0900000001,a\n0900000909,b\n0900000002,a\n")
    assert outcomes(campaign) == [REFUSED, ACCEPTED, REFUSED, ACCEPTED]
    assert "refuses every message" in campaign.results[0].error


def test_after_the_points_have_run_out_nothing_more_is_tried(exchange: Exchange, name: str) -> None:
    exchange.add_account("u", "p", 4)
    with sms_core.connect(f"memory://u:p@{name}?batch_size=3") as client:
        rows = "".join(f"09000001{number:02},a\n" for number in range(60))
        campaign = plan_campaign(client, read_table(f"number,text\n{rows}".encode()))
        for _ in campaign.send(client, concurrency=1):
            pass
    assert outcomes(campaign)[:5] == [ACCEPTED] * 4 + [REFUSED]
    assert outcomes(campaign)[-1] is NOT_SENT
    assert "too few points" in campaign.results[-1].error
    assert not campaign.interrupted
    assert len(exchange.messages) < 20


def test_stopping_hands_out_nothing_more_and_loses_nothing(client: Client, exchange: Exchange) -> None:
    rows = "".join(f"09000001{number:02},a\n" for number in range(60))
    campaign = plan_campaign(client, read_table(f"number,text\n{rows}".encode()))
    turns = itertools.count()
    for done in campaign.send(client, concurrency=1, stop=lambda: next(turns) >= 5):
        assert done.error is None
    assert campaign.interrupted
    counts = campaign.counts
    assert counts[ACCEPTED] == len(exchange.accepted) < 60
    assert counts[ACCEPTED] + counts[NOT_SENT] == 60
    assert campaign.results[-1].error == "interrupted before this row's turn"
    for _ in campaign.send(client):
        pass
    assert outcomes(campaign) == [ACCEPTED] * 60
    assert len(exchange.accepted) == 60


def test_what_is_on_disk_is_never_a_lie(client: Client, exchange: Exchange) -> None:
    """At each checkpoint: a row that may go out before the next one is not called unsent."""
    rows = "".join(f"0900{number:06},a\n" for number in range(100, 500))
    campaign = plan_campaign(client, read_table(f"number,text\n{rows}".encode()))
    kept: list[tuple[RowResult, ...]] = []

    def checkpoint() -> None:
        accepted = {message.reference for message in exchange.accepted}
        for before in kept[-1:]:
            assert accepted <= {result.reference for result in before if result.outcome is not NOT_SENT}
        kept.append(campaign.results_if_cut_off)

    for _ in campaign.send(client, checkpoint=checkpoint):
        pass
    assert len(kept) > 3
    assert any(result.outcome is NOT_SENT for result in kept[0])
    assert campaign.results_if_cut_off == campaign.results


def test_a_consumer_that_leaves_in_the_middle_leaves_no_lie(client: Client, exchange: Exchange) -> None:
    rows = "".join(f"09000001{number:02},a\n" for number in range(60))
    campaign = plan_campaign(client, read_table(f"number,text\n{rows}".encode()))
    requests = campaign.send(client, concurrency=1)
    next(requests)
    requests.close()  # type: ignore[attr-defined]
    accepted = {message.reference for message in exchange.accepted}
    assert accepted <= {result.reference for result in campaign.results if result.outcome in {ACCEPTED, UNKNOWN}}


def test_reports_early_late_doubled_and_of_others(client: Client) -> None:
    campaign = run(client, "number,text\n0900000001,a\n0900000002,a\n")
    first = campaign.results[0]
    report = DeliveryReport(
        "+886900000001", DeliveryStatus.DELIVERED, first.batch_id, first.reference, vendor_code="100"
    )
    assert campaign.note(report)
    assert campaign.note(attrs.evolve(report, status=DeliveryStatus.SENT))
    assert campaign.note(attrs.evolve(report, status=DeliveryStatus.FAILED))
    assert campaign.results[0].status is DeliveryStatus.DELIVERED
    assert not campaign.note(attrs.evolve(report, number="+886900000009", reference=""))
    assert not campaign.wait_reported(0)
    without_reference = DeliveryReport("+886900000002", DeliveryStatus.SENT, first.batch_id)
    assert campaign.note(without_reference)
    assert campaign.note(attrs.evolve(without_reference, status=DeliveryStatus.ACCEPTED))
    assert campaign.results[1].status is DeliveryStatus.SENT
    assert not campaign.wait_reported(5, quiet=0.01)
    campaign.fetch_reports(client)
    assert campaign.wait_reported(0)


def test_a_report_before_the_answer_is_kept_for_it(client: Client) -> None:
    campaign = plan_campaign(client, read_table(b"number,text\n0900000001,a\n0900000001,b\n"))
    requests = campaign.send(client)
    early = DeliveryReport("+886900000001", DeliveryStatus.DELIVERED, "batch", campaign.results[1].reference)
    next(requests)
    (batch,) = {result.batch_id for result in campaign.results}
    assert campaign.note(attrs.evolve(early, batch_id=batch))
    assert [result.status for result in campaign.results] == [None, DeliveryStatus.DELIVERED]


def test_a_report_settles_what_is_unknown() -> None:
    with Sandbox() as box, sms_core.connect(box.dsn("every8d")) as client:
        box.faults.add("drop_after", match="Send")
        campaign = run(client, "number,text\n0900000001,a\n0900000002,a\n")
        assert outcomes(campaign) == [UNKNOWN, UNKNOWN]
        for message in box.exchange.messages:
            status = DeliveryStatus.NO_CREDIT if message.position == 2 else DeliveryStatus.DELIVERED
            report = DeliveryReport(message.number, status, message.batch_id, message.reference, vendor_text="because")
            assert campaign.note(report)
    assert outcomes(campaign) == [ACCEPTED, REFUSED]
    assert campaign.results[1].error == "because"


@pytest.mark.parametrize("filter_sees_all", [True, False])
def test_settling_asks_the_vendor_and_sends_nothing(filter_sees_all: bool) -> None:
    with Sandbox(filter_sees_all=filter_sees_all) as box, sms_core.connect(box.dsn("every8d")) as client:
        box.faults.add("drop_after", match="Send")
        campaign = run(client, "number,text\n0900000001,a\n0900000002,b\n")
        before = box.exchange.accepted
        (done,) = campaign.settle(client)
        assert done.error is None
        assert box.exchange.accepted == before
    assert set(outcomes(campaign)) == {ACCEPTED if filter_sees_all else UNKNOWN}
    if filter_sees_all:
        assert campaign.results[0].batch_id == before[0].batch_id


def test_settling_that_fails_can_be_tried_again() -> None:
    with Sandbox(filter_sees_all=True) as box, sms_core.connect(box.dsn("every8d", retries=0)) as client:
        box.faults.add("drop_after", match="Send")
        campaign = run(client, "number,text\n0900000001,a\n")
        box.faults.add("drop_before", match="Filter")
        (failed,) = campaign.settle(client)
        assert failed.error is not None
        (settled,) = campaign.settle(client)
        assert settled.error is None
    assert outcomes(campaign) == [ACCEPTED]


def test_an_earlier_run_is_resumed_and_settled_from_its_file(tmp_path: Path) -> None:
    table = read_table(
        "number,text,reference\n0900000001,甲,r1\n0900000002,b,\n0900000003,c,\n1,d,\n0900000001,甲,\n".encode()
    )
    path = tmp_path / "results.csv"
    with Sandbox(filter_sees_all=True) as box, sms_core.connect(box.dsn("every8d", batch_size=1)) as client:
        box.faults.add("drop_after", match="Send")
        campaign = plan_campaign(client, table)
        turns = itertools.count()
        for _ in campaign.send(client, concurrency=1, stop=lambda: next(turns) >= 3):
            pass
        assert outcomes(campaign)[0] is UNKNOWN
        assert NOT_SENT in outcomes(campaign)
        write_results(path, table, campaign.results)

        earlier = read_results(path.read_bytes(), table)
        again = plan_campaign(client, table, earlier=earlier)
        assert again.estimate.messages == campaign.counts[NOT_SENT]
        for _ in again.send(client):
            pass
        for _ in again.settle(client):
            pass
        assert outcomes(again) == [ACCEPTED, ACCEPTED, ACCEPTED, REFUSED_HERE, DUPLICATE]
        assert len(box.exchange.accepted) == 3
        again.fetch_reports(client)
        assert again.results[0].status is DeliveryStatus.DELIVERED
        assert [result.reference for result in again.results][:1] == ["r1"]


def test_a_row_with_a_time_can_be_settled_when_that_time_has_passed(tmp_path: Path) -> None:
    with Sandbox(filter_sees_all=True) as box:
        now = box.clock.now()
        row = f"0900000001,a,{(now + timedelta(hours=1)).isoformat()}\n"
        table = read_table(f"number,text,send_at\n{row}".encode())
        with sms_core.connect(box.dsn("every8d"), clock=box.clock.now) as client:
            box.faults.add("drop_after", match="Send")
            campaign = plan_campaign(client, table)
            assert [done.error is None for done in campaign.send(client)] == [False]
            box.clock.advance(hours=2)
            again = plan_campaign(client, table, earlier=campaign.results)
            assert [done.error for done in again.settle(client)] == [None]
    assert outcomes(again) == [ACCEPTED]


def test_results_are_of_their_own_table(tmp_path: Path) -> None:
    table = read_table(b"number,text\n0900000001,a\n")
    path = tmp_path / "results.csv"
    write_results(path, table, [RowResult(ACCEPTED, "b1")])
    assert read_results(path.read_bytes(), table) == (RowResult(ACCEPTED, "b1"),)
    assert is_result_file(read_table(path.read_bytes()))
    assert not is_result_file(table)
    for other, words in (
        (b"number,text\n0900000001,b\n", "row 2 is not row 2"),
        (b"number,text\n0900000001,a\n0900000002,a\n", "have 1 rows"),
        (b"number,status\n0900000001,a\n", "a column is missing"),
    ):
        with pytest.raises(InvalidMessage, match=words):
            read_results(path.read_bytes(), read_table(other))
    with pytest.raises(InvalidMessage, match="not what a campaign wrote"):
        read_results(path.read_bytes().replace(b"accepted", b"perhaps"), table)


def test_columns_that_the_table_has_already_get_another_name(tmp_path: Path) -> None:
    table = read_table(b"Number,text,status,Reference\n0900000001,a,VIP,R\n")
    path = tmp_path / "results.csv"
    result = RowResult(ACCEPTED, "b1", "R", status=DeliveryStatus.SENT)
    write_results(path, table, [result])
    (row,) = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    assert (row["status"], row["sms_status"], row["reference"]) == ("VIP", "sent", "R")
    assert list(row).count("reference") + list(row).count("Reference") == 1
    assert read_results(path.read_bytes(), table) == (result,)


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", False), ("utf-8-sig", True), ("cp950", True)])
def test_a_spreadsheet_that_needs_the_mark_gets_it(tmp_path: Path, encoding: str, mark: bool) -> None:
    table = read_table("number,text\n0900000001,您好\n".encode(encoding))
    write_results(tmp_path / "r.csv", table, [RowResult(ACCEPTED)])
    assert (tmp_path / "r.csv").read_bytes().startswith(b"\xef\xbb\xbf") is mark


def test_a_failing_write_leaves_the_file_before(tmp_path: Path) -> None:
    table = read_table(b"number,text\n0900000001,a\n")
    path = tmp_path / "r.csv"
    write_results(path, table, [RowResult(ACCEPTED)])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="shorter"):
        write_results(path, table, [])
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "x").touch()
    with pytest.raises(OSError, match="the results are in"):
        write_results(folder, table, [RowResult(ACCEPTED)])
    assert len(list(tmp_path.glob(".folder.*.tmp"))) == 1


def test_options_that_want_one_text_in_a_request() -> None:
    with Sandbox() as box, sms_core.connect(box.dsn("every8d")) as client:
        defaults = MessageDefaults(options=(SendOptions(skip_duplicates=True),))
        rows = "number,text\n0900000001,a\n0900000002,b\n0900000003,a\n"
        assert outcomes(run(client, rows, defaults)) == [ACCEPTED] * 3
        assert outcomes(run(client, rows, defaults)) == [REFUSED] * 3
        assert len(box.exchange.accepted) == 3


def test_what_only_the_provider_finds_wrong_is_refused_here_too() -> None:
    with Sandbox() as box, sms_core.connect(box.dsn("every8d")) as client:
        defaults = MessageDefaults(options=(SendOptions(skip_duplicates=True),))
        campaign = run(client, "number,text,email\n0900000001,a,x@example.org\n", defaults)
        assert box.exchange.messages == ()
    assert outcomes(campaign) == [REFUSED_HERE]


CELLS = st.sampled_from(
    ["0900000001", "0900000002", "+886900000001", "0900000909", "+12025550100", "1", "", "x|y", 'a"b', "王,林"]
)
TEXTS = st.sampled_from(["您好", "{name}您好", "{amount}", "{nobody}", "{", "", "two\nlines", "hi", "字" * 400])


@settings(deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, TEXTS, CELLS), min_size=1, max_size=12), stop_after=st.integers(0, 6))
def test_there_is_one_row_out_for_each_row_in_and_in_their_order(
    rows: list[tuple[str, str, str, str]], stop_after: int
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("number", "name", "text", "amount"), *rows])
    table = read_table(file.getvalue().encode())
    name = next(_names)
    with sms_core.connect(f"memory://{name}?batch_size=2") as client, tempfile.TemporaryDirectory() as folder:
        campaign = plan_campaign(client, table)
        turns = itertools.count()
        for _ in campaign.send(client, concurrency=1, stop=lambda: next(turns) >= stop_after):
            pass
        path = Path(folder, "results.csv")
        write_results(path, table, campaign.results)
        with path.open(encoding="utf-8", newline="") as written:
            found = list(csv.DictReader(written))
        assert [(row["number"], row["name"], row["text"], row["amount"]) for row in found] == rows
        accepted = [row["reference"] for row in found if row["outcome"] == "accepted"]
        assert sorted(accepted) == sorted(message.reference for message in memory_exchange(name).accepted)

        again = plan_campaign(client, table, earlier=read_results(path.read_bytes(), table))
        for _ in again.send(client):
            pass
        assert not again.counts[NOT_SENT]
        texts = [(message.number, message.text) for message in memory_exchange(name).accepted]
        assert len(set(texts)) == len(texts)
