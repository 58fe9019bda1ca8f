"""Numbers as spreadsheets leave them: read, mended with ``--mend-numbers``, or refused with the reason."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from plugins.cli.tests.conftest import Sms
from sms_core.testing import Exchange
from sms_core_cli.campaign import read_table
from sms_core_cli.campaign.mending import Mending

READ = {
    "plain": "0900000001",
    "886 without plus": "886900000001",
    "formula": '="0900000001"',
    "quoted formula": '"=""0900000001"""',
    "apostrophe": "'0900000001",
    "full-width digits": "０９０００００００１",
    "zero-width space": "0900\u200b000001",
    "direction marks": "\u202a0900000001\u202c",
    "no-break hyphen": "0900\u2011000\u2011001",
    "parentheses": "(0900)000-001",
}


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    rows = "number,text\n900000001,a\n0900000002,b\n900000003,c\n900000004.0,d\n900000005,e\n9.00E+08,f\n"
    (tmp_path / "mixed.csv").write_text(rows, encoding="utf-8")
    return "mixed.csv"


@pytest.mark.parametrize("cell", READ.values(), ids=READ)
def test_the_forms_in_files_are_one_number(sms: Sms, exchange: Exchange, tmp_path: Path, cell: str) -> None:
    (tmp_path / "people.csv").write_text(f"number,text\n{cell},您好\n", encoding="utf-8")
    assert sms("campaign", "people.csv", "--yes").code == 0
    assert [message.number for message in exchange.accepted] == ["+886900000001"]


def test_a_lost_zero_is_refused(sms: Sms, exchange: Exchange, mixed: str) -> None:
    done = sms("campaign", mixed, "--yes")
    assert done.code == 5
    for words in ("lacks its leading 0", "ends with .0", "rounded by a spreadsheet"):
        assert words in done.out
    assert "numbers that lack their leading 0: 4, the first in row 2; --mend-numbers puts it back" in done.err
    assert [message.number for message in exchange.accepted] == ["+886900000002"]


def test_a_lost_zero_is_mended_on_request(sms: Sms, exchange: Exchange, mixed: str) -> None:
    done = sms("campaign", mixed, "--yes", "--mend-numbers")
    assert "numbers that lacked their leading 0 and got it: 4, such as 900000001 → 0900000001" in done.err
    assert "900000004.0 → 0900000004." in done.err
    assert "900000005" not in done.err
    assert "rounded by a spreadsheet" in done.out
    assert [message.number for message in exchange.accepted] == [f"+88690000000{last}" for last in range(1, 6)]
    with Path("results.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["number"] for row in csv.DictReader(file)][:2] == ["900000001", "0900000002"]


def test_a_mended_run_goes_on(sms: Sms, exchange: Exchange, mixed: str) -> None:
    assert sms("campaign", mixed, "--yes").code == 5
    done = sms("campaign", mixed, "--mend-numbers", answer="y\n")
    assert done.code == 5
    assert "The file has changed" not in done.out
    sms("campaign", mixed, "--yes", "--mend-numbers")
    assert len(exchange.accepted) == 5


def test_what_lacks_no_zero_stays() -> None:
    table = read_table(b"number,text\n0900000001,a\n8900000001,b\n90000001,c\n,d\n")
    mending = Mending(mend=True)
    assert [mending.take(row) for row in table.rows] == list(table.rows)
    assert mending.notes == ("no number lacks its leading 0",)


@pytest.mark.parametrize("number", ["900-000-001", "(900)000001", "９０００００００１", "900000001.00", "'900000001"])
def test_a_lost_zero_is_found_however_the_digits_are_parted(number: str) -> None:
    mending = Mending(mend=True)
    row = mending.take(read_table(f"number\n{number}\n".encode()).rows[0])
    assert row.values["number"] == "0900000001"
    assert mending.notes == (f"numbers that lacked their leading 0 and got it: 1, such as {number} → 0900000001",)
