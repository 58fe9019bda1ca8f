"""The demo, as a newcomer runs it."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

from sms_core.text import utf16_length
from sms_core_cli.campaign import read_table

FOLDER = Path(__file__).parents[3] / "examples" / "campaign"
OUR_NUMBERS = re.compile(r"09000\d{5}|\+88690000\d{4}|\+12025550\d{3}|\+8190000\d{5}\d?\d?|\+85200000\d{3}")


def test_the_demo_accounts_for_every_row(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, FOLDER / "demo.py"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8", "PATH": ""},
        timeout=200,
    )
    assert run.returncode == 0, run.stderr
    for words in ("accepted", "delivered", "refused here", "Cost", "left", "wrote back", "results.csv"):
        assert words in run.stdout
    table = read_table((FOLDER / "recipients.csv").read_bytes())
    with (tmp_path / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [tuple(list(row.values())[: len(table.headers)]) for row in rows] == [row.cells for row in table.rows]
    found = {row["outcome"] for row in rows}
    assert found == {"accepted", "refused_here", "duplicate"}
    open_rows = [row for row in rows if row["outcome"] == "accepted" and row["status"] in {"", "sent"}]
    assert len(open_rows) == 1  # the one whose handset never reports
    assert {row["status"] for row in rows} >= {"delivered", "undeliverable", "expired", "blocked", "rejected", "failed"}


def test_the_recipients_are_many_realistic_and_nobodys() -> None:
    table = read_table((FOLDER / "recipients.csv").read_bytes())
    assert len(table.rows) >= 220
    numbers = [re.sub(r"[ -]", "", row.values["number"]).replace("00886", "+886", 1) for row in table.rows]
    own = [number for number in numbers if OUR_NUMBERS.fullmatch(number)]
    assert len(own) >= 210
    assert all("0000" in number or not re.fullmatch(r"\+?\d{9,15}", number) for number in numbers if number not in own)
    names = [row.values["name"] for row in table.rows]
    assert any("|" in name for name in names)
    assert any('"' in name and "," in name for name in names)
    lengths = [utf16_length(row.values["text"]) for row in table.rows]
    for most in (70, 134, 333):
        assert any(length > most for length in lengths)
