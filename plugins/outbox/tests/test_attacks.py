"""What a stranger would try: shared folders, torn files, an exit without a word, transactions that stand in each other's way."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from outbox_vendor import HASH_KEY, Vendor, accepted_but_unheard
from test_settling import KEYED

from sms_core import ConfigurationError, Message
from sms_core.http import Request, Response
from sms_core_outbox import Alarm, DatabaseUnavailable, Outbox, Put, State

A, B = "+886900000001", "+886900000002"
PATIENCE = 20.0


@pytest.fixture
def new_database(postgresql: str) -> Callable[[], str]:
    """Makes a database on the server, and gives its URL."""

    def make() -> str:
        name = f"attack_{secrets.token_hex(4)}"
        host = sqlalchemy.make_url(postgresql).query["host"]
        with psycopg.connect(host=host, user="sms", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return postgresql.replace("/postgres?", f"/{name}?")

    return make


def rename(url: str, name: str, other: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {other}")
    engine.dispose()


def accept_without_a_history(vendor: Vendor, url: str) -> Callable[[Request], Response]:
    """The vendor takes it, and from then on the database takes no result."""

    def act(request: Request) -> Response:
        rename(url, "sms_outbox_history", "away")
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    return act


def spill(url: str, state: Path, vendor: Vendor) -> None:
    """Leave the result of a send in a file."""
    with Outbox(url, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=state) as outbox:
        outbox.create()
        outbox.put(Message("hi", A), key="k")
        vendor.answers = [accept_without_a_history(vendor, url)]
        with pytest.raises(Exception, match="sms_outbox_history"):
            outbox.drain()
    rename(url, "away", "sms_outbox_history")
    assert len(list(state.glob("*.spill"))) == 1


def test_a_spill_file_waits_for_its_own_database(
    new_database: Callable[[], str], tmp_path: Path, vendor: Vendor
) -> None:
    mine, another = new_database(), new_database()
    spill(mine, tmp_path, vendor)
    alarms: list[Alarm] = []
    for url in (another, mine):
        with Outbox(
            url, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path, on_alarm=alarms.append
        ) as outbox:
            outbox.create()
            outbox.drain()
            found = outbox.find()
    assert [(row.state, row.batch_id) for row in found] == [(State.ACCEPTED, "b1")]
    assert alarms == []


def test_a_spill_file_that_was_torn_in_the_middle_of_a_character(
    url: str, open_outbox: Callable[..., Outbox], tmp_path: Path, vendor: Vendor
) -> None:
    state = tmp_path / "state"
    spill(url, state, vendor)
    (file,) = state.glob("*.spill")
    file.write_bytes(file.read_bytes() + "店".encode()[:2])
    outbox = open_outbox()
    outbox.drain()
    assert outbox.get("k").rows[0].state is State.ACCEPTED


HERE = [str(Path(__file__).parent), str(Path(__file__).parents[3])]
"""Where the modules of these tests are."""
ENDS_WITHOUT_CLOSING = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from outbox_vendor import HASH_KEY, Vendor
from test_attacks import accept_without_a_history
from sms_core import Message
from sms_core_outbox import Outbox

vendor = Vendor()
outbox = Outbox({url!r}, accounts={{"main": vendor.client()}}, hash_key=HASH_KEY, state={state!r})
outbox.create()
outbox.put(Message("hi", "+886900000001"), key="k")
vendor.answers = [accept_without_a_history(vendor, {url!r})]
outbox.drain()
"""


def test_a_process_that_ends_without_closing_writes_its_results_to_a_file(
    url: str, open_outbox: Callable[..., Outbox], tmp_path: Path
) -> None:
    script = ENDS_WITHOUT_CLOSING.format(path=HERE, url=url, state=str(tmp_path / "state"))
    ended = subprocess.run([sys.executable, "-c", script], timeout=60, check=False, capture_output=True, text=True)
    assert "sms_outbox_history" in ended.stderr
    rename(url, "away", "sms_outbox_history")
    outbox = open_outbox()
    outbox.drain()
    (row,) = outbox.get("k").rows
    assert (row.state, row.batch_id) == (State.ACCEPTED, "b1")


def test_an_outbox_closed_in_the_middle_waits_and_does_not_say_that_its_sends_are_over(
    open_outbox: Callable[..., Outbox], vendor: Vendor
) -> None:
    other = open_outbox()
    arrived, go_on = threading.Event(), threading.Event()

    def answer_slowly(request: Request) -> Response:
        arrived.set()
        assert go_on.wait(PATIENCE)
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    vendor.answers = [answer_slowly]
    outbox = open_outbox()
    outbox.put(Message("hi", A), key="k")
    outbox.worker().start()
    assert arrived.wait(PATIENCE)
    closing = threading.Thread(target=outbox.close)
    closing.start()
    other.drain()
    state = other.get("k").rows[0].state
    go_on.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert state is State.SENDING
    assert other.get("k").rows[0].state is State.ACCEPTED


def test_a_replay_holds_no_number_twice(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    vendor.info = KEYED
    outbox = open_outbox(accounts={"main": vendor.client()}, concurrency=1)
    vendor.answers = [accepted_but_unheard(vendor), accepted_but_unheard(vendor)]
    outbox.put_many([Put(Message("first", A), "1"), Put(Message("second", A), "2")])
    outbox.drain()
    vendor.requests.clear()
    outbox.settle(replay=True)
    assert vendor.requests == [[A], [A]]


def test_an_account_without_a_client_is_told_once_in_a_while(open_outbox: Callable[..., Outbox]) -> None:
    open_outbox().put(Message("hi", A), key="k")
    alarms: list[Alarm] = []
    asked: list[str] = []

    def accounts(name: str) -> str:
        asked.append(name)
        raise ConfigurationError("its DSN is gone")

    with open_outbox(accounts=accounts, on_alarm=alarms.append).worker():
        end = time.monotonic() + PATIENCE
        while len(asked) < 3 and time.monotonic() < end:
            time.sleep(0.01)
    assert len(asked) >= 3
    assert [alarm.kind for alarm in alarms] == ["configuration"]


def test_a_failing_statement_shows_no_number_and_no_text(url: str, open_outbox: Callable[..., Outbox]) -> None:
    engine = sqlalchemy.create_engine(url)  # as an application makes its own: its errors show parameters
    outbox = Outbox(engine, accounts={"main": Vendor().client()}, hash_key=HASH_KEY)
    outbox.create()
    outbox.drain()
    rename(url, "sms_outbox_row", "away")
    with pytest.raises(Exception, match="sms_outbox_row") as caught:
        outbox.put(Message("a secret", A), key="k")
    shown = f"{caught.value} {caught.value.__cause__}"
    assert "a secret" not in shown
    assert A not in shown
    engine.dispose()


def test_under_repeatable_read_a_clash_says_to_try_again(new_database: Callable[[], str], vendor: Vendor) -> None:
    url = new_database()
    engine = sqlalchemy.create_engine(url, isolation_level="REPEATABLE READ")
    with Outbox(url, accounts={"main": vendor.client()}, hash_key=HASH_KEY) as outbox:
        outbox.create()
        with engine.connect() as mine:
            mine.exec_driver_sql("SELECT count(*) FROM sms_outbox_put")
            outbox.put(Message("hi", A), key="k")
            with pytest.raises(DatabaseUnavailable, match="try this one again"):
                outbox.put(Message("hi", A), key="k", connection=mine)
    engine.dispose()


def test_a_code_whose_batch_was_anothers_is_never_sent_without_its_text(
    open_outbox: Callable[..., Outbox], vendor: Vendor
) -> None:
    """It was settled, so its text was blanked; then the batch turned out to be another row's."""
    outbox, late = open_outbox(), open_outbox(concurrency=1)
    vendor.answers = [accepted_but_unheard(vendor)]
    outbox.put(Message("123456", A), key="1", purpose="otp")
    outbox.drain()

    def settle_meanwhile(request: Request) -> Response:
        batch = vendor.take(request)
        vendor.found = f"{A}={batch}"
        assert outbox.settle().accepted == 1
        return Response(200, body=f"OK {batch}".encode())

    vendor.answers = [settle_meanwhile]
    late.put(Message("123456", A), key="2", purpose="otp")
    late.drain()
    assert outbox.get("1").rows[0].state is State.UNKNOWN
    vendor.found = "proof"
    vendor.answers = []
    outbox.settle()
    outbox.drain()
    assert [text for _, text in vendor.taken] == ["123456", "123456"]
    assert outbox.get("1").rows[0].state is State.UNKNOWN


def test_full_requests_are_gathered_among_others(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    """A claim reads rows in pages; those of one kind come between those of another."""
    vendor.recipients = 100
    outbox = open_outbox(accounts={"main": vendor.client()}, concurrency=2)
    puts = [
        Put(Message("hi", f"+88692{n:07}", subject="even" if n % 2 == 0 else "odd"), f"k{n}", priority=n // 490)
        for n in range(500)
    ]
    outbox.put_many(puts)
    outbox.drain()
    assert len(vendor.taken) == len(set(vendor.taken)) == 500
    assert len(vendor.requests) <= 20
