"""A campaign whose run is kept in PostgreSQL, with `--outbox`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.cli.tests.conftest import Sms
from plugins.cli.tests.running import ROWS, results, texts, work, write_table
from sms_core.testing import Exchange
from sms_core_sandbox import Sandbox
from tests.support.forks import in_children
from tests.support.postgresql import new_database, postgresql_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.fixture(autouse=True)
def hash_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a database that several machines share there is no file for it."""
    monkeypatch.setenv("SMS_OUTBOX_HASH_KEY", "0" * 64)


def test_a_run_in_postgresql_is_joined_changed_and_forgotten(
    sms: Sms, exchange: Exchange, tmp_path: Path, server: str
) -> None:
    outbox = ("--outbox", new_database(server, "verbs"))
    table = tmp_path / "people.csv"
    table.write_text("number,text\n0900000001,a\n0900000002,b\n09,c\n", encoding="utf-8")
    assert sms("campaign", "people.csv", "--yes", *outbox).code == 5
    assert sms("campaign", "people.csv", "--yes", *outbox).code == 5
    assert [message.text for message in exchange.accepted] == ["a", "b"]
    assert [row["outcome"] for row in results(table)] == ["accepted", "accepted", "refused_here"]
    assert not list(tmp_path.glob("*.sms*"))

    (tmp_path / "others.csv").write_text("number,text\n0900000001,a\n", encoding="utf-8")
    assert sms("campaign", "others.csv", "--yes", "--results", "o.csv", *outbox).code == 0
    assert len(exchange.accepted) == 3  # another file's run, though it has the same row

    table.write_text("number,text\n0900000001,a\n0900000002,edited\n", encoding="utf-8")
    asked = sms("campaign", "people.csv", *outbox, answer="y\n")
    assert asked.code == 0
    assert "The run is finished" in asked.err
    assert exchange.accepted[-1].text == "edited"

    assert sms("campaign", "status", "people.csv", "--json", *outbox).data["outcomes"]["accepted"] == 2
    assert sms("campaign", "settle", "people.csv", *outbox).code == 0
    assert sms("campaign", "pause", "people.csv", *outbox).code == 0
    assert sms("campaign", "continue", "people.csv", "--yes", *outbox).code == 0
    assert sms("campaign", "export", "people.csv", *outbox).code == 0
    assert sms("campaign", "forget", "people.csv", "--yes", *outbox).code == 0
    assert sms("campaign", "people.csv", "--yes", *outbox).code == 0
    assert len(exchange.accepted) == 4


def test_processes_that_share_postgresql_send_each_row_once(tmp_path: Path, server: str) -> None:
    file = write_table(tmp_path)
    with Sandbox() as box:
        options = ("--outbox", new_database(server, "processes"))
        assert in_children(3, work(file, box.dsn("every8d", batch_size=1), options=options)) == [0] * 3
        assert set(Counter(message.text for message in box.exchange.accepted).values()) == {1}
        assert texts(results(file), "accepted") == {message.text for message in box.exchange.accepted}
        assert len(box.exchange.accepted) == ROWS
