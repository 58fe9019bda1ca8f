"""What `sms campaign` names next is a command that works as it stands, with the options that it needs."""

from __future__ import annotations

import re
import shlex
from functools import partial
from pathlib import Path

import pytest

from plugins.cli.tests.conftest import Done, Sms
from sms_core.testing import Exchange
from sms_core_cli.campaign import Store, place_of
from sms_core_cli.command import without_password
from sms_core_outbox import State
from sms_core_sandbox import Sandbox

FILE = "my people.csv"
AS_IT_IS_READ = ("--column", "number=聯絡", "--text", "【互動資通】{姓名}您好")
"""Without these nobody could tell the numbers, and there would be no text."""


@pytest.fixture(autouse=True)
def file(tmp_path: Path) -> Path:
    path = tmp_path / FILE
    path.write_text("聯絡,姓名\n0900000001,王\n0900000002,林\n", encoding="utf-8")
    return path


def hinted(done: Done, part: str) -> list[str]:
    """The words of the command with this part in it that a run names, without `sms`."""
    commands = re.findall(r"sms campaign .*", done.out + done.err)
    return shlex.split(next(command for command in commands if part in command))[1:]


def test_a_file_without_a_run_names_the_command_that_begins_it_with_the_same_account_and_place(sms: Sms) -> None:
    done = sms(
        *("campaign", "settle", FILE, "--run", "december"),
        *("--outbox", "sqlite:///shared.db", "--dsn", "memory://u:geheim@hint"),
        dsn=None,
    )
    assert (done.code, "geheim" in done.err) == (2, False)
    assert "has no run called 'december': sms campaign 'my people.csv' --dsn memory://u:PASSWORD@hint" in done.err
    assert "--outbox sqlite:///shared.db --run december begins one" in done.err


def test_from_a_dry_run_by_a_lost_answer_to_the_next_run_by_what_is_named(sms: Sms) -> None:
    with Sandbox(filter_sees_all=True) as box:
        dsn = box.dsn("every8d", batch_size=1)

        def run(words: list[str], *more: str) -> Done:
            with_password = [word.replace(without_password(dsn), dsn) for word in words]
            return sms(*with_password, *more, dsn=None)

        box.faults.add("drop_after", match="Send")
        options = ("--dsn", dsn, "--concurrency", "1", "--overwrite")
        first = [*hinted(run(["campaign", FILE, *AS_IT_IS_READ, *options, "--dry-run"]), FILE), "--yes"]
        assert "--overwrite" in first
        done = run(first)
        assert (done.code, len(box.exchange.accepted)) == (4, 2)
        done = run(hinted(done, "settle"))
        assert (done.code, hinted(done, "--wait")[:3]) == (0, ["campaign", "continue", FILE])
        assert hinted(run(["campaign", "status", FILE]), "--run")[:2] == ["campaign", FILE]
        words = hinted(run(first), "--run")
        assert words[words.index("--concurrency") + 1] == "1"
        done = run([word.replace("NAME", "december") for word in words], "--yes")
        assert (done.code, len(box.exchange.accepted)) == (0, 4)
        assert Path("results-december.csv").exists()
        assert run(hinted(done, "--wait")[:-1], "1s").code == 0


def test_from_a_pause_to_rows_that_ended_unsent_by_what_is_named_in_chinese(
    sms: Sms, exchange: Exchange, memory_name: str, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.add_account("u", "p", 1)
    run = partial(sms, dsn=f"memory://u:p@{memory_name}?batch_size=1", SMS_LANG="zh_TW")
    first = ("campaign", FILE, *AS_IT_IS_READ, "--rate", "100", "--yes")
    done = run(*first)
    assert "100" in hinted(done, "continue")
    assert caplog.messages == []  # which a person would see between the lines, in English
    assert hinted(run("campaign", "status", FILE), "continue") == ["campaign", "continue", FILE]
    held = run("campaign", "pause", FILE)
    exchange.set_credit("u", 9)
    done = run(*first)
    assert (done.code, hinted(done, "continue")[:3]) == (3, hinted(held, "continue"))
    with Store(place_of(file), "") as store:
        store.outbox.take_back([row.id for row in store.outbox.find(state=State.READY)], by="a test")
    done = run(*hinted(done, "continue"), "--yes")
    assert (done.code, len(exchange.accepted)) == (5, 1)
    words = hinted(run(*first), "--refused-too")
    assert (run(*words, "--yes").code, len(exchange.accepted)) == (0, 2)
