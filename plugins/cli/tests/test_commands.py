"""Every command but ``campaign``: what it shows, its JSON, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Literal

import attrs
import pytest
from attrs import frozen

import sms_core
from plugins.cli.tests.conftest import Sms
from sms_core import ConfigurationError, VendorOptions
from sms_core.testing import Exchange
from sms_core_cli.message_options import vendor_options
from sms_core_cli.output import show_error
from sms_core_every8d import SendOptions
from sms_core_sandbox import Sandbox
from tests.support.children import child

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def test_help_names_every_command_and_the_exit_codes(sms: Sms) -> None:
    done = sms("--help")
    assert done.code == 0
    for word in ("providers", "send", "campaign", "preview", "balance", "reports", "sandbox", "doctor"):
        assert f"\n  {word} " in done.out
    assert "4 unknown outcome" in done.out
    assert sms("send", "-h").code == 0


def test_version(sms: Sms) -> None:
    assert "version" in sms("--version").out


def test_providers_as_a_matrix(sms: Sms) -> None:
    done = sms("providers", dsn=None)
    assert done.code == 0
    header, first = (line for line in done.out.splitlines() if "memory" in line or "│ send " in line)
    assert "every8d" in header
    assert first.count("yes") == len(sms_core.providers())


def test_some_providers(sms: Sms) -> None:
    done = sms("providers", "every8d", "smsgo", dsn=None)
    assert "jpg, jpeg, png, gif to 300 KB" in done.out
    assert "smsgo" in done.out
    assert "sms-get" not in done.out


def test_a_provider_that_is_asked_for_and_not_there(sms: Sms) -> None:
    done = sms("providers", "every8d", "evry8d", dsn=None)
    assert done.code == 2
    assert "did you mean 'every8d'?" in done.err
    assert done.out == ""


def test_providers_as_json(sms: Sms) -> None:
    found = {provider["name"]: provider for provider in sms("providers", "--json", dsn=None).data["providers"]}
    assert "settle" in found["every8d"]["capabilities"]
    assert found["every8d"]["limits"]["recipients"] == 500
    assert found["every8d"]["send_options"] == ["event_id", "skip_duplicates"]


def test_a_broken_plugin_is_shown_with_its_error_and_stops_nothing(tmp_path: Path) -> None:
    metadata = tmp_path / "broken-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[sms_core.providers]\nbroken = no_such_module\n")
    run = subprocess.run(
        [sys.executable, "-m", "sms_core_cli", "providers", "--json"],
        env={"PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8", "SMS_DSN": "memory://", "COLUMNS": "200"},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr
    assert "no_such_module" in run.stdout + run.stderr
    assert "memory" in run.stdout


def test_send(sms: Sms, exchange: Exchange) -> None:
    done = sms("send", "您好", "--to", "0900000001", "--to", "+886900000002", "--reference", "r-1")
    assert done.code == 0
    assert "+886900000001" in done.out
    assert "Cost 2 points" in done.out
    assert [(message.number, message.text, message.reference) for message in exchange.accepted] == [
        ("+886900000001", "您好", "r-1-0"),
        ("+886900000002", "您好", "r-1-1"),
    ]


def test_send_as_json(sms: Sms, exchange: Exchange) -> None:
    data = sms("send", "您好", "--to", "0900000001", "--to", "0900-000-001", "--json").data
    assert data["accepted"] == 1
    assert data["cost"] == "1"
    assert data["outcomes"][0] == {
        "number": "+886900000001",
        "outcome": "accepted",
        "batch_id": exchange.accepted[0].batch_id,
        "reference": exchange.accepted[0].reference,
        "error": None,
    }
    assert data["duplicates"] == [{"position": 1, "of": 0}]
    assert data["message"] is None


def test_send_says_that_a_number_is_repeated(sms: Sms) -> None:
    assert "Number 2 repeats number 1" in sms("send", "您好", "--to", "0900000001", "--to", "0900-000-001").out


def test_send_with_every_option(sms: Sms, exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    options = ["--subject", "主旨", "--validity", "4h", "--media", "a.png", "--send-at", "2099-01-02 03:04"]
    assert sms("send", "圖", "--to", "0900000001", *options).code == 0
    (message,) = exchange.messages
    assert (message.kind, message.subject) == ("MMS", "主旨")
    assert message.send_at.isoformat() == "2099-01-02T03:04:00+08:00"


def test_a_time_with_a_zone_is_of_that_zone(sms: Sms, exchange: Exchange) -> None:
    assert sms("send", "x", "--to", "0900000001", "--send-at", "2099-01-02T03:04Z").code == 0
    assert exchange.messages[0].send_at.utcoffset() == timedelta()


def test_vendor_options_are_typed(sms: Sms) -> None:
    with Sandbox() as box:
        repeated = ["send", "x", "--to", "0900000001", "-o", "skip_duplicates=yes", "--dsn", box.dsn("every8d")]
        assert sms(*repeated).code == 0
        assert sms(*repeated).code == 3
    assert SendOptions().skip_duplicates is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "event=1"], "did you mean 'event_id'?"),
        (["-o", "event_id"], "NAME=VALUE"),
        (["-o", "skip_duplicates=perhaps"], "option 'skip_duplicates' is true or false"),
        (["--send-at", "2001-01-01T00:00"], "in the past"),
        (["--send-at", "tomorrow"], "a day and a time"),
        (["--send-at", "2099-01-01"], "a day without a time"),
        (["--validity", "4"], "30m, 4h or 2d"),
        (["--media", "nothing.png"], "does not exist"),
        (["--to", "0912"], "not a mobile number"),
    ],
)
def test_wrong_use_is_exit_2(sms: Sms, arguments: list[str], words: str) -> None:
    done = sms("send", "x", "--to", "0900000001", *arguments, dsn="every8d://u:p@")
    assert done.code == 2
    assert words in " ".join(done.err.split())


def test_options_of_a_vendor_that_has_none(sms: Sms) -> None:
    done = sms("send", "x", "--to", "0900000001", "-o", "event_id=1")
    assert (done.code, "Unsupported" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("dsn", "words"),
    [(None, "SMS_DSN"), ("nobody://u:geheim1@h", "nobody"), ("every8d://u:geheim1@h?no=1", "no DSN option")],
)
def test_a_wrong_dsn_is_exit_2_without_its_password(sms: Sms, dsn: str | None, words: str) -> None:
    for command in (["balance"], ["reports", "1"], ["send", "x", "--to", "0900000001"], ["doctor"]):
        done = sms(*command, dsn=dsn)
        assert done.code == (0 if command == ["doctor"] and dsn is None else 2)
        assert words in done.err + done.out
        assert "geheim1" not in done.err + done.out


def test_refused_is_exit_3(sms: Sms, exchange: Exchange) -> None:
    done = sms("send", "x", "--to", "0900000909")
    assert (done.code, exchange.accepted) == (3, ())
    assert "RecipientRefused" in done.err
    assert len(done.err.splitlines()) == 1


def test_partly_sent_is_exit_5(sms: Sms) -> None:
    done = sms("send", "x", "--to", "0900000909", "--to", "0900000001", "--json")
    assert done.code == 5
    assert [row["outcome"] for row in done.data["outcomes"]] == ["refused", "accepted"]
    assert done.error["type"] == "PartiallySent"


def test_unknown_is_exit_4(sms: Sms) -> None:
    with Sandbox() as box:
        box.faults.add("drop_after", match="SendSMS")
        done = sms("send", "x", "--to", "0900000001", "--json", dsn=box.dsn("every8d"))
        assert len(box.exchange.accepted) == 1
    assert (done.code, done.error["type"]) == (4, "OutcomeUnknown")
    assert done.data["outcomes"][0]["outcome"] == "unknown"


def test_not_sent_is_exit_3(sms: Sms) -> None:
    done = sms("send", "x", "--to", "0900000001", dsn="every8d://u:p@127.0.0.1:9?scheme=http&retries=0")
    assert (done.code, "NotSent" in done.err) == (3, True)


def test_wrong_password_is_exit_3_and_shown_nowhere(sms: Sms) -> None:
    with Sandbox() as box:
        done = sms("balance", "--json", dsn=box.dsn("every8d", password="geheim1"))
    assert (done.code, done.error["type"]) == (3, "AuthenticationFailed")
    assert "geheim1" not in done.err


def test_numbers_are_masked_in_errors(sms: Sms) -> None:
    with Sandbox() as box:
        done = sms("send", "x", "--to", "0900000001", "--json", dsn=box.dsn("every8d", password="no"))
    assert "900000001" not in done.err


def test_an_error_in_json_masks_numbers_in_all_its_details(capsys: pytest.CaptureFixture[str]) -> None:
    error = sms_core.VendorError("refused", "-1", "0900000001 and +886900000002 are blocked")
    show_error(error, as_json=True)
    written = capsys.readouterr().err
    assert "00000" not in written
    assert json.loads(written)["error"]["details"] == {
        "reason": "refused",
        "code": "-1",
        "vendor_text": "0900****01 and +8869******02 are blocked",
        "retry": False,
        "maybe_taken": False,
    }
    assert error.args[2] == "0900000001 and +886900000002 are blocked"


def test_wrong_use_of_the_command_line_in_json(sms: Sms) -> None:
    done = sms("send", "x", "--json")
    assert (done.code, done.error["type"]) == (2, "MissingParameter")
    assert "--to" in done.error["message"]
    assert sms("send", "x").code == 2


def test_preview(sms: Sms, exchange: Exchange) -> None:
    done = sms("preview", "您" * 71, "--to", "0900000001", "--to", "+12025550100")
    assert done.code == 0
    assert "UCS-2" in done.out
    assert "Requests 1, segments 4, points 8." in done.out
    assert "Note: " in done.out
    assert exchange.messages == ()


def test_preview_as_json_and_without_a_network(sms: Sms) -> None:
    data = sms("preview", "hi", "--to", "0900000001", "--json", dsn="every8d://u:p@").data
    assert data["recipients"][0] == {
        "number": "+886900000001",
        "text": "hi",
        "characters": 2,
        "encoding": "GSM 03.38",
        "segments": 1,
        "points": "1",
    }


def test_balance(sms: Sms) -> None:
    assert sms("balance").out == "1000000 points\n"
    assert sms("balance", "--json").data == {"credit": "1000000"}


def test_reports(sms: Sms, exchange: Exchange) -> None:
    sms("send", "您好", "--to", "0900000001", "--to", "0900000903")
    batch = exchange.accepted[0].batch_id
    done = sms("reports", batch)
    assert "undeliverable" in done.out
    assert "2 reports." in done.out
    assert [row["status"] for row in sms("reports", batch, "--json").data] == ["delivered", "undeliverable"]
    assert sms("reports", "none").code == 3


def test_doctor_shows_where_and_no_secret(sms: Sms) -> None:
    dsn = "every8d://benutzer:geheim1@new.e8d.tw/prefix?proxy=http://x:geheim2@p"
    done = sms("doctor", dsn=dsn)
    assert done.code == 0
    assert "every8d at new.e8d.tw/prefix" in done.out
    assert "proxy" in done.out
    for secret in ("benutzer", "geheim"):
        assert secret not in done.out
    findings = sms("doctor", "--json", dsn=dsn).data
    assert all(finding["good"] for finding in findings)
    assert "memory" in sms("doctor", dsn="memory://").out


def test_sandbox_runs_until_ctrl_c() -> None:
    command = [sys.executable, "-m", "sms_core_cli", "sandbox", "--port", "0", "--json"]
    with child(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        lines = []
        while "Ctrl-C" not in (line := json.loads(running.stdout.readline())["say"]):
            lines.append(line)
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0
    assert any("every8d://" in line for line in lines)


def test_sandbox_on_a_port_that_is_taken(sms: Sms) -> None:
    with Sandbox() as box:
        done = sms("sandbox", "--port", str(box.port))
    assert done.code == 2
    assert "in use" in done.err


def _without(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.modules[{module!r}] = None; from sms_core_cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, check=False, encoding="utf-8")


@pytest.mark.parametrize(
    ("package", "arguments", "hint"),
    [
        ("sms_core_sandbox", ["sandbox"], "pip install sms-core-sandbox"),
        (
            "sms_core_kit",
            ["new-provider", "somewhere", "--name", "acme", "--base-url", "https://acme.example", "--defaults"],
            "pip install 'sms-core[kit]'",
        ),
    ],
)
def test_a_command_whose_package_is_absent_says_what_to_install(package: str, arguments: list[str], hint: str) -> None:
    run = _without(package, *arguments)
    assert run.returncode == 2
    assert hint in run.stderr
    assert "Traceback" not in run.stderr


def test_what_a_vendor_says_cannot_move_the_cursor(sms: Sms, exchange: Exchange) -> None:
    done = sms("send", "x", "--to", "0900000001", "--reference", "[red]\x1b[2J")
    assert "\x1b[2J" not in done.out
    assert "[red]" in done.out
    assert len(exchange.accepted) == 1


@pytest.mark.parametrize("arguments", [["providers"], ["providers", "--json"]])
def test_a_reader_that_has_gone_makes_no_noise(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sms_core_cli", *arguments]
    try:
        run = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, encoding="utf-8")
    finally:
        os.close(writer)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr


@frozen
class Options(VendorOptions):
    """As a third party may have them."""

    speed: Literal["fast", "slow"] = "slow"
    tries: int = 1
    flash: bool = False
    tags: tuple[str, ...] = ()


def test_vendor_options_are_read_as_those_of_a_dsn() -> None:
    with sms_core.connect("memory://") as client:
        info = attrs.evolve(client.info, send_options=Options)
    given = ["speed=fast", "tries=-3", "flash=TRUE", "tags=a,b=c", "tries=4"]
    assert vendor_options(info, given) == (Options("fast", 4, flash=True, tags=("a", "b=c")),)
    assert vendor_options(info, []) == ()
    for pair in ("speed=odd", "tries=x", "flash=2", "speed", "sped=fast"):
        with pytest.raises(ConfigurationError, match=r"option|NAME=VALUE"):
            vendor_options(info, [pair])
