"""Files as people have them: each in ``tables`` stands for its kind and is named after it, and each kind is varied."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from plugins.cli.tests.conftest import Done, Sms
from sms_core import InvalidMessage
from sms_core.testing import Exchange
from sms_core_cli.campaign import open_table, parse_moment, read_table

TABLES = Path(__file__).parent / "tables"
NUMBER = "+886900000001"

SENT = (
    "blank-rows-of-commas",
    "ends-with-ctrl-z",
    "header-irrelevant-twice",
    "header-phone-number",
    "header-star-手機號碼",
    "header-text-內文",
    "header-text-訊息",
    "header-two-candidates",
    "header-手机号",
    "header-行動電話",
    "number-886-without-plus",
    "number-apostrophe",
    "number-as-formula",
    "number-direction-marks",
    "number-fullwidth-digits",
    "number-nonbreaking-hyphen",
    "number-parentheses",
    "number-zero-width-space",
    "placeholder-with-blank",
    "row-with-extra-empty-cells",
    "sep-semicolon-line",
    "title-row-above",
    "utf16le-tab-without-bom",
)
REFUSED_ROWS = {
    "big5-with-private-character": "name holds the bytes FA 40",
    "brace-that-is-none": "there is no column 'ABC' for {ABC}: write {{ABC}} for braces",
    "number-lost-zero": "lacks its leading 0",
    "number-scientific": "its digits are lost",
    "row-with-unquoted-comma": "has 4 cells and the header 3",
    "time-us-order": "write 2026-12-01T09:00 or 2026-01-12T09:00",
}
REFUSED_FILES = {
    "cp1252": "in row 2: --encoding cp1252 would read it as 'José Núñez'",
    "gbk-taken-for-big5": "--encoding gb18030 reads '王小明 您好'",
    "quote-at-start-of-a-name": "row 2: is not CSV: its cell 2 has something behind its closing quote",
}
BOOKED = {
    "time-2026-12-1-9-00": "2026-12-01T09:00:00+08:00",
    "time-serial-number": "2026-12-01T09:00:00+08:00",
    "time-下午": "2026-12-01T14:30:00+08:00",
}


def campaign(sms: Sms, name: str, *options: str, answer: str | None = None) -> Done:
    shutil.copy(TABLES / f"{name}.csv", ".")  # where its run is kept beside it
    return sms("campaign", f"{name}.csv", *(["--yes"] if answer is None else []), *options, answer=answer)


def results() -> list[dict[str, str]]:
    with Path("results.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_each_file_has_its_case() -> None:
    assert {file.stem for file in TABLES.iterdir()} == {*SENT, *REFUSED_ROWS, *REFUSED_FILES, *BOOKED}


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent(sms: Sms, exchange: Exchange, name: str) -> None:
    done = campaign(sms, name)
    assert done.code == 0
    (message,) = exchange.accepted
    assert (message.number, message.text) == (NUMBER, "Hi Ann" if name == "placeholder-with-blank" else "您好")


@pytest.mark.parametrize("name", REFUSED_ROWS)
def test_rows_that_are_refused(sms: Sms, exchange: Exchange, name: str) -> None:
    assert campaign(sms, name).code == 3
    (row,) = results()
    assert REFUSED_ROWS[name] in row["error"]
    assert exchange.messages == ()


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_files_that_are_refused(sms: Sms, exchange: Exchange, name: str) -> None:
    done = campaign(sms, name)
    assert done.code == 2
    assert REFUSED_FILES[name] in done.err
    assert exchange.messages == ()


@pytest.mark.parametrize("name", BOOKED)
def test_times(name: str) -> None:
    (row,) = read_table(TABLES / f"{name}.csv").rows
    assert parse_moment(row.values["send_at"]).isoformat() == BOOKED[name]


def test_a_lost_zero_is_mended_when_asked(sms: Sms, exchange: Exchange) -> None:
    done = campaign(sms, "number-lost-zero", "--mend-numbers")
    assert done.code == 0
    assert "1, such as 900000001 → 0900000001" in done.err
    assert exchange.accepted[0].number == NUMBER


def test_a_guess_is_shown_and_asked_about(sms: Sms, exchange: Exchange) -> None:
    done = campaign(sms, "gbk-taken-for-big5", answer="1\ny\n")
    assert done.code == 0
    assert "GBK (GB18030): 王小明 您好" in done.err
    assert exchange.accepted[0].text == "您好"
    for answer in ("0\n", ""):
        done = campaign(sms, "gbk-taken-for-big5", "--overwrite", answer=answer)
        assert (done.code, len(exchange.accepted)) == (2, 1)
        assert "was not chosen" in done.err


def test_a_guess_is_no_guess_where_it_is_said(sms: Sms, exchange: Exchange) -> None:
    assert campaign(sms, "gbk-taken-for-big5", "--encoding", "gbk").code == 0
    assert exchange.accepted[0].text == "您好"
    done = campaign(sms, "cp1252", "--encoding", "cp1252", "--overwrite")
    assert (done.code, exchange.accepted[1].text) == (0, "Hola")


def test_a_dry_run_names_the_guess(sms: Sms) -> None:
    done = sms("campaign", str(TABLES / "gbk-taken-for-big5.csv"), "--dry-run")
    assert done.code == 0
    assert "the encoding is a guess, GBK (GB18030)" in done.err


def test_of_two_columns_it_says_which_it_takes(sms: Sms, exchange: Exchange) -> None:
    done = campaign(sms, "header-two-candidates", answer="y\n")
    assert "the column for the number is '手機', not '電話'" in done.err.partition("Send 1")[0]
    done = campaign(sms, "header-two-candidates", "--column", "number=電話", "--overwrite")
    assert done.code == 3
    assert len(exchange.accepted) == 1


def test_a_run_with_chosen_columns_can_be_resumed(sms: Sms, exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("聯絡,number,text\n0900000001,17,a\n0900000002,18,b\n", encoding="utf-8")
    options = ("t.csv", "--yes", "--column", "number=聯絡")
    assert sms("campaign", *options).code == 0
    assert [message.number for message in exchange.accepted] == [NUMBER, "+886900000002"]
    assert sms("campaign", *options, "--resume", "results.csv").code == 0
    assert len(exchange.accepted) == 2


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("number=沒有", "there is no such column; there are 手機, 備註, 備註"),
        ("number=備註", "2 columns have this name"),
        ("color=手機", "there is no 'color': it is one of number"),
        ("手機", "needs what it is and a header"),
    ],
)
def test_columns_that_cannot_be_chosen(sms: Sms, tmp_path: Path, option: str, words: str) -> None:
    (tmp_path / "t.csv").write_text("手機,備註,備註\n0900000001,a,b\n", encoding="utf-8")
    done = sms("campaign", "t.csv", "--text", "hi", "--column", option)
    assert done.code == 2
    assert words in done.err


PEOPLE = "手機,姓名,簡訊\r\n0900000001,王小明,您好\r\n0900000002,林美玲,親愛的客戶您好，提醒您明天回診\r\n"
SIMPLIFIED = "手机,姓名,短信\r\n0900000001,张伟,您好\r\n0900000002,刘洋,提醒您明天的预约，请准时到达\r\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", PEOPLE),
        ("utf-8-sig", PEOPLE),
        ("utf-16", PEOPLE),
        ("utf-16-le", PEOPLE),
        ("utf-16-be", PEOPLE),
        ("utf-32", PEOPLE),
        ("cp950", PEOPLE),
        ("gb18030", SIMPLIFIED),
        ("cp932", "携帯,name,text,mobile\r\n1,山田花子,こんにちは。お知らせです,0900000001\r\n"),
    ],
)
def test_an_encoding_is_told_or_comes_first_among_guesses(encoding: str, text: str) -> None:
    opened = open_table(text.encode(encoding))
    assert bool(opened.readings) is (encoding in ("gb18030", "cp932"))
    assert opened.columns.headers == tuple(text.splitlines()[0].split(","))
    cells = [list(row.cells) for row in opened.rows()]
    assert cells == [line.split(",") for line in text.splitlines()[1:]]


def test_a_text_that_is_likely_in_several_encodings_is_shown_in_each() -> None:
    korean = open_table("mobile,text\n0900000001,안녕하세요 고객님\n".encode("cp949"))
    assert {reading.encoding: reading.sample for reading in korean.readings}["cp949"] == "안녕하세요 고객님"
    japanese = open_table("mobile,text\n0900000001,お知らせです\n".encode("euc_jp"))
    assert {reading.encoding: reading.sample for reading in japanese.readings}["euc_jp"] == "お知らせです"
    short = open_table("mobile,text\n0900000001,測試\n".encode("cp950"))
    assert [reading.sample for reading in short.readings if reading.encoding == "cp950"] == ["測試"]


def test_few_bytes_that_happen_to_be_utf8_are_asked_about() -> None:
    both = open_table("mobile,name\n0900000001,陆\n".encode("gbk"))
    assert {reading.encoding: reading.sample for reading in both.readings}.items() >= {
        "utf-8": "½",
        "gb18030": "陆",
    }.items()
    assert not open_table("mobile,name\n0900000001,José\n".encode()).readings


JAPANESE = "mobile,名前,text\r\n0900000001,山田花子,こんにちは。お知らせです\r\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("iso2022_jp", JAPANESE),
        ("iso2022_jp_ext", JAPANESE.replace("花子", "ﾊﾅｺ")),
        ("iso2022_kr", "mobile,name,text\r\n0900000001,김,안녕하세요 고객님\r\n"),
        ("hz", SIMPLIFIED),
    ],
)
def test_characters_that_are_written_with_bytes_of_ascii_are_asked_about(encoding: str, text: str) -> None:
    content = text.encode(encoding)
    assert content.isascii()
    asked = open_table(content)
    first, as_it_is = asked.readings
    assert (first.encoding, as_it_is.encoding) == (encoding, "utf-8")
    assert first.sample.split()[0] in text
    assert as_it_is.sample in content.decode()
    for opened in (asked, open_table(content, encoding)):
        assert opened.columns.headers == tuple(text.splitlines()[0].split(","))
        assert [list(row.cells) for row in opened.rows()] == [line.split(",") for line in text.splitlines()[1:]]


@pytest.mark.parametrize(
    "text",
    [
        "+886900000001",
        "+886-900-000-001",
        "C+Java",
        "~{or so~}",
        "~{} or ~{~}",
        "+74926466",
        "a+bcd+efgh",
        "$B(B",
        "1+1=2",
    ],
)
def test_ascii_that_looks_a_little_like_more_is_ascii(text: str) -> None:
    assert open_table(f"number,text\n0900000001,{text}\n".encode()).readings == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("王小明,0900000001,hi\n", "row 1: holds a number already"),
        ("手機，姓名，簡訊\n0900000001，王，hi\n", "row 1: parts its cells by ，"),
    ],
)
def test_a_file_without_a_header_says_what_to_write(text: str, words: str) -> None:
    with pytest.raises(InvalidMessage, match=words):
        open_table(text.encode())


def test_of_several_that_may_be_the_number_it_says_which_it_takes() -> None:
    opened = open_table("父親手機,母親手機,住宅電話\n0900000001,0900000002,02\n".encode())
    assert opened.columns.places["number"] == 0
    assert opened.notes[0].endswith("'父親手機', not '母親手機'; --column number=母親手機 takes the other")


def test_columns_that_repeat_matter_only_where_they_are_used() -> None:
    opened = open_table("手機,姓名,姓名,簡訊,簡訊\n0900000001,王,小明,a,b\n".encode())
    assert opened.columns.find("name") is opened.columns.find("text") is None
    assert opened.columns.is_repeated("text")
    assert "so neither is taken for the name" in opened.notes[0]
    for header in ("手機,手機", "手機,預約時間,預約時間"):
        with pytest.raises(InvalidMessage, match="twice: rename one"):
            open_table(f"{header}\n0900000001\n".encode())


def test_a_damaged_file_refuses_the_damaged_rows_alone() -> None:
    rows = read_table(PEOPLE.replace("小", "堃").encode("big5hkscs")).rows
    assert "姓名 holds the bytes FB 69" in rows[0].fault
    assert "--encoding big5hkscs reads them as 堃" in rows[0].fault
    assert (rows[0].values["姓名"], rows[1].fault) == ("王\ufffdi明", "")
    hong_kong = read_table(PEOPLE.replace("小", "堃").encode("big5hkscs"), "big5hkscs").rows
    assert (hong_kong[0].values["姓名"], hong_kong[0].fault) == ("王堃明", "")
    cut = PEOPLE.encode().replace("林".encode(), "林".encode()[:2])
    assert "bytes E6 9E" in read_table(cut).rows[1].fault
    alone = read_table(PEOPLE.encode("utf-8-sig") + b"0900000003,\xff\xfe,hi\r\n").rows
    assert [bool(row.fault) for row in alone] == [False, False, True]


def test_text_of_hong_kong_names_its_encoding() -> None:
    with pytest.raises(InvalidMessage, match="--encoding big5hkscs would read it as '姓名 手機 陳大文 喺呢度嘅嘢'"):
        open_table("姓名,手機,text\n陳大文,0900000001,喺呢度嘅嘢\n".encode("big5hkscs"))


@pytest.mark.parametrize(
    "header",
    [
        '"手機"', " 手機 ", "手機:", "＊手機", "手機（必填）", "【必填】手機號碼", "ＰＨＯＮＥ", "Phone Number", "phone-number",
        "PHONE_NUMBER", "Mobile No.", "聯絡電話", "行動電話號碼", "手机号码", "家長手機", "手機1", "\ufeff手機", "\u200b手機",
        "Contact Number", "Phone Number 手機號碼", "受話門號", "聯絡方式",
    ],
)  # fmt: skip
def test_headers_of_the_number(header: str) -> None:
    (row,) = read_table(f"姓名;{header};簡訊\n王;0900000001;您好\n".encode()).rows
    assert (row.values["number"], row.values["text"]) == ("0900000001", "您好")


@pytest.mark.parametrize(
    "header", ["訊息", "內文", "簡訊內容(70字內)", "SMS Content", "Message Body", "簡訊文案", "Msg"]
)
def test_headers_of_the_text(header: str) -> None:
    (row,) = read_table(f"手機;姓名;{header}\n0900000001;王;您好\n".encode()).rows
    assert row.values["text"] == "您好"


@pytest.mark.parametrize("header", ["發送日期", "預約日期時間", "排程時間", "Send At", "發送時間(選填)"])
def test_headers_of_the_time(header: str) -> None:
    (row,) = read_table(f"手機;簡訊;{header}\n0900000001;您好;2026/12/1 9:00\n".encode()).rows
    assert row.values["send_at"] == "2026/12/1 9:00"


def test_without_a_text_it_names_the_columns_that_there_are(sms: Sms, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("手機,備註\n0900000001,您好\n", encoding="utf-8")
    done = sms("campaign", "t.csv", "--yes")
    assert done.code == 2
    assert "--column text=HEADER" in done.err
    assert "there are 手機, 備註" in done.err


def test_a_header_that_names_no_number_says_how_to_name_it() -> None:
    with pytest.raises(
        InvalidMessage, match=r"row 1: names no column 'number' .*, only 代號, 簡訊: .*--column number="
    ):
        read_table("代號,簡訊\n0900000001,您好\n".encode())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("titles", [0, 1, 3])
def test_titles_and_delimiters(delimiter: str, titles: int) -> None:
    above = "".join(f"2026 年，會員手機名單; 第{number}頁\n" for number in range(titles))
    lines = ["手機|簡訊|備註", "0900000001|您好|a", "0900000002|再見|b"]
    table = read_table((above + "\n".join(lines).replace("|", delimiter)).encode())
    assert [(row.number, row.values["text"]) for row in table.rows] == [(titles + 2, "您好"), (titles + 3, "再見")]
    assert bool(table.notes) is bool(titles)


@pytest.mark.parametrize("first", ["sep=|", "SEP=|", '"sep=|"', "sep=|||"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp950", "utf-16"])
def test_excel_s_line_about_the_separator(first: str, encoding: str) -> None:
    (row,) = read_table(f"{first}\r\n手機|簡訊\r\n0900000001|您好,你好\r\n".encode(encoding)).rows
    assert (row.number, row.values["text"]) == (2, "您好,你好")


@pytest.mark.parametrize(
    "end",
    [
        "\x1a",
        "\r\n\x1a\r\n",
        "\0" * 100,
        "\r\n" + "\x1a" * 128,
        ",,,\n\u3000,\t, \n,\u200b,\n",
        '"",""\n"\n"\n',
        '"=""""","="""""\n',
        "',\n\u2060,\u200d\n",
    ],
)
def test_what_stands_for_nothing(end: str) -> None:
    (row,) = read_table(f"手機,簡訊\n0900000001,您好\n{end}".encode()).rows
    assert row.values["text"] == "您好"


def test_padding_within_cells_is_nothing() -> None:
    (row,) = read_table("手機,簡訊\0\0\n0900000001\0\0\0,您好\0\n".encode()).rows
    assert row.cells == ("0900000001", "您好")


def test_a_comma_never_cuts_a_text_off() -> None:
    first, second = read_table("手機,簡訊,,\n0900000001,您好,謝謝,\n0900000002,您好,,\n".encode()).rows
    assert "a comma in a text needs quotes" in first.fault
    assert second.fault == ""
    assert read_table(",手機,簡訊\n0,0900000001,您好\n".encode()).rows[0].fault == ""


@pytest.mark.parametrize(
    ("headers", "text", "becomes"),
    [
        ("First Name", "Hi {First Name}", "Hi Ann"),
        ("First Name", "Hi {first_name}{{x}}", "Hi Ann{x}"),
        ("訂單編號", "{訂單編號}", "Ann"),
        ("金額(元)", "{金額(元)}元", "Ann元"),
        ("#", "{#}", "Ann"),
        ("2nd", "{2nd} { x", "the brace at character"),
        ("a", "{b}", "there is no column 'b'"),
        ("備註,備註", "{備註}", "several columns are called so"),
        ("稱呼(必填)", "{稱呼}好", "Ann好"),
        ("稱呼", "｛稱呼｝好", "full-width braces in ｛稱呼｝: write {稱呼}"),
    ],
)
def test_any_header_is_a_placeholder(
    sms: Sms, exchange: Exchange, tmp_path: Path, headers: str, text: str, becomes: str
) -> None:
    (tmp_path / "t.csv").write_text(f"手機,簡訊,{headers}\n0900000001,{text},Ann\n", encoding="utf-8")
    sms("campaign", "t.csv", "--yes")
    said = [message.text for message in exchange.accepted] or [row["error"] for row in results()]
    assert becomes in said[0]


@pytest.mark.parametrize("number", ["#N/A", "########"])
def test_a_number_that_a_spreadsheet_does_not_show_says_so(sms: Sms, tmp_path: Path, number: str) -> None:
    (tmp_path / "t.csv").write_text(f"手機,簡訊\n{number},hi\n", encoding="utf-8")
    assert sms("campaign", "t.csv", "--yes").code == 3
    assert f"number is {number}, which a spreadsheet shows instead" in results()[0]["error"]


@pytest.mark.parametrize("shown", ["#N/A", "#REF!", "########"])
def test_a_spreadsheet_s_error_is_never_sent(sms: Sms, exchange: Exchange, tmp_path: Path, shown: str) -> None:
    (tmp_path / "t.csv").write_text(
        f"手機,簡訊,金額\n0900000001,{{金額}}元,{shown}\n0900000002,{shown},\n", encoding="utf-8"
    )
    assert sms("campaign", "t.csv", "--yes").code == 3
    assert [shown in row["error"] for row in results()] == [True, True]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(600), "is an old .xls"),
        (b"\xef\xbb\xbf\r\n<HTML><table><tr>", "is a web page"),
        (b"PK\x03\x04" + bytes(100), "is no Excel workbook"),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "is an OpenDocument"),
        (b"%PDF-1.7\n%\xe2\xe3", "is a PDF"),
        (b"\x89PNG\r\n\x1a\n", "is a picture"),
        (b"\x1f\x8b\x08\0", "is compressed"),
        (b" \n \n", "is empty"),
        ("手機,簡訊\n0900000001,您好".encode("utf-16-le") + b"\x1a", "begins as UTF-16-LE"),
        (b'number,name\n0900000001,"a\n', "perhaps for a quote that is not closed"),
        (b'number,a,b\n0900000001,x,"y"z\n', "its cell 3 has something behind"),
    ],
)
def test_what_is_no_table_says_what_to_do(content: bytes, words: str) -> None:
    with pytest.raises(InvalidMessage, match=words):
        read_table(content)
