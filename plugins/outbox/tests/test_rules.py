"""The outbox's rules, each proven under its own name.

Of a claim: (1) it is committed, durably, before anything is sent, and whoever finds it does nothing; (2) too late, counted
from before it was asked for, it begins nothing; (3) dead, it becomes unknown and never ready, and absence is no proof while
its holder may live; (4) nothing is lost between a process and its database; (5) a late acceptance is never dropped. Then
those of settling, of reports, of keys and of accounts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from oracle import Oracle, client
from outbox_vendor import ACCEPT, HASH_KEY, Vendor
from sqlalchemy import event
from test_crashes import was_killed
from test_failures import Clocks, change
from test_keeping import everything_stored
from test_ledger import has_claimed, rename, unheard
from test_settling import CUT_OFF, KEYED, mark_unknown, put_unknown, release_row, report, state_of
from test_stopped import AFTER_THE_TEST, StoppingOracle, make_old, make_ready_by_hand, stopped_worker

from sms_core import ConfigurationError, DeliveryStatus, Message, TransportError
from sms_core.http import Request, Response
from sms_core_outbox import Alarm, DatabaseUnavailable, KeyConflict, Outbox, OutboxError, Put, State, StateChanged
from tests.support.forks import fork

A, B, C, D = (f"+88690000000{last}" for last in range(1, 5))
WORD = "hi"
SECOND = 1_000_000


@contextmanager
def killed_holder(url: str, state: Path, point: str) -> Iterator[tuple[Outbox, Oracle]]:
    """An outbox one of whose workers was killed at this point of its send; and the vendor, who knows what it took."""
    with Oracle(point) as oracle:
        options: dict[str, Any] = {"accounts": {"main": client(oracle.listen())}, "hash_key": HASH_KEY}
        with Outbox(url, state=state, **options) as outbox:
            outbox.create()
            outbox.put(Message(WORD, A), key="k")
            port = oracle.listen()
            pid, out = fork(drain(url, state, port), 0)
            oracle.introduce(port, pid)
            assert was_killed(pid)
            os.close(out)
            yield outbox, oracle


def drain(url: str, state: Path, port: int) -> Callable[[int], int]:
    def work(_: int) -> int:
        with Outbox(url, accounts={"main": client(port)}, hash_key=HASH_KEY, state=state) as outbox:
            return outbox.drain().claimed

    return work


# The claim


def test_claim_1_is_committed_before_anything_is_sent_and_whoever_finds_it_does_nothing(
    open_outbox: Callable[..., Outbox], vendor: Vendor
) -> None:
    other = open_outbox()

    def look_meanwhile(request: Request) -> Response:
        assert state_of(other) is State.SENDING
        assert other.drain().claimed == 0
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    vendor.answers = [look_meanwhile]
    outbox = open_outbox()
    outbox.put(Message("hi", A), key="k")
    assert outbox.drain().accepted == 1
    assert vendor.taken == [(A, "hi")]


def test_claim_1_its_commit_reaches_the_disk(url: str, vendor: Vendor, tmp_path: Path) -> None:
    """Even where the server's default is to answer before it has written."""
    is_sqlite = url.startswith("sqlite")
    engine = sqlalchemy.create_engine(url if is_sqlite else f"{url}%20-csynchronous_commit%3Doff")
    found: list[object] = []

    def look(connection: sqlalchemy.Connection) -> None:
        found.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar())

    def look_in_sqlite(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if statement == "COMMIT":
            found.append([cursor.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")])

    with Outbox(engine, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path) as outbox:
        outbox.create()
        if is_sqlite:
            event.listen(engine, "before_cursor_execute", look_in_sqlite)
        else:
            event.listen(engine, "commit", look)
        outbox.put(Message(WORD, A), key="k")
        assert outbox.drain().accepted == 1
    engine.dispose()
    assert len(found) > 3
    assert all(entry == ([("wal",), (2,)] if is_sqlite else "on") for entry in found)


def test_claim_2_too_late_counts_from_before_it_was_asked_for(
    url: str, vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that takes its time over the claim uses up the claim's own."""
    clocks = Clocks(monkeypatch)
    engine = sqlalchemy.create_engine(url)

    def take_long(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE sms_outbox_row SET state="):
            clocks.up = 20.0

    with Outbox(engine, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path) as outbox:
        outbox.create()
        outbox.put(Message(WORD, A), key="k")
        event.listen(engine, "before_cursor_execute", take_long)
        assert outbox.drain().retried == 1
        event.remove(engine, "before_cursor_execute", take_long)
        assert vendor.requests == []
        change(url, "UPDATE sms_outbox_row SET ready_at = 1")
        assert outbox.drain().accepted == 1
    engine.dispose()


def test_claim_3_becomes_unknown_after_its_age_and_its_holders_deadline(url: str, tmp_path: Path) -> None:
    """Whoever sweeps may have accounts whose calls end sooner."""
    vendor, hasty = Vendor(), Vendor()

    def grow_old(request: Request) -> Response:
        for seconds, state in ((100, State.SENDING), (500, State.UNKNOWN)):
            change(url, f"UPDATE sms_outbox_row SET claimed_at = claimed_at - {seconds}000000")
            other.drain()
            assert other.get("k").rows[0].state is state
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    vendor.answers = [grow_old]
    accounts = {"main": vendor.client(deadline=300.0)}
    with (
        Outbox(url, accounts=accounts, hash_key=HASH_KEY, state=tmp_path) as outbox,
        Outbox(url, accounts={"main": hasty.client()}, hash_key=HASH_KEY, state=tmp_path) as other,
    ):
        outbox.create()
        outbox.put(Message(WORD, A), key="k")
        assert outbox.drain().accepted == 1
        assert (len(vendor.taken), hasty.taken) == (1, [])


def test_claim_3_a_proven_end_is_enough_at_once_and_frees_the_lane(url: str, tmp_path: Path) -> None:
    with killed_holder(url, tmp_path, "request begun") as (outbox, oracle):
        outbox.put(Message("the next", A), key="next")
        outbox.drain()
        assert (state_of(outbox), state_of(outbox, "next")) == (State.UNKNOWN, State.ACCEPTED)
        assert oracle.counts == {(A, "the next"): 1}


def test_claim_3_nobody_sends_again_what_a_living_holder_may_still_send(url: str, tmp_path: Path) -> None:
    """And where somebody made it ready by hand, both acceptances are kept, and an alarm tells of it."""
    state = tmp_path / "state"
    with (
        StoppingOracle() as oracle,
        Outbox(url, accounts={"main": client(oracle.listen())}, hash_key=HASH_KEY, state=state) as outbox,
    ):
        outbox.create()
        outbox.put(Message("text 1", "+886900000001"), key="k1")
        with stopped_worker(url, state, oracle, AFTER_THE_TEST) as go_on:
            make_old(url)
            outbox.drain()
            assert outbox.settle().unknown == 1
            (row,) = outbox.get("k1").rows
            with pytest.raises(OutboxError, match="may live"):
                outbox.resolve(row, State.NOT_SENT, because="it did not arrive", by="Lin", resend=True)
            make_ready_by_hand(url)
            assert outbox.drain().accepted == 1
            assert go_on() == ["double"]
        (row,) = outbox.get("k1").rows
        assert row.is_double
        assert {change.batch_id for change in row.history if change.batch_id} == {"b0", "b1"}
    assert len(oracle.taken) == 2


def test_claim_4_is_released_where_its_commit_was_not_heard(
    outbox: Outbox, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.put(Message("hi", A), key="k")
    with unheard(monkeypatch, is_claim=has_claimed), pytest.raises(DatabaseUnavailable):
        outbox.drain()
    assert outbox.get("k").rows[0].state is State.SENDING
    assert vendor.taken == []
    assert outbox.drain().accepted == 1
    assert vendor.taken == [(A, "hi")]


@pytest.mark.parametrize("accepted", [True, False])
def test_claim_4_results_that_the_database_does_not_take_go_to_a_file_and_back(
    open_outbox: Callable[..., Outbox], vendor: Vendor, tmp_path: Path, accepted: bool
) -> None:
    outbox = open_outbox(concurrency=1)

    def break_the_database(request: Request) -> Response:
        rename(outbox, "sms_outbox_history", "away")
        if not accepted:
            raise TransportError("cut off", sent=True)
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    vendor.answers = [break_the_database]
    outbox.put_many([Put(Message("hi", A), "k"), Put(Message("ho", B, subject="s"), "later")])
    with pytest.raises(Exception, match="sms_outbox_history"):  # as the driver calls a missing table
        outbox.drain()
    assert len(vendor.requests) == 1  # no further claim meanwhile
    outbox.close()
    (spill,) = (tmp_path / "state").glob("*.spill")
    assert spill.stat().st_mode & 0o077 == 0
    other = open_outbox()
    rename(other, "away", "sms_outbox_history")
    other.drain()
    (row,) = other.get("k").rows
    assert row.state is (State.ACCEPTED if accepted else State.UNKNOWN)
    assert row.batch_id == ("b1" if accepted else None)
    assert not list((tmp_path / "state").glob("*.spill"))
    assert other.get("later").rows[0].state is State.ACCEPTED


def test_claim_5_a_late_acceptance_overrides_a_persons_word(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    """The holder is slow, and someone else has taken its rows for unknown meanwhile."""
    alarms: list[Alarm] = []
    outbox = open_outbox(on_alarm=alarms.append)

    def decide_meanwhile(request: Request) -> Response:
        mark_unknown(outbox)
        (row,) = outbox.unknown()
        outbox.resolve(row, State.NOT_SENT, because="nothing was heard", by="ann")
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    vendor.answers = [decide_meanwhile]
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    (row,) = outbox.get("k").rows
    assert (row.state, row.batch_id, row.is_double) == (State.ACCEPTED, "b1", False)
    assert alarms == []


def test_claim_5_two_acceptances_are_both_kept_and_an_alarm_is_raised(
    open_outbox: Callable[..., Outbox], vendor: Vendor
) -> None:
    alarms: list[Alarm] = []
    outbox, other = open_outbox(on_alarm=alarms.append), open_outbox(on_alarm=alarms.append)

    def send_again_meanwhile(request: Request) -> Response:
        batch = vendor.take(request)
        release_row(outbox)
        assert other.drain().accepted == 1
        return Response(200, body=f"OK {batch}".encode())

    vendor.answers = [send_again_meanwhile]
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    (row,) = outbox.get("k").rows
    assert row.is_double
    assert {change.batch_id for change in row.history} == {None, "b1", "b2"}
    assert [alarm.kind for alarm in alarms] == ["double"]
    assert outbox.stats().doubles == 1


# Settling


def test_settling_the_vendors_not_knowing_counts_after_all_patience(url: str, tmp_path: Path) -> None:
    """From the claim on: its age of 10 s, a call's deadline of 60 s, and 120 s in which the vendor may be at work on it."""
    with killed_holder(url, tmp_path, "request begun") as (outbox, oracle):
        for seconds, state in ((0, State.UNKNOWN), (150, State.UNKNOWN), (190, State.READY)):
            change(url, f"UPDATE sms_outbox_row SET claimed_at = first_claimed_at - {seconds * SECOND}")
            outbox.settle()
            assert state_of(outbox) is state
        assert oracle.taken == []


def test_settling_two_rows_alike_do_not_take_the_same_batch(outbox: Outbox, vendor: Vendor) -> None:
    put_unknown(outbox, vendor, "1", "2")
    vendor.found = f"{A}=b1"
    outbox.settle()
    outbox.settle()
    assert sorted((row.state.value, row.batch_id or "") for row in outbox.find()) == [
        ("accepted", "b1"),
        ("unknown", ""),
    ]


@pytest.mark.parametrize(("answer", "state"), [("accept", State.ACCEPTED), ("NO number", State.UNKNOWN)])
def test_settling_a_replay_is_a_send_under_a_claim_of_its_own(
    open_outbox: Callable[..., Outbox], vendor: Vendor, answer: str, state: State
) -> None:
    vendor.info = KEYED
    outbox = open_outbox(accounts={"main": vendor.client()})
    vendor.answers = [CUT_OFF]
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    assert outbox.settle().unknown == 1
    assert len(vendor.requests) == 1
    vendor.answers = [answer]
    outbox.settle(replay=True)
    assert len(vendor.requests) == 2
    (row,) = outbox.get("k").rows
    assert row.state is state
    assert [change.why for change in row.history if change.state is State.SENDING] == ["", "asked again under its key"]


@pytest.mark.parametrize(("age", "count"), [(timedelta(hours=11, minutes=48), 2), (timedelta(hours=11, minutes=50), 1)])
def test_settling_a_replay_ends_before_the_vendors_window_does(
    open_outbox: Callable[..., Outbox], url: str, vendor: Vendor, age: timedelta, count: int
) -> None:
    """Of twelve hours, a call's deadline of a minute and ten more are left."""
    vendor.info = KEYED
    outbox = open_outbox(accounts={"main": vendor.client()})
    vendor.answers = [CUT_OFF]
    outbox.put(Message(WORD, A), key="k")
    outbox.drain()
    change(url, f"UPDATE sms_outbox_row SET first_claimed_at = first_claimed_at - {age // timedelta(microseconds=1)}")
    outbox.settle(replay=True)
    assert len(vendor.requests) == count


def test_settling_nothing_is_replayed_after_its_deadline(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    vendor.info = KEYED
    outbox = open_outbox(accounts={"main": vendor.client()})
    vendor.answers = [CUT_OFF]
    outbox.put_many([Put(Message("hi", A), "k", deadline=timedelta(seconds=1))])
    outbox.drain()
    with outbox._database.write() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_row SET deadline_at = 1")
    outbox.settle(replay=True)
    assert len(vendor.requests) == 1
    assert state_of(outbox) is State.UNKNOWN


@pytest.mark.parametrize("early", [True, False])
def test_settling_a_report_that_names_the_row_settles_it(outbox: Outbox, vendor: Vendor, early: bool) -> None:
    def lose_the_answer(request: Request) -> Response:
        vendor.take(request)
        if early:
            outbox.record(report("b1", "mine"))
        raise CUT_OFF

    vendor.answers = [lose_the_answer]
    outbox.put(Message("hi", A, reference="mine"), key="k")
    outbox.drain()
    if not early:
        outbox.record(report("b1", "mine"))
    (row,) = outbox.get("k").rows
    assert (row.state, row.batch_id, row.status) == (State.ACCEPTED, "b1", DeliveryStatus.DELIVERED)


def test_settling_a_person_decides_while_it_is_unknown(outbox: Outbox, vendor: Vendor) -> None:
    put_unknown(outbox, vendor, "k")
    (row,) = outbox.unknown()
    outbox.resolve(row, State.NOT_SENT, because="the vendor's page does not show it", by="ann")
    (row,) = outbox.get("k").rows
    assert (row.state, row.history[-1].by) == (State.NOT_SENT, "ann")
    with pytest.raises(StateChanged):
        outbox.resolve(row, State.ACCEPTED, because="it does", by="bob")
    outbox.drain()
    assert len(vendor.taken) == 1


# Reports


def test_reports_that_come_before_the_result_wait_for_it(outbox: Outbox, vendor: Vendor) -> None:
    def push_first(request: Request) -> Response:
        batch = vendor.take(request)
        outbox.record(report(batch))
        return Response(200, body=f"OK {batch}".encode())

    vendor.answers = [push_first]
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    (row,) = outbox.get("k").rows
    assert (row.state, row.status) == (State.ACCEPTED, DeliveryStatus.DELIVERED)


@pytest.mark.parametrize(("days", "status"), [(6, DeliveryStatus.DELIVERED), (8, None)])
def test_reports_that_fit_no_row_wait_for_seven_days(
    outbox: Outbox, url: str, days: int, status: DeliveryStatus | None
) -> None:
    outbox.record(report("b1"))
    change(url, f"UPDATE sms_outbox_event SET received_at = received_at - {days * 24 * 3600 * SECOND}")
    outbox.purge(before=timedelta(days=365))
    outbox.put(Message(WORD, A), key="k")
    outbox.drain()
    assert outbox.get("k").rows[0].status is status


def test_reports_stand_before_the_push_is_acknowledged(outbox: Outbox, open_outbox: Callable[..., Outbox]) -> None:
    """When the handler returns, whoever else looks sees it."""
    outbox.put(Message(WORD, A), key="k")
    outbox.drain()
    other = open_outbox()
    outbox.recorder("main")(report("b1"))
    assert other.get("k").rows[0].status is DeliveryStatus.DELIVERED


# Keys and cancelling


def test_keys_the_same_message_under_the_same_key_is_stored_once(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("hi", A), key="k")
    again = outbox.put(Message("hi", A), key="k")
    assert not again.is_new
    assert [row.number for row in again.rows] == [A]
    outbox.drain()
    assert outbox.put(Message("hi", A), key="k").rows[0].state is State.ACCEPTED
    outbox.drain()
    assert len(vendor.taken) == 1


@pytest.mark.parametrize(
    "other",
    [Message("ho", A), Message("hi", B), Message("hi", A, subject="s"), Message("hi", A, reference="mine")],
    ids=["text", "number", "subject", "reference"],
)
def test_keys_another_message_under_the_same_key_is_a_conflict(outbox: Outbox, other: Message) -> None:
    outbox.put(Message("hi", A), key="k")
    with pytest.raises(KeyConflict, match="'k'"):
        outbox.put_many([Put(Message("new", C), "new"), Put(other, "k")])
    assert len(outbox.find()) == 1


def test_keys_are_an_accounts_own(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_outbox(accounts={"one": vendor.client(), "two": vendor.client()})
    assert outbox.put(Message("hi", A), key="k", account="one").is_new
    assert outbox.put(Message("ho", A), key="k", account="two").is_new
    with pytest.raises(ConfigurationError, match="several accounts"):
        outbox.put(Message("hi", A), key="k")


def test_keys_outlive_what_was_forgotten(outbox: Outbox, url: str) -> None:
    """By a fingerprint whose key is nowhere in the database."""
    outbox.put(Message(WORD, A), key="k")
    outbox.drain()
    assert outbox.forget(before=timedelta(0)) == 1
    assert not outbox.put(Message(WORD, A), key="k").is_new
    with pytest.raises(KeyConflict):
        outbox.put(Message("ho", A), key="k")
    assert HASH_KEY not in everything_stored(url)


def test_keys_deadlines_count_from_the_later_of_both_times(outbox: Outbox, vendor: Vendor) -> None:
    """What the vendor books is handed over at once; what waits here is not."""
    now = datetime.now(UTC)
    outbox.put(Message(WORD, A, send_at=now + timedelta(hours=3)), key="booked")
    outbox.put(Message("ho", B), key="waits", not_before=now + timedelta(hours=2))
    outbox.drain()
    assert vendor.taken == [(A, WORD)]
    deadlines = [outbox.get(key).rows[0].deadline - now for key in ("booked", "waits")]
    assert deadlines[0] == timedelta(hours=27)
    assert timedelta(hours=26) <= deadlines[1] < timedelta(hours=26, minutes=1)


def test_keys_a_booked_time_that_has_passed_ends_unsent(outbox: Outbox, vendor: Vendor) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.4)
    outbox.put(Message("hi", A, send_at=soon), key="k")
    while datetime.now(UTC) < soon:
        threading.Event().wait(0.05)
    outbox.drain()
    assert state_of(outbox) is State.NOT_SENT
    assert vendor.requests == []


def test_keys_rows_with_other_settings_or_a_booked_time_go_by_themselves(outbox: Outbox, vendor: Vendor) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    outbox.put(Message("plain", A), key="1")
    outbox.put(Message("titled", B, subject="s"), key="2")
    outbox.put(Message("booked", C, send_at=soon), key="3")
    outbox.put(Message("booked", D, send_at=soon), key="4")
    outbox.drain()
    assert sorted(vendor.requests) == [[A], [B], [C], [D]]


def test_keys_no_request_holds_a_number_twice_and_the_order_of_puts_stays(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put_many(Put(Message(f"text {n}", A), f"k{n}") for n in range(5))
    outbox.drain()
    assert vendor.requests == [[A]] * 5
    assert vendor.taken == [(A, f"text {n}") for n in range(5)]


def test_keys_cancelling_takes_back_what_waits(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("hi", [A, B]), key="k")
    outbox.drain(limit=1)
    done = {found.row.number: (found.done, found.why) for found in outbox.cancel("k")}
    assert done == {A: (False, "the vendor took it, and it was not booked for later"), B: (True, "")}
    outbox.drain()
    assert vendor.taken == [(A, "hi")]
    assert outbox.get("k").rows[1].state is State.CANCELLED


def test_keys_cancelling_a_booking_asks_the_vendor(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("hi", A, send_at=datetime.now(UTC) + timedelta(hours=1)), key="k")
    outbox.drain()
    vendor.refusal = "NO missing"
    (refused,) = outbox.cancel("k")
    assert not refused.done
    assert "missing" in refused.why
    vendor.refusal = "OK 1 2"
    (cancelled,) = outbox.cancel("k")
    assert cancelled.done
    assert [fields["batch"] for name, fields in vendor.questions if name == "cancel"] == ["b1", "b1"]


# Accounts


def test_accounts_may_be_a_function_for_many_tenants(open_outbox: Callable[..., Outbox]) -> None:
    vendors = {"anna": Vendor(), "bert": Vendor()}
    outbox = open_outbox(accounts=lambda name: vendors[name].client())
    for name in vendors:
        outbox.put(Message(f"of {name}", A), key="k", account=name)
    outbox.drain()
    assert {name: vendor.taken for name, vendor in vendors.items()} == {name: [(A, f"of {name}")] for name in vendors}


@pytest.mark.parametrize(("words", "name"), [("NO auth", "AuthenticationFailed"), ("NO credit", "InsufficientCredit")])
def test_accounts_pause_for_all_workers(
    open_outbox: Callable[..., Outbox], vendor: Vendor, words: str, name: str
) -> None:
    alarms: list[Alarm] = []
    outbox, other = open_outbox(on_alarm=alarms.append, concurrency=1), open_outbox(accounts={"main": vendor.client()})
    vendor.answers = [words, words, words, words]
    outbox.put_many(Put(Message("hi", number, subject=number), number) for number in (A, B, C, D))
    outbox.drain()
    assert other.drain().claimed == 0
    assert len(vendor.requests) == 1
    assert [alarm.kind for alarm in alarms] == ["paused"]
    assert name in alarms[0].text
    assert {row.state for row in outbox.find()} == {State.READY}
    vendor.answers = [ACCEPT]
    other.resume()
    assert open_outbox(accounts={"main": vendor.client()}).drain().accepted == 4
