"""What a campaign makes of its rows before and while they are sent: requests, rows left out, texts in several parts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import sms_core
from plugins.cli.tests.campaigns import (
    ACCEPTED,
    DUPLICATE,
    NOT_SENT,
    REFUSED,
    REFUSED_HERE,
    UNKNOWN,
    Ran,
    campaigns,
    table,
)
from plugins.cli.tests.vendor import Vendor, in_words
from sms_core import (
    Capability,
    InvalidMessage,
    Message,
    RecipientRefused,
    Unsupported,
    hookimpl,
)
from sms_core.provider import Destination, Flow, Operation, Send
from sms_core_cli.campaign import MessageDefaults, send
from sms_core_sandbox import Sandbox
from sms_core_smsgo import SendOptions as SmsgoOptions

NO_PERSONAL_TEXTS = (Capability.PERSONAL,)
PATIENCE = 20.0
REFUSING_NUMBER = "909"
"""The end of numbers that refuse every message (`sms_core.testing.behaviour_rows`)."""


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


def test_where_a_vendor_carries_a_validity_with_one_text_only_the_texts_go_side_by_side(tmp_path: Path) -> None:
    rows = [f"0900000{number:03},第{number}則" for number in range(12)]
    with (
        Sandbox() as box,
        sms_core.connect(box.dsn("every8d-soap", retries=0), plugins=[Together(4)]) as client,
        campaigns(tmp_path, client) as campaign,
    ):
        box.faults.add("drop_after", match="sendMessage")
        ran = campaign.send(table(*rows), MessageDefaults(validity=timedelta(hours=4)))
        assert ran.planned.estimate.requests == 12
        assert sorted(outcome.value for outcome in ran.outcomes) == ["accepted"] * 11 + ["unknown"]
        assert len(box.exchange.accepted) == 12
        assert len({result.batch_id for result in ran.results}) == 12


def test_rows_that_the_vendor_refuses_are_found_among_many_others(tmp_path: Path) -> None:
    def refuse(message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
        for place, recipient in enumerate(message.to):
            if recipient.text == "13":
                raise InvalidMessage(f"to[{place}].text", "is unlucky")
        return destinations

    vendor = Vendor(prepare=refuse)
    rows = table(*(f"0900000{number:03},{number % 20}" for number in range(100)))
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        ran = campaign.send(rows)
        refused = [place for place, result in enumerate(ran.results) if result.outcome is REFUSED_HERE]
        assert refused == [13, 33, 53, 73, 93]
        assert ran.results[13].error == "text: is unlucky"
        assert len(vendor.exchange.accepted) == ran.planned.estimate.messages == 95


def test_a_rule_about_several_texts_together_is_told_of_the_row_that_breaks_it(tmp_path: Path) -> None:
    rows = table("0900000001,a", "0900000002,$$b", "0900000003,c")
    with (
        sms_core.connect("mitake://u:p@127.0.0.1:9?scheme=http") as client,
        campaigns(tmp_path, client) as campaign,
    ):
        ran = campaign.put(rows)
        assert ran.outcomes == [NOT_SENT, REFUSED_HERE, NOT_SENT]
        assert ran.results[1].error.startswith("text: has $$ in it")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("count", "recipients"), [(2_000, 1000), (300, 1)])
def test_a_large_table(tmp_path: Path, count: int, recipients: int) -> None:
    rows = (f"09{number:08},您好 {number},row-{number}" for number in range(count))
    vendor = Vendor(recipients=recipients)
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        ran = campaign.send(table(*rows, "1,x,", header="number,text,reference"))
        assert ran.planned.estimate.messages == count
        assert sum(map(len, vendor.sent)) == count
        refused = sum(f"{number:03}".endswith(REFUSING_NUMBER) for number in range(count))
        assert ran.run.overview().counts == Counter({ACCEPTED: count - refused, REFUSED: refused, REFUSED_HERE: 1})
        assert len(vendor.exchange.accepted) == count - refused
        assert len(ran.results) == count + 1


def test_what_the_provider_cannot_do(tmp_path: Path) -> None:
    missing = (Capability.PERSONAL, Capability.EMAIL, Capability.INTERNATIONAL, Capability.SUBJECT)
    rows = ["0900000001,a,x@y", "0900000002,b,", "+12025550100,a,", "0900000003,a,"]
    text = table(*rows, header="number,text,email")
    with Vendor(without=missing).connect() as client, campaigns(tmp_path, client) as campaign:
        ran = campaign.put(text)
        assert ran.outcomes == [NOT_SENT, NOT_SENT, REFUSED_HERE, NOT_SENT]
        assert ran.results[2].error == "not with this provider: international numbers"
        assert ran.planned.estimate.requests == 2
        assert "takes no emails" in ran.planned.notes[0]
        with pytest.raises(Unsupported):
            campaign.plan(text, MessageDefaults(subject="x"), name="other")


@pytest.mark.parametrize("field", ["options.event", "send_at", "to"])
def test_what_the_vendor_refuses_of_all_rows_is_raised(tmp_path: Path, field: str) -> None:
    def refuse(_: Message, __: tuple[Destination, ...]) -> tuple[Destination, ...]:
        raise InvalidMessage(field, "is wrong")

    with (
        Vendor(prepare=refuse).connect() as client,
        campaigns(tmp_path, client) as campaign,
        pytest.raises(InvalidMessage, match="is wrong"),
    ):
        campaign.plan(table("0900000001,a", "0900000002,b"))


def test_without_a_row_to_send_there_is_nothing_to_estimate(tmp_path: Path) -> None:
    with Vendor().connect() as client, campaigns(tmp_path, client) as campaign:
        ran = campaign.send(table("1,a", "0900000001,"))
        assert ran.outcomes == [REFUSED_HERE, REFUSED_HERE]
    estimate = ran.planned.estimate
    assert (estimate.messages, estimate.requests, estimate.segments, estimate.points) == (0, 0, 0, Decimal(0))


def test_a_time_that_passes_before_its_request_goes_refuses_its_row_alone(tmp_path: Path) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    moments = [now]
    vendor = Vendor()
    soon = (now + timedelta(minutes=5)).isoformat()
    later = (now + timedelta(minutes=15)).isoformat()
    rows = table("0900000001,a,", f"0900000002,b,{soon}", f"0900000003,c,{later}", header="number,text,send_at")
    with (
        sms_core.testing.connect_provider(vendor, f"memory://{vendor.name}", clock=lambda: moments[-1]) as client,
        campaigns(tmp_path, client) as campaign,
    ):
        run, planned = campaign.plan(rows)
        moments.append(now + timedelta(minutes=10))  # while a person looked at the preview
        with planned:
            run.add(planned, client)
        moments.append(now + timedelta(minutes=20))
        send(run, patience=0.5)
        results = Ran(run, planned).results
    assert [result.outcome for result in results] == [ACCEPTED, REFUSED_HERE, NOT_SENT]
    assert results[1].error.startswith("send_at: 2026-01-02T03:09:05+00:00 is in the past")
    assert len(vendor.exchange.messages) == 1


# Runs that go on.

HEADER = "number,text,reference"


def test_a_changed_file_sends_what_is_new_and_says_what_changed(tmp_path: Path) -> None:
    vendor = Vendor()
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        campaign.send(table("0900000001,a", "0900000002,b", "0900000003,c", "0900000004,d"))
        changed = table("0900000005,e", "0900000001,a", "0900000002,b2", "0900000003,c", "+886900000001,a")
        ran = campaign.send(changed)
        changes = ran.planned.changes
        assert changes is not None
        # The last row repeats one, which the file has twice now.
        assert (changes.added, changes.edited, changes.removed, changes.taken_back) == (2, 1, 1, 0)
        assert ran.outcomes == [ACCEPTED] * 4 + [DUPLICATE]
        assert [row.cells[1] for row in ran.run.rows()] == ["e", "a", "b2", "c", "a"]
        assert ran.run.overview().removed == {ACCEPTED: 2}
        assert campaign.send(changed).planned.changes is None
    assert sorted(message.text for message in vendor.exchange.accepted) == ["a", "b", "b2", "c", "d", "e"]


def test_what_waits_and_is_not_in_the_file_any_more_is_taken_back(tmp_path: Path) -> None:
    vendor = Vendor()
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        campaign.put(table("0900000001,a", "0900000002,b", "0900000003,c"))
        ran = campaign.send(table("0900000001,a", "0900000002,new"))
        assert ran.planned.changes is not None
        assert (ran.planned.changes.edited, ran.planned.changes.removed) == (1, 1)
        assert ran.planned.changes.taken_back == 2
        assert ran.planned.estimate.messages == 2  # the one that waits is counted too
        assert ran.outcomes == [ACCEPTED, ACCEPTED]
        back = campaign.send(table("0900000001,a", "0900000002,b"), again=True)
        assert back.outcomes == [ACCEPTED, ACCEPTED]
    assert sorted(message.text for message in vendor.exchange.accepted) == ["a", "b", "new"]


def test_an_inserted_row_edits_no_other(tmp_path: Path) -> None:
    with Vendor().connect() as client, campaigns(tmp_path, client) as campaign:
        campaign.send(table("0900000001,a", "0900000002,b"))
        changes = campaign.put(table("0900000009,z", "0900000001,a", "0900000002,b")).planned.changes
        assert changes is not None
        assert (changes.added, changes.edited, changes.removed) == (1, 0, 0)


def test_a_repetition_of_a_row_that_was_sent_stays_one(tmp_path: Path) -> None:
    vendor = Vendor()
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        rows = table("0900000001,a", "0900000001,a", "900000001,a")
        for _ in range(2):
            assert campaign.send(rows, again=True).outcomes == [ACCEPTED, DUPLICATE, REFUSED_HERE]
        campaign.send(table("0900000001,a"))
        assert campaign.send(table("0900000001,b", "0900000001,a", "0900000001,a")).outcomes == [
            ACCEPTED,
            ACCEPTED,
            DUPLICATE,
        ]
    assert [message.text for message in vendor.exchange.accepted] == ["a", "b"]


def test_a_row_that_was_refused_here_does_not_hold_back_another_with_its_text(tmp_path: Path) -> None:
    rows = ["0900000001,a,2001-01-01 09:00", "0900000001,a,", "0900000001,a,"]
    with Vendor().connect() as client, campaigns(tmp_path, client) as campaign:
        ran = campaign.send(table(*rows, header="number,text,send_at"))
        assert ran.outcomes == [REFUSED_HERE, ACCEPTED, DUPLICATE]
        assert ran.results[2].error == "repeats row 3, number and text"


def test_a_row_that_was_refused_here_is_looked_at_again(tmp_path: Path) -> None:
    vendor = Vendor()
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        header = "number,text,send_at"
        assert campaign.send(table("0900000001,a,2001-01-01 09:00", header=header)).outcomes == [REFUSED_HERE]
        assert campaign.send(table("0900000001,a,", header=header)).outcomes == [ACCEPTED]
    assert len(vendor.exchange.accepted) == 1


def test_a_reference_that_another_row_has_is_not_given_twice(tmp_path: Path) -> None:
    with Vendor().connect() as client, campaigns(tmp_path, client) as campaign:
        campaign.send(table("0900000001,a,A", header=HEADER))
        ran = campaign.send(table("0900000001,a,A", "0900000002,b,A", "0900000003,c,", header=HEADER))
        assert ran.outcomes == [ACCEPTED, REFUSED_HERE, ACCEPTED]
        assert ran.results[1].error == "reference: row 2 has this one, so reports could not be told apart"


def test_another_run_of_the_file_sends_it_again(tmp_path: Path) -> None:
    vendor = Vendor()
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        rows = table("0900000001,a", "0900000002,b")
        first = campaign.put(rows)
        second = campaign.send(rows, name="may")
        assert second.outcomes == [ACCEPTED, ACCEPTED]
        assert first.outcomes == [NOT_SENT, NOT_SENT]  # each run sends its own rows alone
        assert campaign.send(rows).run.id == second.run.id  # the latest goes on
    assert len(vendor.exchange.accepted) == 2


def test_what_was_forgotten_is_not_sent_again(tmp_path: Path) -> None:
    vendor = Vendor()
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        rows = table("0900000001,geheim", "0900000002,b")
        ran = campaign.send(rows)
        assert ran.run.forget() == 2
        assert [row.cells for row in ran.run.rows()] == [(), ()]
        assert campaign.send(rows).outcomes == [ACCEPTED, ACCEPTED]
    assert len(vendor.exchange.accepted) == 2


# Texts that take several messages.


def test_the_parts_of_a_text_are_one_row(tmp_path: Path) -> None:
    vendor = Vendor(without=NO_PERSONAL_TEXTS, prepare=in_words)
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        ran = campaign.send(table("0900000001,one end", "0900000002,one end", "0900000003,two end"))
        estimate = ran.planned.estimate
        assert (estimate.messages, estimate.requests, estimate.segments) == (3, 4, 6)
        assert ran.outcomes == [ACCEPTED] * 3
        assert [message.text for message in vendor.exchange.accepted if message.number.endswith("3")] == ["two", "end"]


def test_a_text_whose_end_was_refused_is_for_a_person_to_see_to(tmp_path: Path) -> None:
    def refuse(operation: Send) -> None:
        if operation.one_text == "end":
            raise RecipientRefused("no more of this")

    vendor = Vendor(without=NO_PERSONAL_TEXTS, prepare=in_words, before_send=refuse)
    with vendor.connect() as client, campaigns(tmp_path, client) as campaign:
        ran = campaign.send(table("0900000001,one end", "0900000002,two"))
        assert ran.outcomes == [UNKNOWN, ACCEPTED]
        assert [result.error for result in ran.results] == ["no more of this", ""]


def test_long_texts_abroad_over_smsgo(tmp_path: Path) -> None:
    options = MessageDefaults(options=(SmsgoOptions(long_abroad="split"),))
    long_text = "您好，" * 40
    rows = table(f"+85200000001,{long_text}", f"+85200000002,{long_text}x")
    with (
        Sandbox() as box,
        sms_core.connect(box.dsn("smsgo", retries=0)) as client,
        campaigns(tmp_path, client, concurrency=2) as campaign,
    ):
        ran = campaign.send(rows, options)
        assert ran.planned.estimate.messages == 2
        assert ran.planned.estimate.requests == len(box.exchange.accepted) > 2
        assert ran.outcomes == [ACCEPTED, ACCEPTED]
        parts = [message.text for message in box.exchange.accepted if message.number == "+85200000001"]
        assert [part[:6] for part in parts] == ["(1/2) ", "(2/2) "]
        assert "".join(part[6:] for part in parts) == long_text
