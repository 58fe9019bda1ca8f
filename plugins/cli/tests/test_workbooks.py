"""Reading an Excel workbook: numbers and dates as Excel shows them."""

from __future__ import annotations

import builtins
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from plugins.cli.tests.conftest import Sms
from sms_core import ConfigurationError, InvalidMessage
from sms_core.testing import Exchange
from sms_core_cli.campaign import parse_moment, read_table
from sms_core_cli.campaign.reading.shown import shown

MOMENT = dt.datetime.fromisoformat("2026-12-01T14:05:09")
HEADER = ("手機", "簡訊", "發送時間")


def workbook(rows: Iterable[Sequence[Any]], formats: dict[str, str] | None = None, *, epoch: Any = None) -> bytes:
    """An .xlsx of these rows; ``formats`` are those of cells by name."""
    book = Workbook()
    if epoch is not None:
        book.epoch = epoch
    for row in rows:
        book.active.append(row)
    for name, number_format in (formats or {}).items():
        book.active[name].number_format = number_format
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (900000001, "General", "900000001"),
        (886900000001, "General", "886900000001"),
        (886900000001, "0.00E+00", "886900000001"),
        (900000001, "0000000000", "0900000001"),
        (900000001, "0000-000-000", "0900-000-001"),
        (900000001, "0###-###-###", "0900-000-001"),
        (900000001, "[<=99999999]####-####;(0#) ####-####", "(09) 0000-0001"),
        (23456789, "[<=99999999]####-####;(0#) ####-####", "2345-6789"),
        (900000001, "0000000000;;;@", "0900000001"),
        (1200, "#,##0", "1,200"),
        (1234567.5, '"NT$"#,##0.00', "NT$1,234,567.50"),
        (1200, "[$NT$-404]#,##0_);[Red]([$NT$-404]#,##0)", "NT$1,200"),
        (-1200, "#,##0;[Red](#,##0)", "(1,200)"),
        (0, '#,##0;-#,##0;"免費"', "免費"),
        (0.155, "0.0%", "15.5%"),
        (1234567, '#,##0,"K"', "1,235K"),
        (0.1 + 0.2, "General", "0.3"),
        (5.0, "General", "5"),
        (1.5, "# ?/?", "1.5"),
        (3, '0"件"', "3件"),
        (True, "General", "TRUE"),
        (MOMENT, "yyyy/m/d h:mm", "2026/12/1 14:05"),
        (MOMENT, "m/d/yy h:mm", "2026/12/1 14:05"),
        (MOMENT, "yyyy/m/d 上午/下午 hh:mm", "2026/12/1 下午 02:05"),
        (MOMENT, "h:mm:ss AM/PM", "2:05:09 PM"),
        (MOMENT, '[$-404]e"年"m"月"d"日"', "115年12月1日"),
        (MOMENT, "[$-404]yyyy/mm/dd aaaa", "2026/12/01 星期二"),
        (dt.date(2026, 12, 1), "mm-dd-yy", "2026/12/1"),
        (dt.time(9, 5), "h:mm", "9:05"),
        (dt.timedelta(hours=30), "[h]:mm:ss", "30:00:00"),
    ],
)
def test_values_are_shown_as_excel_does(value: Any, number_format: str, text: str) -> None:
    assert shown(value, number_format) == text


@given(st.integers(0, 10**15 - 1), st.integers(1, 20))
def test_integers_keep_their_digits(number: int, places: int) -> None:
    assert shown(number, "0" * places) == str(number).zfill(places)
    assert shown(number, "#,##0") == f"{number:,}"
    assert shown(-number, "0") == str(-number)
    assert shown(number, "0000-000-000").replace("-", "") == str(number).zfill(10)


@given(
    st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.datetimes(), st.dates(), st.times()),
    st.text(alphabet='0#?.,%;@[]"\\_*ymdhseaE+-/ 年G$', max_size=20),
)
def test_whatever_the_format_there_is_a_text(value: Any, number_format: str) -> None:
    assert isinstance(shown(value, number_format), str)


def test_a_workbook_is_sent(sms: Sms, exchange: Exchange, tmp_path: Path) -> None:
    rows = [
        ("十二月會員名單",),
        (),
        ("手機", "簡訊", "金額"),
        (900000001, "{金額}元", 1200),
        ("0900000002", "再見", None),
        (None, None, None),
    ]
    (tmp_path / "people.xlsx").write_bytes(workbook(rows, {"A4": "0000000000", "C4": "#,##0"}))
    done = sms("campaign", "people.xlsx", "--yes")
    assert done.code == 0
    assert "rows 1 to 2 are taken for titles" in done.err
    texts = {message.number: message.text for message in exchange.accepted}
    assert texts == {"+886900000001": "1,200元", "+886900000002": "再見"}
    assert sms("campaign", "people.xlsx", "--yes", "--resume", "results.csv").code == 0
    assert len(exchange.accepted) == 2


def test_numbers_that_lost_their_zero_are_mended(sms: Sms, exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "people.xlsx").write_bytes(workbook([HEADER[:2], (900000001, "hi")]))
    assert sms("campaign", "people.xlsx", "--yes").code == 3
    assert sms("campaign", "people.xlsx", "--yes", "--overwrite", "--mend-numbers").code == 0
    assert exchange.accepted[0].number == "+886900000001"


@pytest.mark.parametrize("number_format", ["yyyy/m/d h:mm", "m/d/yy h:mm", "dd/mm/yyyy hh:mm", "mm-dd-yy", "General"])
@pytest.mark.parametrize("epoch", [None, CALENDAR_MAC_1904])
def test_a_time_is_what_the_cell_holds_whatever_it_shows(number_format: str, epoch: Any) -> None:
    content = workbook([HEADER, ("0900000001", "hi", MOMENT)], {"C2": number_format}, epoch=epoch)
    (row,) = read_table(content).rows
    if number_format != "General":
        assert parse_moment(row.values["send_at"]).isoformat() == "2026-12-01T14:05:09+08:00"


def test_a_day_alone_asks_for_the_time() -> None:
    (row,) = read_table(workbook([HEADER, ("0900000001", "hi", dt.date(2026, 12, 1))])).rows
    with pytest.raises(InvalidMessage, match="a day without a time: write 2026-12-01T09:00"):
        parse_moment(row.values["send_at"])


def test_an_amount_is_no_several_numbers() -> None:
    (row,) = read_table(workbook([HEADER[:2], (900000001, "hi")], {"A2": "#,##0"})).rows
    assert row.values["number"] == "900000001"


def test_what_a_sheet_hides_is_said() -> None:
    book = Workbook()
    sheet = book.active
    for cells in (("名單", None), HEADER[:2], ("0900000001", "hi"), ("0900000002", "hi"), ("0900000003", "")):
        sheet.append(cells)
    sheet.merge_cells("A1:B1")
    assert read_table(_content(book)).notes == ("row 1 is taken for a title: row 2 names the columns",)
    sheet.merge_cells("B4:B5")
    sheet.row_dimensions[4].hidden = True
    sheet.column_dimensions["B"].hidden = True
    assert read_table(_content(book)).notes[1:] == (
        "hidden rows are read too: 1, the first is row 4",
        "hidden columns are read too",
        "of merged cells (1, the first is B4:B5) only the one at the top left has a value, the others are empty",
    )


def test_formulas_that_nobody_calculated_are_no_empty_cells() -> None:
    content = workbook([HEADER[:2], ("0900000001", '="您好"&A2'), ("0900000002", "=B2")])
    with pytest.raises(InvalidMessage, match="2, the first in B2"):
        read_table(content)


def _content(book: Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_sheets(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "說明"
    for title, number in (("一月", "0900000001"), ("二月", "0900000002")):
        sheet = book.create_sheet(title)
        sheet.append(("手機", "簡訊"))
        sheet.append((number, "hi"))
    book.active = 2
    path = tmp_path / "people.xlsx"
    book.save(path)
    shown_first = read_table(path)
    assert shown_first.rows[0].values["number"] == "0900000002"
    assert "of several sheets '二月' is read" in shown_first.notes[0]
    assert read_table(path, sheet="一月").rows[0].values["number"] == "0900000001"
    with pytest.raises(InvalidMessage, match="no '三月'; there are 說明, 一月, 二月"):
        read_table(path, sheet="三月")
    with pytest.raises(InvalidMessage, match="has no sheets"):
        read_table(b"number\n1\n", sheet="一月")


def test_without_openpyxl_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook([HEADER])
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "openpyxl":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"install sms-core-cli\[xlsx\]"):
        read_table(content)
