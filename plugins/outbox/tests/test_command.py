"""``sms outbox``: what a person at a terminal, or a script, does with an outbox."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sms_core import Message
from sms_core.testing import memory_exchange
from sms_core_cli.app import app
from sms_core_cli.chosen_outbox import ChosenOutbox
from sms_core_outbox import Failover, Outbox, Put, Rate, State
from tests.support.children import child

A, REFUSING = "+886900000001", "+886900000909"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Outbox]:
    memory_exchange("command").reset()
    with Outbox(f"sqlite:///{tmp_path}/sms.db", accounts={"main": "memory://command"}) as outbox:
        outbox.create()
        yield outbox


def sms(tmp_path: Path, *words: str) -> Result:
    command, *rest = words
    where = ["--outbox", f"sqlite:///{tmp_path}/sms.db", "--dsn", "memory://command"]
    return CliRunner().invoke(app, ["outbox", command, *rest, *where])


def said(tmp_path: Path, *words: str) -> Any:
    result = sms(tmp_path, *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_from_a_put_to_its_end(box: Outbox, tmp_path: Path) -> None:
    box.put(Message("hi", [A, REFUSING]), key="k")
    assert said(tmp_path, "status")["counts"] == {"ready": 2}
    assert said(tmp_path, "run", "--once")["accepted"] == 1
    assert [row["state"] for row in said(tmp_path, "show", "k")["rows"]] == ["accepted", "refused"]
    assert [row["number"] for row in said(tmp_path, "find", "--state", "refused")] == [REFUSING]
    assert said(tmp_path, "find", "--number", A)[0]["key"] == "k"
    assert said(tmp_path, "unknown") == []
    assert said(tmp_path, "settle")["asked"] == 0
    assert [found["done"] for found in said(tmp_path, "cancel", "k")] == [False, False]
    assert said(tmp_path, "forget", "--days", "0") == {"say": "2 rows blanked"}


def test_pausing_and_going_on(box: Outbox, tmp_path: Path) -> None:
    box.put(Message("hi", A), key="k")
    said(tmp_path, "pause", "--because", "the vendor is moving")
    assert said(tmp_path, "status")["paused"] == {"main": "the vendor is moving"}
    assert said(tmp_path, "run", "--once")["claimed"] == 0
    assert said(tmp_path, "resume") == {"say": "the account goes on"}
    assert said(tmp_path, "run", "--once")["claimed"] == 1


def test_the_status_names_a_vendor_that_rests(tmp_path: Path) -> None:
    several = Failover({"first": "every8d://u:p@127.0.0.1:1?scheme=http"}, rest=timedelta(hours=1))
    with Outbox(f"sqlite:///{tmp_path}/sms.db", accounts={"main": several}) as outbox:
        outbox.create()
        outbox.put(Message("hi", A), key="k")
        outbox.drain()
    assert said(tmp_path, "status")["resting"].keys() == {"main/first"}
    assert "Nothing goes to main/first before " in sms(tmp_path, "status").stdout


def test_rates_are_given_by_account_and_purpose(box: Outbox, tmp_path: Path) -> None:
    box.put_many(Put(Message(f"text {number}", A), f"k{number}", purpose="news") for number in range(2))
    box.put(Message("code", A), key="code", purpose="otp")
    result = sms(tmp_path, "run", "--once", "--rate", "main/news")
    assert result.exit_code != 0
    assert "--rate needs an account's name" in result.stderr
    assert sms(tmp_path, "run", "--once", "--rate", "mian=1").exit_code != 0
    assert box.get("code").rows[0].state is State.READY
    rates, questions = ("main=100", "main/news=0.001"), ("main=2",)
    chosen = ChosenOutbox(f"sqlite:///{tmp_path}/sms.db", {"main": "memory://command"})
    with chosen.open(8, rates, questions) as outbox:
        assert outbox.drain_until(lambda: box.stats().counts.get(State.ACCEPTED, 0) >= 2).accepted == 2


def test_rates_of_the_accounts_file(box: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "accounts.toml"
    file.touch(mode=0o600)
    monkeypatch.setenv("SMS_ACCOUNTS", str(file))
    account = '[accounts.main]\ndsn = "memory://command"\nrate = 50\nquestions = 2\nlanes = {news = 5, otp = 9}'
    file.write_text(account)
    chosen = ChosenOutbox(f"sqlite:///{tmp_path}/sms.db", {"main": None})
    lanes = {"news": Rate(5), "otp": Rate(9)}
    with chosen.open() as outbox:
        assert outbox._resources.rates == {"main": Rate(50, questions_per_second=2, lanes=lanes)}
    with chosen.open(8, ["main=0.001", "main/news=7"]) as outbox:  # an option goes before the file
        narrower = Rate(0.001, questions_per_second=2, lanes={**lanes, "news": Rate(7)})
        assert outbox._resources.rates == {"main": narrower}
    where = ["--outbox", chosen.url, "--account", "main"]
    for wrong in ("rate = 0", 'questions = "many"', "lanes = {news = true}", "lanes = 5"):
        key = wrong.partition(" ")[0]
        file.write_text(f'[accounts.main]\ndsn = "memory://command"\n{wrong}')
        result = CliRunner().invoke(app, ["outbox", "settle", *where])
        assert result.exit_code != 0
        assert f"the {key}" in result.stderr.replace("\n", " ")
    file.write_text(account)
    added = CliRunner().invoke(app, ["account", "add", "main", "memory://command", "--no-password", "--replace"])
    assert added.exit_code == 0
    assert CliRunner().invoke(app, ["outbox", "settle", *where]).exit_code == 0
    with chosen.open() as outbox:
        assert outbox._resources.rates["main"].lanes == lanes


def test_an_account_of_several_vendors(box: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are accounts of the file, in the order in which they are tried."""
    file = tmp_path / "accounts.toml"
    file.touch(mode=0o600)
    monkeypatch.setenv("SMS_ACCOUNTS", str(file))
    away = "every8d://u:p@127.0.0.1:1?scheme=http"
    file.write_text(f'[accounts.first]\ndsn = "{away}"\nrate = 50\n[accounts.reserve]\ndsn = "memory://command"\n')
    where = ["--outbox", f"sqlite:///{tmp_path}/sms.db", "--account", "main=first,reserve", "--json"]
    with ChosenOutbox(f"sqlite:///{tmp_path}/sms.db", {"main": ("first", "reserve")}).open() as outbox:
        outbox.put(Message("hi", A), key="k")
        assert outbox._resources.rates == {"main/first": Rate(50)}
    for _ in range(2):  # one that is out of reach, and one that is not
        assert CliRunner().invoke(app, ["outbox", "run", "--once", *where]).exit_code == 0
    shown = CliRunner().invoke(app, ["outbox", "show", "k", *where])
    (row,) = json.loads(shown.stdout)["rows"]
    assert (row["state"], row["vendor"]) == ("accepted", "reserve")
    refused = CliRunner().invoke(app, ["outbox", "status", *where[:2], "--account", "main=first,reverse"])
    assert refused.exit_code == 2
    assert "no account 'reverse'" in refused.stderr


@pytest.mark.parametrize("command", ["status", "unknown", "settle", "find"])
def test_each_for_people(box: Outbox, tmp_path: Path, command: str) -> None:
    box.put(Message("hi", A), key="k")
    result = sms(tmp_path, command)
    assert result.exit_code == 0
    assert result.stdout


def test_a_person_resolves_by_id(box: Outbox, tmp_path: Path) -> None:
    ticket = box.put(Message("hi", A), key="k")
    with box._database.write() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_row SET state = 'unknown'")
    words = ["resolve", str(ticket.rows[0].id), "not_sent", "--because", "not on its page", "--by", "ann", "--yes"]
    assert said(tmp_path, *words) == {"say": "row 1 is not_sent now"}
    assert box.get("k").rows[0].state is State.NOT_SENT
    again = sms(tmp_path, *words, "--json")
    assert again.exit_code == 3
    assert json.loads(again.stderr)["error"]["type"] == "StateChanged"


def test_what_is_resolved_to_be_sent_after_its_deadline_is_not(box: Outbox, tmp_path: Path) -> None:
    ticket = box.put(Message("hi", A), key="k")
    with box._database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE sms_outbox_row SET state = 'unknown', claim = '', claimed_at = 1, deadline_at = 1"
        )
    words = ["resolve", str(ticket.rows[0].id), "not_sent", "--because", "not on its page", "--resend", "--yes"]
    assert said(tmp_path, *words) == {"say": "row 1 is not_sent now"}


def test_wrong_use(tmp_path: Path) -> None:
    assert sms(tmp_path, "show", "k").exit_code == 2
    assert "outbox.create()" in sms(tmp_path, "status").stderr


def test_sigterm_ends_a_worker(box: Outbox, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sms_core_cli", "outbox", "run", "--json", "--dsn", "memory://command"]
    with child([*command, "--outbox", f"sqlite:///{tmp_path}/sms.db"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"say": "the worker runs"}
        box.put(Message("hi", A), key="k")
        end = time.monotonic() + 20
        while box.get("k").rows[0].state is not State.ACCEPTED:
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert json.loads(process.stdout.readline()) == {"say": "the worker has ended"}
        assert process.wait(20) == 0
