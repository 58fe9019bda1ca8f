"""Settling, cancelling, replies, texts from standard input, the doctor's questions, completion, examples, narrow terminals."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import click
import pytest
from rich.cells import cell_len

from plugins.cli.tests.conftest import Sms
from sms_core import Message
from sms_core.testing import Exchange
from sms_core_cli.app import app
from sms_core_cli.command import without_password
from sms_core_outbox import Outbox
from sms_core_sandbox import Sandbox


def test_a_send_that_is_unknown_names_the_command_that_settles_it(sms: Sms) -> None:
    with Sandbox(filter_sees_all=True) as box:
        dsn = box.dsn("every8d", filter_sees_all="true", retries=0)
        box.faults.add("drop_after", match="SendSMS")
        done = sms("send", "it's 您好", "--to", "0900000001", dsn=dsn)
        assert done.code == 4
        command = re.search(r"Ask what became of it: sms (.*)", done.err)
        assert command is not None
        taken = box.exchange.accepted
        settled = sms(*shlex.split(command[1]), dsn=dsn)
        assert box.exchange.accepted == taken
    assert settled.code == 0
    assert taken[0].batch_id in settled.out


def test_where_a_vendor_cannot_be_asked_it_says_so(sms: Sms) -> None:
    with Sandbox() as box:
        box.faults.add("drop_after", match="SendSMS")
        done = sms("send", "hi", "--to", "0900000001", dsn=box.dsn("smsgo", retries=0))
        assert (done.code, "cannot be asked" in done.err) == (4, True)
        done = sms("settle", "hi", "--to", "0900000001", "--json", dsn=box.dsn("smsgo"))
    assert done.code == 4
    assert [row["outcome"] for row in done.data["outcomes"]] == ["unknown"]


def test_a_booking_is_taken_back(sms: Sms, exchange: Exchange) -> None:
    sent = sms("send", "hi", "--to", "0900000001", "--send-at", "2099-01-01T09:00", "--json").data
    batch = sent["outcomes"][0]["batch_id"]
    assert sms("cancel", batch, answer="n\n").code == 3
    done = sms("cancel", batch, answer="y\n")
    assert (done.code, "Took back 1 message, 1 point back." in done.out) == (0, True)
    assert sms("cancel", batch, "--yes").code == 3


def test_replies_are_shown(sms: Sms, exchange: Exchange) -> None:
    batch = sms("send", "hi", "--to", "0900000001", "--json").data["outcomes"][0]["batch_id"]
    exchange.reply("+886900000001", "好")
    done = sms("inbound", batch)
    assert (done.code, "1 reply." in done.out, "好" in done.out) == (0, True, True)
    assert sms("inbound", batch, "--json").data[0]["text"] == "好"


def test_reports_of_one_number(sms: Sms, exchange: Exchange) -> None:
    batch = sms("send", "hi", "--to", "0900000001", "--to", "0900000002", "--json").data["outcomes"][0]["batch_id"]
    assert "2 reports." in sms("reports", batch).out
    done = sms("reports", batch, "--number", "0900-000-002")
    assert "1 report." in done.out
    assert "+886900000001" not in done.out
    assert sms("reports", batch, "--number", "12").code == 2


def test_a_text_from_standard_input(sms: Sms, exchange: Exchange) -> None:
    assert sms("send", "-", "--to", "0900000001", answer="第一行\n第二行\n").code == 0
    assert exchange.accepted[0].text == "第一行\n第二行"
    assert sms("preview", "-", "--to", "0900000001", "--json", answer="hi\n").data["recipients"][0]["characters"] == 2


def findings(sms: Sms, *options: str, dsn: str | None, **environment: str) -> dict[str, tuple[bool, str]]:
    rows = sms("doctor", "--json", *options, dsn=dsn, **environment).data
    return {row["what"]: (row["good"], row["found"]) for row in rows}


def test_the_doctor_asks_the_vendor_and_looks_at_its_clock(sms: Sms) -> None:
    with Sandbox() as box:
        found = findings(sms, dsn=box.dsn("every8d"))
        assert found["reachable"][0]
        assert found["clock"] == (True, "as the vendor's")
        assert "reachable" not in findings(sms, "--offline", dsn=box.dsn("every8d"))
        assert sms("doctor", dsn=box.dsn("every8d")).code == 0
    assert found["sms-core-cli"][0]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = findings(sms, dsn=f"every8d://u:p@127.0.0.1:{port}?scheme=http")
    assert found["reachable"][0] is False


def test_the_doctor_finds_what_is_missing(sms: Sms) -> None:
    assert findings(sms, "--offline", dsn="every8d://u@")["DSN password"] == (False, "missing")
    assert findings(sms, dsn=None)["DSN"][0]
    found = findings(sms, dsn=None, SMS_ACCOUNT="shop")
    assert found["account"] == (
        False,
        "there is no account 'shop', there is none yet: sms account add shop every8d://USER@HOST",
    )


def test_the_doctor_looks_at_the_outbox(sms: Sms, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sms.db'}"
    assert findings(sms, dsn=None, SMS_OUTBOX=url)["outbox"] == (True, "not there yet")
    assert not (tmp_path / "sms.db").exists()
    with Outbox(url, accounts={"main": "memory://"}) as box:
        box.create()
    assert findings(sms, dsn=None, SMS_OUTBOX=url)["outbox"][0]
    assert findings(sms, dsn=None, SMS_OUTBOX="mysql://u:geheim@x/y")["outbox"][0] is False
    assert "geheim" not in sms("doctor", dsn=None, SMS_OUTBOX="mysql://u:geheim@x/y").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(sms: Sms, shell: str) -> None:
    done = sms("completion", shell, dsn=None)
    assert done.code == 0
    assert "_SMS_COMPLETE" in done.out


def test_bash_completes_verbs_and_options_of_a_campaign(sms: Sms, tmp_path: Path) -> None:
    (tmp_path / "completion").write_text(sms("completion", "bash", dsn=None).out, encoding="utf-8")
    script = """
        source completion
        compopt() { :; }  # it works within a completion alone
        for word in st --dry; do
            COMP_WORDS=(sms campaign $word) COMP_CWORD=2 COMPREPLY=()
            _sms_completion sms
            echo "${COMPREPLY[@]}"
        done
    """
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        check=True,
        env={**os.environ, "PATH": search},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["status", "--dry-run"]


def commands(group: click.Group, *path: str) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found.extend(commands(command, *path, name))
        else:
            found.append(((*path, name), command))
    return found


@pytest.mark.parametrize(
    ("path", "command"), commands(app), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_each_command_s_help_has_an_example_that_it_takes(
    path: tuple[str, ...], command: click.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_OUTBOX", "sqlite:///sms.db")
    assert command.epilog is not None
    example = shlex.split(re.sub(r".*?(sms .*?)\)?\"?$", r"\1", command.epilog))
    path = tuple(filter(None, path))  # of a campaign no verb sends
    assert tuple(example[1 : 1 + len(path)]) == path
    if path != ("campaign",):  # whose file has to be there
        parent = click.Context(app, info_name="sms", help_option_names=["-h", "--help"])
        command.make_context(path[-1], example[1 + len(path) :], parent=parent)


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_shows_lines_that_fit(sms: Sms, exchange: Exchange, width: int) -> None:
    done = sms(
        "send",
        "您好",
        "--to",
        "0900000001",
        "--reference",
        "order-17",
        FORCE_COLOR="1",
        NO_COLOR="1",
        COLUMNS=str(width),
    )
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in done.out.splitlines()]
    assert all(cell_len(line) <= width for line in lines)
    assert any("+886900000001" in line for line in lines)
    assert any("order-17" in line for line in lines)


def test_a_pipe_gets_each_row_in_a_line(sms: Sms, exchange: Exchange) -> None:
    long = "r" * 150
    done = sms("send", "您好", "--to", "0900000001", "--reference", long, COLUMNS="40")
    (row,) = [line for line in done.out.splitlines() if "+886900000001" in line]
    assert long in row


def hinted(said: str, verb: str) -> list[str]:
    """The words of the command with this verb that a run names."""
    command = next(found[0] for line in said.splitlines() if (found := re.search(rf"sms outbox {verb}\b.*", line)))
    return shlex.split(command)[1:]


@pytest.mark.parametrize("spoken", ["en", "zh_TW"])
def test_what_the_outbox_names_next_is_a_command_that_works(sms: Sms, tmp_path: Path, spoken: str) -> None:
    with Sandbox(faces=["smsgo"]) as box:
        url, dsn = f"sqlite:///{tmp_path / 'my outbox.db'}", box.dsn("smsgo")
        named = ("--outbox", url, "--account", f"shop={dsn}")
        run = partial(sms, dsn=None, SMS_LANG=spoken)
        with Outbox(url, accounts={"shop": dsn}) as made:
            made.create()
            made.put(Message("hi", "0900000001"), key="a")
        assert run("outbox", "pause", "--because", "moving", *named).code == 0
        done = run("outbox", "status", *named)
        assert dsn not in done.err
        assert run(*with_password(hinted(done.err, "resume"), dsn)).code == 0
        box.faults.add("drop_after", times=None)
        done = run("outbox", "run", "--once", *named)
        done = run(*with_password(hinted(done.err, "settle"), dsn))
        done = run(*with_password(hinted(done.err, "unknown"), dsn))
        words = with_password(hinted(done.err, "resolve"), dsn)
        assert run(*words, "--yes").code == 2  # OUTCOME is for a person to say
        decided = ["not_sent" if word == "OUTCOME" else word for word in words]
        assert run(*decided, "--yes").code == 0
        assert run("outbox", "unknown", *named, "--json").data == []


def with_password(words: list[str], dsn: str) -> list[str]:
    """A command that is shown, with the password that a person puts back."""
    return [word.replace(without_password(dsn), dsn) for word in words]
