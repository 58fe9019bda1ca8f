"""Campaigns without a terminal: every row accounted for, whatever happens to it."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sms_core
from plugins.cli.tests.campaigns import (
    ACCEPTED,
    DUPLICATE,
    NOT_SENT,
    REFUSED,
    REFUSED_HERE,
    UNKNOWN,
    Campaigns,
    campaigns,
    table,
)
from sms_core import Client, DeliveryReport, DeliveryStatus, InvalidMessage
from sms_core.http import Response
from sms_core.testing import Exchange, FakeTransport, memory_exchange
from sms_core_cli.campaign import MessageDefaults, export, is_result_file, missing_points, read_table, send
from sms_core_every8d import SendOptions
from sms_core_sandbox import Sandbox

_names = (f"campaign{number}" for number in itertools.count())
MANY = table(*(f"09000001{number:02},a" for number in range(60)))


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


@pytest.fixture
def campaign(tmp_path: Path, client: Client) -> Iterator[Campaigns]:
    with campaigns(tmp_path, client) as made:
        yield made


def test_rows_with_texts_of_their_own_share_requests(campaign: Campaigns, exchange: Exchange) -> None:
    rows = table(
        "0900000001,王,{name}{amount}元,5",
        "0900000002,林,{姓名}x,",
        "0900000003,陳,hi,",
        header="number,name,text,amount",
    )
    ran = campaign.send(rows)
    estimate = ran.planned.estimate
    assert (estimate.messages, estimate.requests, estimate.points) == (2, 1, Decimal(2))
    assert [message.text for message in exchange.accepted] == ["王5元", "hi"]
    assert len({message.batch_id for message in exchange.accepted}) == 1
    assert ran.outcomes == [ACCEPTED, REFUSED_HERE, ACCEPTED]
    assert ran.sending is not None
    assert (ran.sending.cost, ran.sending.balance) == (2, 999_998)
    again = campaign.send(rows)  # what was sent is not sent again
    assert (again.planned.new, len(exchange.accepted)) == (0, 2)


def test_one_text_for_all(campaign: Campaigns, exchange: Exchange) -> None:
    rows = table("0900000001,王,mine", "0900000002,林,mine", header="number,Name,text")
    ran = campaign.send(rows, MessageDefaults("{name}您好"))
    assert [message.text for message in exchange.accepted] == ["王您好", "林您好"]
    assert "left out" in ran.planned.notes[0]


def test_a_shared_template_stays_one_so_that_the_vendor_can_fill_it(tmp_path: Path) -> None:
    rows = table("0900000001,王", "0900000002,林", header="number,name")
    network = FakeTransport([Response(200, body=b"garbage")])
    with (
        sms_core.connect("every8d://u:p@?auth=password", transport=network) as client,
        campaigns(tmp_path, client) as campaign,
    ):
        ran = campaign.send(rows, MessageDefaults("{name}您好"))
        assert ran.outcomes == [UNKNOWN, UNKNOWN]
    body = json.loads(network.requests[0].body)
    assert body["MSG"] == "%field1%您好"
    assert [recipient["Param"] for recipient in body["RecipientDataList"]] == ["王||||", "林||||"]


def test_doubled_braces_are_braces_beside_a_template_of_the_same_look(campaign: Campaigns, exchange: Exchange) -> None:
    campaign.send("number,text,x\n0900000001,{{x}},1\n0900000002,{x},1\n0900000003,a {{b}} c,1\n")
    assert [message.text for message in exchange.accepted] == ["{x}", "1", "a {b} c"]


def test_why_rows_are_refused_here(campaign: Campaigns, exchange: Exchange) -> None:
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
    header = "number,name,text,send_at,reference,amount"
    ran = campaign.send(table(*wrong, "0900000002,n,ok,,,", header=header))
    for result, words in zip(ran.results, wrong.values(), strict=False):
        assert result.outcome is REFUSED_HERE
        assert result.error.startswith(words)
    assert len(exchange.accepted) == 1


def test_a_row_that_repeats_another_names_it(campaign: Campaigns, exchange: Exchange) -> None:
    ran = campaign.send(table("0900000001,a", "0900000001,b", "+886 900 000 001,a", "0900000001,b"))
    assert ran.outcomes == [ACCEPTED, ACCEPTED, DUPLICATE, DUPLICATE]
    assert [result.error for result in ran.results[2:]] == [
        "repeats row 2, number and text",
        "repeats row 3, number and text",
    ]
    assert len(exchange.accepted) == 2


def test_references_are_the_rows_own_and_told_apart(campaign: Campaigns, exchange: Exchange) -> None:
    rows = table("0900000001,a,A", "0900000002,a,", "0900000003,a,A", header="number,text,reference")
    ran = campaign.send(rows)
    assert ran.outcomes == [ACCEPTED, ACCEPTED, REFUSED_HERE]
    assert [message.reference for message in exchange.accepted] == [result.reference for result in ran.results[:2]]
    assert ran.results[0].reference == "A"
    assert "row 2 has this one" in ran.results[2].error


def test_times_of_single_rows(campaign: Campaigns, exchange: Exchange) -> None:
    campaign.send("number,text,send_at\n0900000001,a,2099-01-01 09:00\n0900000002,a,\n")
    statuses = {message.number[-1]: message.status for message in exchange.messages}
    assert statuses == {"1": DeliveryStatus.SCHEDULED, "2": DeliveryStatus.DELIVERED}


def test_what_is_wrong_with_all_rows_is_said_once(campaign: Campaigns) -> None:
    rows = table("0900000001,a")
    with pytest.raises(InvalidMessage, match="in the past"):
        campaign.plan(rows, MessageDefaults(send_at=datetime(2001, 1, 1, tzinfo=UTC)))
    with pytest.raises(InvalidMessage, match="brace"):
        campaign.plan(rows, MessageDefaults("{"))
    with pytest.raises(InvalidMessage, match="name its column with --column text="):
        campaign.plan("number\n0900000001\n")


def test_the_vendors_own_refusals_stay_with_their_rows(campaign: Campaigns) -> None:
    ran = campaign.send(table("0900000909,a", "0900000001,a", "0900000909,b", "0900000002,a"))
    assert ran.outcomes == [REFUSED, ACCEPTED, REFUSED, ACCEPTED]
    assert "refuses every message" in ran.results[0].error


def test_after_the_points_have_run_out_nothing_more_is_tried(tmp_path: Path, exchange: Exchange, name: str) -> None:
    exchange.add_account("u", "p", 4)
    with (
        sms_core.connect(f"memory://u:p@{name}?batch_size=3") as client,
        campaigns(tmp_path, client, concurrency=1) as campaign,
    ):
        ran = campaign.send(MANY)
        assert ran.outcomes == [ACCEPTED] * 4 + [NOT_SENT] * 56
        assert "too few points" in ran.results[-1].error
        pause = ran.run.pause()
        assert pause is not None
        assert pause.by_itself
        assert missing_points(ran.run, client, None) == 56
        assert len(exchange.messages) < 20

        exchange.set_credit("u", 100)
        ran.run.go_on()
        send(ran.run)
        assert ran.outcomes == [ACCEPTED] * 60
    assert len({message.number for message in exchange.accepted}) == len(exchange.accepted) == 60


def test_stopping_hands_out_nothing_more_and_loses_nothing(tmp_path: Path, client: Client, exchange: Exchange) -> None:
    with campaigns(tmp_path, client, concurrency=1) as campaign:
        turns = itertools.count()
        ran = campaign.send(MANY, stop=lambda: next(turns) >= 5)
        counts = ran.run.overview().counts
        assert 0 < counts[ACCEPTED] == len(exchange.accepted) < 60
        assert counts[ACCEPTED] + counts[NOT_SENT] == 60
        again = campaign.send(MANY)
        assert again.outcomes == [ACCEPTED] * 60
    assert len(exchange.accepted) == 60


def test_reports_early_late_doubled_and_of_others(campaign: Campaigns, client: Client) -> None:
    ran = campaign.send(table("0900000001,a", "0900000002,a"))
    first = ran.results[0]
    report = DeliveryReport(
        "+886900000001", DeliveryStatus.DELIVERED, first.batch_id, first.reference, vendor_code="100"
    )
    for status in (DeliveryStatus.DELIVERED, DeliveryStatus.SENT, DeliveryStatus.FAILED):
        ran.run.record(attrs.evolve(report, status=status))
    ran.run.record(attrs.evolve(report, number="+886900000009", reference=""))
    assert (ran.results[0].status, ran.results[0].vendor_code) == (DeliveryStatus.DELIVERED, "100")
    assert ran.run.awaits_reports()
    without_reference = DeliveryReport("+886900000002", DeliveryStatus.SENT, first.batch_id)
    ran.run.record(without_reference)
    ran.run.record(attrs.evolve(without_reference, status=DeliveryStatus.ACCEPTED))
    assert ran.results[1].status is DeliveryStatus.SENT
    ran.run.fetch_reports(client)
    assert not ran.run.awaits_reports()
    assert ran.results[1].status is DeliveryStatus.DELIVERED


def test_a_report_before_the_answer_is_kept_for_it(campaign: Campaigns) -> None:
    ran = campaign.put(table("0900000001,a,r1", "0900000001,b,r2", header="number,text,reference"))
    ran.run.record(DeliveryReport("+886900000001", DeliveryStatus.EXPIRED, "", "r2"))
    send(ran.run)
    assert [result.status for result in ran.results] == [None, DeliveryStatus.EXPIRED]


def test_a_report_settles_what_is_unknown(tmp_path: Path) -> None:
    with (
        Sandbox() as box,
        sms_core.connect(box.dsn("every8d")) as client,
        campaigns(tmp_path, client) as campaign,
    ):
        box.faults.add("drop_after", match="Send")
        ran = campaign.send(table("0900000001,a", "0900000002,a"))
        assert ran.outcomes == [UNKNOWN, UNKNOWN]
        for message in box.exchange.messages:
            ran.run.record(
                DeliveryReport(message.number, DeliveryStatus.DELIVERED, message.batch_id, message.reference)
            )
        assert ran.outcomes == [ACCEPTED, ACCEPTED]


@pytest.mark.parametrize("filter_sees_all", [True, False])
def test_settling_asks_the_vendor_and_sends_nothing(tmp_path: Path, filter_sees_all: bool) -> None:
    with (
        Sandbox(filter_sees_all=filter_sees_all) as box,
        sms_core.connect(box.dsn("every8d")) as client,
        campaigns(tmp_path, client) as campaign,
    ):
        box.faults.add("drop_after", match="Send")
        ran = campaign.send(table("0900000001,a", "0900000002,b"))
        before = box.exchange.accepted
        ran.run.settle()
        assert box.exchange.accepted == before
        assert set(ran.outcomes) == {ACCEPTED if filter_sees_all else UNKNOWN}
        if filter_sees_all:
            assert ran.results[0].batch_id == before[0].batch_id


def test_settling_that_fails_can_be_tried_again(tmp_path: Path) -> None:
    with (
        Sandbox(filter_sees_all=True) as box,
        sms_core.connect(box.dsn("every8d", retries=0)) as client,
        campaigns(tmp_path, client) as campaign,
    ):
        box.faults.add("drop_after", match="Send")
        ran = campaign.send(table("0900000001,a"))
        box.faults.add("drop_before", match="Filter")
        with pytest.raises(sms_core.SmsError):
            ran.run.settle()
        ran.run.settle()
        assert ran.outcomes == [ACCEPTED]


def test_a_row_with_a_time_can_be_settled_when_that_time_has_passed(tmp_path: Path) -> None:
    with Sandbox(filter_sees_all=True) as box:
        booked = (box.clock.now() + timedelta(hours=1)).isoformat()
        with (
            sms_core.connect(box.dsn("every8d"), clock=box.clock.now) as client,
            campaigns(tmp_path, client) as campaign,
        ):
            box.faults.add("drop_after", match="Send")
            ran = campaign.send(table(f"0900000001,a,{booked}", header="number,text,send_at"))
            assert ran.outcomes == [UNKNOWN]
            box.clock.advance(hours=2)
            ran.run.settle()
            assert ran.outcomes == [ACCEPTED]


# The result file


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_columns_that_the_table_has_already_get_another_name(campaign: Campaigns, tmp_path: Path) -> None:
    ran = campaign.send("Number,text,status,Reference\n0900000001,a,VIP,R\n")
    export(ran.run, tmp_path / "results.csv")
    (row,) = read(tmp_path / "results.csv")
    assert (row["status"], row["sms_status"], row["reference"]) == ("VIP", "", "R")
    assert list(row).count("reference") + list(row).count("Reference") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp950"])
def test_results_have_the_mark_that_a_spreadsheet_needs(campaign: Campaigns, tmp_path: Path, encoding: str) -> None:
    ran = campaign.send("number,text\n0900000001,您好\n")
    export(ran.run, tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert is_result_file(read_table((tmp_path / "r.csv").read_bytes()).headers)
    assert not is_result_file(("number", "text"))


def test_what_somebody_changed_is_kept_and_what_nobody_writes_is_cleared_away(
    campaign: Campaigns, tmp_path: Path
) -> None:
    ran = campaign.send(table("0900000001,a"))
    path = tmp_path / "r.csv"
    assert export(ran.run, path).kept is None
    assert export(ran.run, path).kept is None
    path.write_text("mine")
    left, young = tmp_path / ".r.csv.12345678.tmp", tmp_path / ".r.csv.23456789.tmp"
    for temporary in (left, young):
        temporary.touch()
    os.utime(left, (time.time() - 7200,) * 2)
    kept = export(ran.run, path).kept
    assert kept is not None
    assert (kept.name, kept.read_text()) == ("r.2.csv", "mine")
    assert len(read(path)) == 1
    assert (left.exists(), young.exists()) == (False, True)


def test_where_a_file_cannot_be_replaced_the_results_are_beside_it(campaign: Campaigns, tmp_path: Path) -> None:
    ran = campaign.send(table("0900000001,a"))
    path = tmp_path / "r.csv"
    path.mkdir()
    (path / "x").touch()
    done = export(ran.run, path)
    assert (done.instead, done.path.name) == (True, "r.2.csv")
    assert len(read(done.path)) == 1


def test_options_that_want_one_text_in_a_request(tmp_path: Path) -> None:
    with (
        Sandbox() as box,
        sms_core.connect(box.dsn("every8d")) as client,
        campaigns(tmp_path, client) as campaign,
    ):
        defaults = MessageDefaults(options=(SendOptions(skip_duplicates=True),))
        rows = table("0900000001,a", "0900000002,b", "0900000003,a")
        assert campaign.send(rows, defaults).outcomes == [ACCEPTED] * 3
        assert campaign.send(rows, defaults, name="next").outcomes == [REFUSED] * 3
        assert len(box.exchange.accepted) == 3


def test_what_only_the_provider_finds_wrong_is_refused_here_too(tmp_path: Path) -> None:
    with (
        Sandbox() as box,
        sms_core.connect(box.dsn("every8d")) as client,
        campaigns(tmp_path, client) as campaign,
    ):
        defaults = MessageDefaults(options=(SendOptions(skip_duplicates=True),))
        ran = campaign.send(table("0900000001,a,x@example.org", header="number,text,email"), defaults)
        assert ran.outcomes == [REFUSED_HERE]
        assert box.exchange.messages == ()


CELLS = st.sampled_from(
    ["0900000001", "0900000002", "+886900000001", "0900000909", "+12025550100", "1", "", "x|y", 'a"b', "王,林"]
)
TEXTS = st.sampled_from(["您好", "{name}您好", "{amount}", "{nobody}", "{", "", "two\nlines", "hi", "字" * 400])


@settings(deadline=None, max_examples=15)
@given(rows=st.lists(st.tuples(CELLS, CELLS, TEXTS, CELLS), min_size=1, max_size=12), stop_after=st.integers(0, 6))
def test_there_is_one_row_out_for_each_row_in_and_in_their_order(
    rows: list[tuple[str, str, str, str]], stop_after: int
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("number", "name", "text", "amount"), *rows])
    text = file.getvalue()
    exchange = next(_names)
    with (
        tempfile.TemporaryDirectory() as folder,
        sms_core.connect(f"memory://{exchange}?batch_size=2") as client,
        campaigns(Path(folder), client, concurrency=1) as campaign,
    ):
        try:
            turns = itertools.count()
            ran = campaign.send(text, stop=lambda: next(turns) >= stop_after)
        except InvalidMessage as error:
            assert error.field == "file"  # all rows of it are blank
            return
        path = Path(folder, "results.csv")
        export(ran.run, path)
        found = read(path)
        written = [(row["number"], row["name"], row["text"], row["amount"]) for row in found]
        assert written == [row for row in rows if any(cell.strip() for cell in row)]
        accepted = [row["reference"] for row in found if row["outcome"] == "accepted"]
        assert sorted(accepted) == sorted(message.reference for message in memory_exchange(exchange).accepted)

        again = campaign.send(text)
        assert NOT_SENT not in again.outcomes
        texts = [(message.number, message.text) for message in memory_exchange(exchange).accepted]
        assert len(set(texts)) == len(texts)
