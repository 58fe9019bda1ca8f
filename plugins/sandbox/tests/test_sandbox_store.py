"""What the sandbox keeps: in a file across kills, in memory up to a bound."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
import urllib3

import sms_core
from sms_core import ConfigurationError
from sms_core.testing import Approved, Draft
from sms_core_sandbox import Sandbox
from sms_core_sandbox.store import Filter, Store, Views


@contextmanager
def running(db: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-u", "-m", "sms_core_sandbox", "--port", "0", "--db", str(db)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"inbox +(\S+)/$", line.rstrip()):
                break
        yield found[1], process
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    db = tmp_path / "sandbox.db"
    with running(db) as (url, process):
        port = url.rpartition(":")[2]
        dsn = f"every8d://sandbox:sandbox-password@127.0.0.1:{port}/every8d?scheme=http"
        with sms_core.connect(dsn) as sms:
            results = [sms.send(f"text {index}", to=["0900000001", "0900000900"]) for index in range(20)]
            credit = sms.balance().credit
        process.send_signal(signal.SIGKILL)
    with Sandbox(faces=["every8d"], db=db) as box, sms_core.connect(box.dsn("every8d")) as sms:
        answered = [(row.batch_id, row.number) for result in results for row in result.outcomes]
        assert [(sent.batch_id, sent.number) for sent in box.exchange.accepted] == answered
        assert sms.balance().credit == credit
        assert [report.status.name for report in sms.reports(results[0])] == ["DELIVERED", "SENT"]
        assert box.inbox.wait("0900000001", timeout=0).text == "text 0"
        assert len(box.views.message(1)["history"]) == 3


def test_a_booking_goes_out_after_a_restart(tmp_path: Path) -> None:
    with Sandbox(faces=["every8d"], db=tmp_path / "box.db") as box, sms_core.connect(box.dsn("every8d")) as sms:
        tomorrow = box.clock.now() + timedelta(days=1)
        sms.send(sms_core.Message("booked", to="0900000001", send_at=tomorrow))
    with Sandbox(faces=["every8d"], db=tmp_path / "box.db") as box:
        assert [message.status.value for message in box.exchange.messages] == ["scheduled"]
        box.clock.advance(days=2)
        assert [message.status.value for message in box.exchange.messages] == ["delivered"]


def test_what_a_face_knows_of_its_batches_outlives_a_restart(tmp_path: Path) -> None:
    db = tmp_path / "box.db"
    mitake, twilio = "mitake/SmSend?CharsetURL=UTF-8", f"twilio/2010-04-01/Accounts/AC{'0' * 32}/Messages"
    sms = {
        "username": "sandbox",
        "password": "sandbox-password",
        "dstaddr": "0900000001",
        "smbody": "x",
        "clientid": "a",
    }
    headers = urllib3.make_headers(basic_auth=f"AC{'0' * 32}:sandbox-password")
    create = {"To": "+886900000001", "From": "+12025550100", "Body": "secret", "MediaUrl": "https://example.org/a.png"}

    with Sandbox(faces=["mitake", "twilio"], db=db) as box:
        first = urllib3.request("POST", f"{box.url}/{mitake}", fields=sms).data
        made = urllib3.request("POST", f"{box.url}/{twilio}.json", fields=create, headers=headers).json()
        at = f"{twilio}/{made['sid']}.json"
        urllib3.request("POST", f"{box.url}/{at}", fields={"Body": ""}, headers=headers)
        box.exchange.of("mitake").set_approved("sandbox", Approved(names=["店"]))
        box.store.write_accounts()
    with Sandbox(faces=["mitake", "twilio"], db=db) as box:
        again = urllib3.request("POST", f"{box.url}/{mitake}", fields=sms).data
        kept = urllib3.request("GET", f"{box.url}/{at}", headers=headers).json()
        assert (b"Duplicate=Y" in first, b"Duplicate=Y" in again) == (False, True)
        assert again.partition(b"msgid=")[2][:10] == first.partition(b"msgid=")[2][:10]
        assert len(box.exchange.messages) == 2
        assert (kept["from"], kept["num_media"], kept["body"]) == ("+12025550100", "1", "")
        assert box.exchange.of("mitake").account("sandbox").approved == Approved(names=["店"])


def test_two_sandboxes_never_share_a_file(tmp_path: Path) -> None:
    db = tmp_path / "box.db"
    with running(db), pytest.raises(ConfigurationError, match=r"another sandbox has .*box\.db open"):
        Sandbox(faces=["every8d"], db=db)
    # A killed one has let go of it.
    with Sandbox(faces=["every8d"], db=db), pytest.raises(ConfigurationError, match="another sandbox"):
        Sandbox(faces=["every8d"], db=db)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are notes, and no database at all" * 100)
    with pytest.raises(ConfigurationError, match="notes"):
        Sandbox(faces=[], db=tmp_path / "notes.txt")


def test_the_oldest_are_forgotten_with_all_that_belongs_to_them() -> None:
    with Sandbox(faces=["every8d"], keep=5) as box:
        exchange = box.exchange.of("every8d")
        for index in range(12):
            exchange.submit("sandbox", [Draft(f"+88690000090{8 if index % 2 else 1}", f"text {index}")], face="every8d")
        texts = [f"text {index}" for index in range(7, 12)]
        assert [message.text for message in exchange.messages] == texts
        api = urllib3.request("GET", f"{box.url}/_sandbox/messages").json()
        assert [message["text"] for message in api] == texts
        assert sum(phone["total"] for phone in urllib3.request("GET", f"{box.url}/_sandbox/phones").json()) == 5
        for table in ("history", "replies"):
            assert {row["serial"] for row in box.store.query(f"SELECT serial FROM {table}")} <= set(range(8, 13))


def test_what_a_face_knows_is_forgotten_with_its_batch() -> None:
    with Sandbox(faces=["every8d"], keep=2) as box:
        exchange = box.exchange.of("every8d")
        for index in range(4):
            exchange.remember("sandbox", str(index % 3), index, batch_id=f"batch {index}")
            exchange.submit("sandbox", [Draft("+886900000001", "x")], face="every8d", batch_id=f"batch {index}")
        assert [exchange.recall("sandbox", key) for key in "0123"] == [3, None, 2, None]
        assert [row["value"] for row in box.store.query("SELECT value FROM remembered ORDER BY value")] == ["2", "3"]


def test_pages_of_phones_have_each_phone_once() -> None:
    with Sandbox(faces=["every8d"]) as box:
        drafts = [Draft(f"+8869{index:08}", "hello") for index in range(1, 231)]
        box.exchange.of("every8d").submit("sandbox", drafts, face="every8d")
        found: list[str] = []
        before = None
        while phones := box.views.phones(Filter(), before=before):
            found += [phone["number"] for phone in phones]
            before = phones[-1]["place"]
        assert found == [draft.number for draft in reversed(drafts)]


class Explained:
    """A store that asks SQLite for the plan of each question."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.plans: list[str] = []

    def query(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        self.plans += [row["detail"] for row in self._store.query(f"EXPLAIN QUERY PLAN {sql}", values)]
        return self._store.query(sql, values)


NUMBER = "+886900000908"
QUESTIONS: dict[str, Callable[[Views], object]] = {
    "phones": lambda views: views.phones(Filter(), before=10),
    "phones of a number": lambda views: views.phones(Filter(number=NUMBER)),
    "phones of a status": lambda views: views.phones(Filter(status="failed")),
    "phones of a vendor": lambda views: views.phones(Filter(vendor="every8d", status="delivered")),
    "phones of a batch": lambda views: views.phones(Filter(batch="x")),
    "a conversation": lambda views: views.conversation(NUMBER, before=(10, 1)),
    "messages": lambda views: views.messages(Filter(), newest_first=True, before=10),
    "messages of a number": lambda views: views.messages(Filter(number=NUMBER), after=1),
    "messages of a batch": lambda views: views.messages(Filter(batch="x")),
    "a message": lambda views: views.message(1),
    "requests": lambda views: views.calls(before=10),
    "requests with a fault": lambda views: views.calls(faulty_only=True),
    "the summary": lambda views: views.summary(),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_reads_every_message(name: str) -> None:
    with Sandbox(faces=["every8d"]) as box:
        box.exchange.of("every8d").submit("sandbox", [Draft(NUMBER, "x")], face="every8d", batch_id="x")
        explained = Explained(box.store)
        QUESTIONS[name](Views(cast("Store", explained)))
        assert explained.plans
        whole = [plan for plan in explained.plans if re.match(r"SCAN (messages|replies|history|calls|attempts)$", plan)]
        assert not whole


def test_a_conversation_is_paged_through_messages_and_replies() -> None:
    with Sandbox(faces=["every8d"]) as box:
        exchange = box.exchange.of("every8d")
        for index in range(4):
            exchange.submit("sandbox", [Draft("+886900000001", f"text {index}")], face="every8d")
            for reply in range(index):
                exchange.reply("+886900000001", f"reply {index}.{reply}")
        whole = box.views.conversation("+886900000001")
        assert [bubble.get("text") or bubble["message"]["text"] for bubble in whole] == [
            "text 0", "text 1", "reply 1.0", "text 2", "reply 2.0", "reply 2.1", "text 3", "reply 3.0", "reply 3.1",
            "reply 3.2",
        ]  # fmt: skip
        for limit in (1, 2, 3, 7):
            paged: list[object] = []
            before = None
            while page := box.views.conversation("+886900000001", before=before, limit=limit):
                paged = [*page, *paged]
                before = (page[0]["place"], page[0]["order"])
            assert paged == whole
        since = whole[5]["place"]
        assert box.views.conversation("+886900000001", since=since) == whole[3:]
