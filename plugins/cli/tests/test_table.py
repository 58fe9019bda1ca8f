"""Reading the table of people, as spreadsheets write it."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_core import InvalidMessage
from sms_core_cli.campaign import open_table, parse_moment, read_table

PLAIN = "number,name,text\n0900000001,王小明,您好\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (PLAIN.encode(), "utf-8"),
        (PLAIN.encode("utf-8-sig"), "utf-8-sig"),
        (PLAIN.encode("utf-16"), "utf-16"),
        (PLAIN.encode("cp950"), "cp950"),
        (PLAIN.replace("\n", "\r\n").encode(), "utf-8"),
        (PLAIN.replace(",", ";").encode(), "utf-8"),
        (PLAIN.replace(",", "\t").encode(), "utf-8"),
    ],
)
def test_the_forms_that_spreadsheets_write(content: bytes, encoding: str) -> None:
    table = read_table(content)
    assert table.encoding == encoding
    assert table.headers == ("number", "name", "text")
    (row,) = table.rows
    assert (row.number, row.cells) == (2, ("0900000001", "王小明", "您好"))
    assert bool(table.notes) is (encoding == "cp950")


def test_big5_is_said() -> None:
    (note,) = read_table(PLAIN.encode("cp950")).notes
    assert "not UTF-8" in note
    assert "Big5" in note


def test_what_is_no_known_encoding_is_refused() -> None:
    with pytest.raises(InvalidMessage, match="neither UTF-8"):
        read_table(b"number\n\x81\x20\xff\xfe\n")


def test_an_encoding_can_be_named() -> None:
    assert read_table(PLAIN.encode("big5"), "big5").rows[0].values["name"] == "王小明"
    for encoding in ("ascii", "no-such"):
        with pytest.raises(InvalidMessage, match=encoding):
            read_table(PLAIN.encode(), encoding)


def test_headers_in_any_case_and_in_chinese() -> None:
    table = read_table("手機, 姓名 ,簡訊內容,Amount\n0900000001, 王 ,hi,5\n".encode())
    assert table.has("number")
    assert table.has("AMOUNT")
    values = table.rows[0].values
    assert (values["number"], values["name"], values["姓名"], values["amount"]) == ("0900000001", "王", "王", "5")


def test_rows_count_as_a_spreadsheet_counts_them() -> None:
    table = read_table(b'number,text\n1,"two\nlines"\n\n2,x\n')
    assert [row.number for row in table.rows] == [2, 4]


def test_cells_that_are_not_there_are_no_values() -> None:
    row = read_table(b"number,text,amount\n1,x\n").rows[0]
    assert "amount" not in row.values


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"number,text\n", "no rows"),
        (b"name,text\nx,y\n", "no column 'number'"),
        (b"number,Number\n1,2\n", "twice"),
        (b'number,text\n1,"never closed\n2,x\n', "row 2: is not CSV"),
        (b"number,text\n1," + b"x" * 2_000_000, "is not CSV"),
    ],
)
def test_files_that_cannot_be_read(content: bytes, words: str) -> None:
    with pytest.raises(InvalidMessage, match=words):
        read_table(content)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_the_bytes_it_is_a_table_or_a_named_error(content: bytes) -> None:
    try:
        table = read_table(content)
    except InvalidMessage:
        return
    assert table.rows


def test_moments() -> None:
    assert parse_moment(" 2026/12/31 09:00 ").isoformat() == "2026-12-31T09:00:00+08:00"
    assert parse_moment("2026-12-31T09:00:00+09:00").isoformat() == "2026-12-31T09:00:00+09:00"
    for text in ("", "2026-12-31", "09:00", "soon"):
        with pytest.raises(InvalidMessage, match="send_at"):
            parse_moment(text)


def peak_of_reading(path: Path, rows: int) -> int:
    """The most memory, in bytes, that is in use while a file of so many rows is read."""
    path.write_text("手機,簡訊\n" + "".join(f"09{row:08},您好，第{row}號\n" for row in range(rows)), encoding="utf-8")
    tracemalloc.start()
    try:
        assert sum(1 for _ in open_table(path).rows()) == rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    # Reading ahead is by blocks of at most a megabyte, so both are longer than a few of these.
    long = peak_of_reading(tmp_path / "long.csv", 100_000)
    short = peak_of_reading(tmp_path / "short.csv", 40_000)
    assert long < 1.25 * short
