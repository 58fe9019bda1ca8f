"""The command in two languages: which it speaks, and that the catalogue has all of it."""

from __future__ import annotations

import ast
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import click
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from rich.cells import cell_len

import sms_core
import sms_core_cli
import sms_core_every8d
import sms_core_mitake
import sms_core_outbox
import sms_core_policy
import sms_core_smsget
import sms_core_smsgo
import sms_core_twilio
from plugins.cli.tests.conftest import Sms
from sms_core import DeliveryStatus, Outcome, SmsError
from sms_core.testing import Exchange
from sms_core_cli.app import app
from sms_core_cli.campaign_report import TITLES
from sms_core_cli.command import SEEN_BY_ALL
from sms_core_cli.commands.account import PLACES
from sms_core_cli.help import EXAMPLE, paragraphs
from sms_core_cli.language import CATALOGUES, VARIABLE, language, phrase, spoken
from sms_core_cli.output import NOUNS
from sms_core_cli.phrases import ERRORS, PHRASES

SOURCE = Path(sms_core_cli.__file__).parent
FOLDER = CATALOGUES / "zh_TW" / "LC_MESSAGES"
IN_ENGLISH = re.compile(r"[a-z']+( [a-z']+){3}|^[^\u4e00-\u9fff]*$")
"""Four words on end, or nothing Chinese at all: a phrase may fit a text by half."""
PLACE = re.compile(r"\{\w+\}")
WHY_EXAMPLES = ("first", "longest", "dearest")
VENDORS = (sms_core_every8d, sms_core_mitake, sms_core_smsget, sms_core_smsgo, sms_core_twilio)
RAISED = [
    "ConfigurationError",
    "InvalidMessage",
    "Unsupported",
    "NotSent",
    "VendorError",
    "AuthenticationFailed",
    "InsufficientCredit",
    "RecipientRefused",
    "ContentRefused",
    "NotFound",
    "VendorUnavailable",
    "BadParameter",
    "PolicyRefused",
    "StoreUnavailable",
    "OutboxError",
    "KeyConflict",
    "UnknownKey",
    "StateChanged",
    "DatabaseUnavailable",
]
"""Errors whose reason is for the person who gives a command."""
STANDS = ("_Finding", "Room", "Standing")
"""What a rule finds, and how it stands, as `sms doctor` shows it."""
APPLICATIONS = {"awaited", "codes", "django", "failover", "unreported", "watch"}
"""Modules of sms-core-policy that no account of the command has: an application's own."""
OF_PROGRAMMERS = {
    "(dynamic)",
    "Arguments take exactly one parameter declaration, got {length}: {decls}.",
    "Boolean option {decl!r} cannot use the same flag for true/false.",
    "Choice({choices})",
    "Could not determine name for option with declarations {decls!r}",
    "DeprecationWarning: The command {name!r} is deprecated.{extra_message}",
    "DeprecationWarning: The {param_type} {name!r} is deprecated.{extra_message}",
    "Invalid start character for option ({option})",
    "Name '{name}' defined twice",
    (
        "No options defined but a name was passed ({name}). Did you mean to declare an argument instead? "
        "Did you mean to pass '--{name}'?"
    ),
    "Unknown color {colour!r}",
    "Unknown standard stream '{name}'",
    "Value must be an iterable.",
    "Windows error: {error}",
    "d",
    "deprecated",
    "{editor}: Editing failed",
    "{editor}: Editing failed: {e}",
}
"""What click says where a command is declared wrongly, or by what is not used here."""
OUTBOX_OF_PROGRAMMERS = {
    "a person says one of 5",
    "a failover needs a vendor, or several",
    "a lane has per_second and in_flight alone",
    "account 5 has several vendors: 5",
    "account 5 has the vendors 5, and its order names 5",
    "an outbox in memory stays in the process that made it",
    "before= is an aware datetime, or a timedelta",
    "concurrency is 1 or more",
    "connection= joins a transaction: call it inside transaction.atomic()",
    "connection= takes a connection or session of SQLAlchemy, or Django's connection, not 5",
    "hash_key needs 5 bytes or more: secrets.token_hex() makes one",
    "in_flight is 1 or more",
    "limit is 0 or more",
    "needs Puts, not 5",
    "needs a Message, not 5",
    "needs a positive timedelta, or a point in time",
    "needs a str, not 5",
    "needs a whole number up to 5",
    "needs an aware datetime, such as datetime.now(UTC) + timedelta(hours=1)",
    "procrastinate needs an outbox on PostgreSQL",
    "the connection is to 5, and the outbox in 5",
    "these puts were prepared by another outbox: prepare them with this one",
    "the worker runs already",
    "the worker was started before the fork, and runs in the parent process alone",
    "your own transaction has put something and is still open, and SQLite has one writer at a time: commit it first",
}
"""What the outbox says to who calls it from Python: no command leads there."""
IN_PIECES = {
    "5 has no run5: 5 begins one",
    "5: name it with --column number=HEADER",
    "5: 5",
    "5; 5",
    "HTTP 5",
    "has a character that 5 lacks5",
}
"""Reasons that are put together of others."""
MADE = {
    "Permission denied",
    "Is a directory",
    "has no run called",
    "a month has",
    "width and case",
    "width and blanks",
    "case and blanks",
}
"""Words that a system gives, or that are made of pieces."""


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (FOLDER / "messages.po").open("rb") as file:
        return read_po(file)


def of_help(command: click.Command) -> Iterator[str]:
    yield paragraphs(command.help)
    if command.epilog:
        yield command.epilog.partition(": ")[0] if command.epilog.startswith(EXAMPLE) else command.epilog
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            yield parameter.help
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            yield from of_help(subcommand)


@cache
def nodes(folder: Path) -> list[ast.AST]:
    """All that stands in the modules of a package, or in a module."""
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in paths if path.suffix == ".py")
    return [node for tree in trees for node in ast.walk(tree)]


def calls(folder: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call with arguments of what has a name, by that name."""
    for node in nodes(folder):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args:
            yield node.func.id if isinstance(node.func, ast.Name) else node.func.attr, node


def of_source() -> Iterator[str]:
    """What stands in ``_(…)``, the headers of tables, and what the doctor finds."""
    for name, call in calls(SOURCE):
        first = call.args[0]
        if name in ("_", "tell", "_tell", "told"):
            yield from constants(alternatives(first))
        if name == "show_table" and isinstance(first, ast.List):
            yield from constants(first.elts)
        if name in ("Finding", "_wrong", "_credential"):
            yield from (words for words in constants(call.args[:2]) if PLACE.sub("", words))


def constants(parts: Iterable[ast.expr]) -> Iterator[str]:
    yield from (str(part.value) for part in parts if isinstance(part, ast.Constant))


def alternatives(node: ast.expr) -> list[ast.expr]:
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]


def messages() -> set[str]:
    known = {
        *PHRASES,
        *ERRORS.values(),
        SEEN_BY_ALL,
        *TITLES.values(),
        *WHY_EXAMPLES,
        *PLACES.values(),
        *(noun for pair in NOUNS.values() for noun in pair),
    }
    known.update(status.value for status in (*DeliveryStatus, *Outcome))
    return {message for message in (*known, *of_help(app), *of_source()) if message}


def test_no_message_lacks_its_translation(catalogue: Catalog) -> None:
    found = messages()
    assert len(found) > 150
    lacking = sorted(message for message in found if message not in catalogue or not catalogue[message].string)
    assert lacking == []


def test_what_click_says_has_its_translation(catalogue: Catalog) -> None:
    said = {
        str(call.args[0].value)
        for name, call in calls(Path(click.__file__).parent)
        if name in ("_", "ngettext") and isinstance(call.args[0], ast.Constant)
    }
    assert len(said) > 60
    lacking = {message for message in said if message not in catalogue or not catalogue[message].string}
    assert sorted(lacking - OF_PROGRAMMERS) == []


def reasons(folder: Path) -> Iterator[str]:
    """What a package says in its errors and notes for people; each ``{place}`` holds 5."""
    for name, call in calls(folder):
        if name in (*RAISED, *STANDS) and (found := words_of(call.args[-1])) and " " in found:
            yield found


def words_of(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(words_of(part) or "5" for part in parts)
        case _:
            return ""


@pytest.mark.parametrize("package", [sms_core_cli, *VENDORS], ids=lambda package: package.__name__)
def test_what_the_command_and_vendors_packages_refuse_has_its_translation(package: ModuleType) -> None:
    """Of answers that cannot be read only the class is translated: the rest speaks of the vendor's document."""
    found = set(reasons(Path(str(package.__file__)).parent))
    assert found
    with spoken("zh_TW"):
        assert sorted(reason for reason in found - IN_PIECES if phrase(reason) == reason) == []


def test_what_policies_of_an_account_say_has_its_translation() -> None:
    modules = {path for path in Path(sms_core_policy.__file__).parent.iterdir() if path.stem not in APPLICATIONS}
    found = {reason for module in modules for reason in reasons(module)}
    assert len(found) > 30
    with spoken("zh_TW"):
        assert sorted(reason for reason in found if phrase(reason) == reason) == []


def test_what_the_outbox_refuses_has_its_translation() -> None:
    found = set(reasons(Path(sms_core_outbox.__file__).parent))
    assert len(found) > 30
    with spoken("zh_TW"):
        lacking = {reason for reason in found if IN_ENGLISH.search(phrase(reason)) and not reason.startswith("drain(")}
    assert sorted(lacking - OUTBOX_OF_PROGRAMMERS) == []


def test_translations_have_the_same_places(catalogue: Catalog) -> None:
    for message in catalogue:
        if message.id and not message.pluralizable:
            assert sorted(PLACE.findall(str(message.id))) == sorted(PLACE.findall(str(message.string))), message.id


def test_what_is_compiled_is_the_catalogue(catalogue: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    assert (FOLDER / "messages.mo").read_bytes() == compiled.getvalue()


def test_phrases_are_still_said() -> None:
    """Each piece of a phrase between its places stands in a string of the core or of the command."""
    folders = [Path(sms_core.__file__).parent, *Path(__file__).parents[2].glob("*/src/*")]
    said = Counter(text for folder in folders for text in strings_of(folder))
    said.subtract(PHRASES)  # which phrases.py itself has
    strings = "\n".join(+said)
    for template in PHRASES:
        for piece in PLACE.split(template):
            words = piece.strip(" ,:;")
            assert len(words) < 8 or words in MADE or words in strings, template


def strings_of(folder: Path) -> Iterator[str]:
    for node in nodes(folder):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({VARIABLE: "zh_TW"}, "zh_TW"),
        ({VARIABLE: "zh-Hant-TW"}, "zh_TW"),
        ({VARIABLE: "zh"}, "zh_TW"),
        ({VARIABLE: "zh_CN"}, "en"),
        ({VARIABLE: "en", "LANG": "zh_TW.UTF-8"}, "en"),
        ({"LANG": "zh_TW.UTF-8"}, "zh_TW"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_TW.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_HK.UTF-8", "LANG": "C"}, "zh_TW"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_which_language_is_asked_for(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], spoken: str) -> None:
    for name in (VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language() == spoken


def test_a_campaign_in_chinese(sms: Sms, exchange: Exchange, tmp_path: Path) -> None:
    rows = (
        "手機,簡訊,發送時間\n0900000001,您好,\n900000002,您好,\n0900000003,您好{X},\n0900000004,您好,12/1/2099 9:00\n"
    )
    (tmp_path / "t.csv").write_text(rows, encoding="utf-8")
    done = sms("campaign", "t.csv", answer="y\n", SMS_LANG="zh_TW")
    assert done.code == 5
    for words in (
        "門號：少了開頭的 0：可能被試算表去掉了",
        "內容：沒有欄位 'X' 可以填入 {X}：若要大括號本身，請寫 {{X}}",
        "預約時間：分不出月和日的順序：請寫 2099-12-01T09:00 或 2099-01-12T09:00",
        "第 2 列，第一則、最長、點數最多的內容（1 則",
        "每一列的結果都在 results.csv。",
        "扣除 1 點，剩餘",
    ):
        assert words in done.out
    assert "要以 In memory, for tests 發送 1 則簡訊（約 1 點）嗎？" in done.err
    assert "少了開頭 0 的門號：1 個，第一個在第 3 列" in done.err
    assert sms("campaign", "t.csv", "--dry-run").out.isascii() is False  # the texts
    assert "to send" in sms("campaign", "t.csv", "--dry-run").out


def test_a_guess_of_the_encoding_in_chinese(sms: Sms, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("手机,短信\n0900000001,您好\n".encode("gbk"))
    done = sms("campaign", "t.csv", "--yes", SMS_LANG="zh_TW")
    assert "無法從內容判斷檔案的編碼：--encoding gb18030 會讀成「手机 短信 您好」、" in done.err
    assert "reads" not in done.err
    done = sms("campaign", "t.csv", answer="0\n", SMS_LANG="zh_TW")
    assert "  1  GBK (GB18030)：手机 短信 您好" in done.err
    done = sms("campaign", "t.csv", "--dry-run", SMS_LANG="zh_TW")
    assert "注意：編碼是推測的，GBK (GB18030)：--encoding gb18030 會讀成「手机 短信 您好」、" in done.err


def test_wrong_use_in_chinese(sms: Sms) -> None:
    done = sms("send", SMS_LANG="zh_TW")
    assert (done.code, "錯誤：缺少參數 'TEXT'" in done.err) == (2, True)
    done = sms("balance", dsn=None, SMS_LANG="zh_TW")
    assert (done.code, "sms account add NAME" in done.err) == (2, True)


def test_json_is_the_same_in_every_language(sms: Sms) -> None:
    assert (
        sms("preview", "hi", "--to", "0900000001", "--json", SMS_LANG="zh_TW").out
        == sms("preview", "hi", "--to", "0900000001", "--json").out
    )
    assert sms("send", "x", "--to", "1", "--json", SMS_LANG="zh_TW").error["message"].startswith("to[0]")


@pytest.mark.parametrize("spoken", ["en", "zh_TW"])
@pytest.mark.parametrize("width", [40, 80])
def test_help_fits_the_terminal(sms: Sms, spoken: str, width: int) -> None:
    for name in ("", "campaign", "send", "account", "doctor"):
        done = sms(*filter(None, [name]), "--help", SMS_LANG=spoken, COLUMNS=str(width))
        lines = [line for line in done.out.splitlines() if not line.startswith("  sms ")]  # a command is copied whole
        assert all(cell_len(line) <= width for line in lines), name
        assert ("選項" in done.out) is (spoken == "zh_TW")


def test_every_class_of_errors_has_a_name_in_chinese() -> None:
    def classes(kind: type[SmsError]) -> Iterator[type[SmsError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from classes(below)

    shipped = {
        kind.__name__ for kind in classes(SmsError) if kind.__module__.split(".")[0] in ("sms_core", "sms_core_outbox")
    }
    assert shipped <= ERRORS.keys()


def test_errors_in_chinese(sms: Sms, memory_name: str, exchange: Exchange) -> None:
    exchange.add_account("u", "p", 1)
    for arguments, dsn, words in (
        (("balance",), "every8d://u:p@127.0.0.1:1?scheme=http", "網路連線失敗 (TransportError): 無法連線到"),
        (("balance",), f"memory://u:wrong@{memory_name}", "帳號或密碼遭拒 (AuthenticationFailed)"),
        (("balance", "--account", "x"), None, "設定有誤 (ConfigurationError): 沒有名為 'x' 的帳號，目前還沒有帳號"),
        (("send", "", "--to", "0900000001"), f"memory://u:p@{memory_name}", "是空的：業者會拒絕"),
    ):
        assert words in sms(*arguments, dsn=dsn, SMS_LANG="zh_TW").err
