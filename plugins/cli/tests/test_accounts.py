"""Named accounts: the file, the secrets, which account a command takes."""

from __future__ import annotations

import shlex
import stat
import sys
from pathlib import Path

import pytest

from plugins.cli.tests.conftest import Sms
from sms_core import ConfigurationError, Message
from sms_core.testing import Exchange
from sms_core_cli.accounts import FILE_VARIABLE, NamedAccount, accounts_file, find_account, read_accounts, save_account
from sms_core_cli.command import without_password
from sms_core_outbox import Outbox
from sms_core_sandbox import Sandbox

SECRET = "p@ss/wörd #1"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "accounts.toml"))
    return tmp_path / "accounts.toml"


@pytest.fixture
def vendor(exchange: Exchange, memory_name: str) -> str:
    """A DSN without its password of an account that takes `SECRET` alone."""
    exchange.add_account("uid", SECRET, 100)
    return f"memory://uid@{memory_name}"


def test_an_account_is_added_tried_used_and_removed(sms: Sms, exchange: Exchange, vendor: str, file: Path) -> None:
    added = sms("account", "add", "shop", vendor, answer=f"{SECRET}\n", dsn=None)
    assert added.code == 0
    assert "sms account test shop" in added.out
    assert sms("account", "test", "shop", dsn=None).code == 0
    assert sms("send", "hi", "--to", "0900000001", "--account", "shop", dsn=None).code == 0
    assert sms("send", "hi", "--to", "0900000002", dsn=None, SMS_ACCOUNT="shop").code == 0
    assert len(exchange.accepted) == 2
    assert sms("balance", dsn=None).code == 0  # the only one there is
    listed = sms("account", "list", dsn=None)
    assert "uid" in listed.out
    assert SECRET not in added.out + added.err + listed.out
    assert sms("account", "list", "--json", dsn=None).data[0]["password"] == "in the accounts' file"
    assert sms("account", "remove", "shop", dsn=None).code == 0
    assert SECRET not in file.read_text(encoding="utf-8")
    done = sms("balance", dsn=None)
    assert (done.code, "sms account add NAME" in done.err) == (2, True)


def test_a_wrong_password_is_told(sms: Sms, vendor: str) -> None:
    sms("account", "add", "shop", vendor, answer="wrong\n", dsn=None)
    assert sms("account", "test", "shop", dsn=None).code == 3


def test_nobody_else_may_read_the_file(sms: Sms, vendor: str, file: Path) -> None:
    sms("account", "add", "shop", vendor, answer=f"{SECRET}\n", dsn=None)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for mode in (0o640, 0o604):
        file.chmod(mode)
        done = sms("balance", "--account", "shop", dsn=None)
        assert (done.code, "chmod 600" in done.err) == (2, True)


def test_the_secret_may_be_elsewhere(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    monkeypatch.setenv("SHOP", SECRET)
    writes = [sys.executable, "-c", f"import sys; sys.stdout.buffer.write({SECRET!r}.encode() + b'\\nmore')"]
    places: dict[str, str | list[str]] = {
        "password_file": str(tmp_path / "secret"),
        "password_env": "SHOP",
        "password_command": writes,
        "password": SECRET,
    }
    for place, secret in places.items():
        save_account(NamedAccount("shop", "every8d://uid@[::1]:8080/x?batch_size=5", place, secret))
        found = find_account("shop")
        assert found.resolve() == "every8d://uid:p%40ss%2Fw%C3%B6rd%20%231@[::1]:8080/x?batch_size=5"
        assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("place", "secret"),
    [
        ("password_file", "/no/such/file"),
        ("password_env", "NO_SUCH_VARIABLE"),
        ("password_command", ["no-such-command"]),
        ("password_command", f"{sys.executable} -c 'import sys; sys.exit(3)'"),
    ],
)
def test_a_secret_that_cannot_be_had(file: Path, place: str, secret: str | list[str]) -> None:
    with pytest.raises(ConfigurationError, match=f"the {place} of the account 'shop'"):
        NamedAccount("shop", "every8d://uid@", place, secret).resolve()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[accounts.shop", "is no TOML"),
        ("accounts = 5", "no tables"),
        ("[accounts.shop]\n", "has no dsn"),
        ("[accounts.shop]\ndsn = 'every8d://u@'\ncolor = 1\n", "unknown 'color'"),
        ("[accounts.shop]\ndsn = 'every8d://u@'\npassword = 'a'\npassword_env = 'b'\n", "one of them is enough"),
        ("[accounts.shop]\ndsn = 'every8d://u:p@'\npassword = 'a'\n", "has a password in its dsn and a password too"),
        ("[accounts.shop]\ndsn = 'every8d://u@'\npassword = 5\n", "is no text"),
        ("[accounts.'a b']\ndsn = 'every8d://u@'\n", "is no name"),
    ],
)
def test_files_that_make_no_sense(file: Path, text: str, words: str) -> None:
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match=words):
        read_accounts()


def test_what_its_owner_wrote_into_the_file_stays(sms: Sms, file: Path) -> None:
    file.write_text("# mine\n[accounts.a]\ndsn = 'memory://'  # for tests\n", encoding="utf-8")
    file.chmod(0o600)
    assert sms("account", "add", "b", "memory://", "--no-password", dsn=None).code == 0
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# mine\n[accounts.a]\ndsn = 'memory://'  # for tests\n")
    assert list(read_accounts()) == ["a", "b"]
    done = sms("account", "add", "b", "memory://", "--no-password", dsn=None)
    assert (done.code, "--replace" in done.err) == (2, True)
    assert sms("account", "add", "b", "memory://", "--no-password", "--replace", dsn=None).code == 0


def test_which_account_is_meant(sms: Sms, file: Path, memory_name: str, exchange: Exchange) -> None:
    for name in ("a", "b"):
        save_account(NamedAccount(name, f"memory://{memory_name}"))
    for options, environment, words in [
        (["--account", "c"], {"dsn": None}, "there is no account 'c', there are a, b"),
        ([], {"dsn": None}, "several accounts, a, b: say which with --account NAME"),
        (["--account", "a", "--dsn", "memory://"], {}, "--account and --dsn both name an account"),
        ([], {"SMS_ACCOUNT": "a"}, "SMS_ACCOUNT and SMS_DSN both name an account"),
    ]:
        done = sms("balance", *options, **environment)
        assert (done.code, words in done.err) == (2, True), done.err
    assert sms("balance", "--account", "a", dsn="memory://elsewhere").code == 0
    assert sms("balance", "--dsn", "memory://", SMS_ACCOUNT="a", dsn=None).code == 0


def test_a_password_on_the_command_line_is_warned_of(
    sms: Sms, file: Path, memory_name: str, exchange: Exchange
) -> None:
    exchange.add_account("u", "p", 1)
    done = sms("balance", "--dsn", f"memory://u:p@{memory_name}", dsn=None)
    assert (done.code, "sms account add NAME" in done.err) == (0, True)
    assert sms("balance", "--dsn", f"memory://{memory_name}", dsn=None).err == ""
    assert sms("balance", dsn=f"memory://u:p@{memory_name}").err == ""
    done = sms("account", "add", "shop", f"memory://u:p@{memory_name}", dsn=None)
    assert (done.code, "everyone on this machine" in done.err) == (0, True)
    assert find_account("shop").dsn == f"memory://u:@{memory_name}"


def test_where_nothing_says_otherwise_the_file_is_in_the_system_s_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    assert accounts_file().parts[-2:] == ("sms-core", "accounts.toml")


POLICIES = """
[accounts.shop.policies]
store = "{store}"
budget = {{ per_day = 3 }}

[accounts.shop.policies.taiwan]
senders = ["互動資通"]
"""


def test_an_account_s_policies_hold_for_what_is_sent(
    sms: Sms, exchange: Exchange, memory_name: str, file: Path, tmp_path: Path
) -> None:
    assert sms("account", "add", "shop", f"memory://{memory_name}", "--no-password", dsn=None).code == 0
    with file.open("a", encoding="utf-8") as written:
        written.write(POLICIES.format(store=f"sqlite:///{tmp_path / 'policy.db'}"))
    done = sms("send", "您好", "--to", "0900000001", dsn=None)
    assert (done.code, "approved sender" in done.err) == (2, True)
    assert sms("preview", "您好", "--to", "0900000001", dsn=None).code == 2
    for _ in range(3):
        assert sms("send", "【互動資通】您好", "--to", "0900000001", dsn=None).code == 0
    done = sms("send", "【互動資通】您好", "--to", "0900000001", dsn=None)
    assert (done.code, "a day has 3 points" in done.err) == (2, True)
    assert len(exchange.accepted) == 3
    limits = [row for row in sms("doctor", "--json", dsn=None).data if row["what"] == "limit budget"]
    assert ["3 used, 0 left" in row["found"] for row in limits] == [True]
    # A limit refuses sends, and no question.
    assert sms("balance", dsn=None).code == 0
    assert sms("settle", "您好", "--to", "0900000001", dsn=None).code != 2
    changed = sms("account", "add", "shop", f"memory://{memory_name}", "--no-password", "--replace", dsn=None)
    assert (changed.code, "senders" in file.read_text(encoding="utf-8")) == (0, True)
    written_again = file.read_text(encoding="utf-8").replace("/policy.db", "/nowhere/policy.db")
    file.write_text(written_again, encoding="utf-8")
    lost = [row for row in sms("doctor", "--json", dsn=None).data if row["what"] == "limit"]
    assert [row["found"] for row in lost] == ["the database: OperationalError"]


def test_without_the_package_policies_say_what_to_install(
    sms: Sms, file: Path, memory_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_account(NamedAccount("shop", f"memory://{memory_name}"))
    monkeypatch.setitem(sys.modules, "sms_core_policy", None)
    assert sms("preview", "hi", "--to", "0900000001", dsn=None).code == 0
    save_account(NamedAccount("shop", f"memory://{memory_name}", policies={"taiwan": {"senders": ["互動資通"]}}))
    done = sms("preview", "hi", "--to", "0900000001", dsn=None)
    assert (done.code, "pip install sms-core-policy" in done.err) == (2, True)


def test_a_preview_says_once_that_no_sender_is_configured(sms: Sms, exchange: Exchange) -> None:
    done = sms("preview", "您好", "--to", "0900000001", "--to", "0900000002")
    assert done.out.count("names no configured sender") == 1
    assert "names no configured sender" not in sms("preview", "hi", "--to", "+81312345678").out


def test_names_are_completed(sms: Sms, file: Path) -> None:
    for name in ("shop", "stage", "other"):
        save_account(NamedAccount(name, "memory://"))
    for words in ("sms balance --account s", "sms outbox status --account s", "sms account test s"):
        done = sms(dsn=None, _SMS_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
        assert done.out.split() == ["plain,shop", "plain,stage"]


def test_a_hint_is_the_next_command(sms: Sms, file: Path) -> None:
    with Sandbox() as box:
        dsn = box.dsn("every8d")
        save_account(NamedAccount("shop", dsn))
        for options in (["--account", "shop"], ["--dsn", dsn]):
            box.faults.add("drop_after", match="SendSMS")
            done = sms("send", *options, "--to", "0900000001", "--reference", "order 17", "--", "-5 off", dsn=None)
            assert (done.code, dsn in done.err) == (4, False)
            command = done.err.partition("Ask what became of it: ")[2].splitlines()[0]
            words = shlex.split(command.replace(without_password(dsn), dsn))
            assert [word in words for word in (*options, "order 17", "-5 off")] == [True] * 4
            assert sms(*words[1:], dsn=None).code in (0, 4)


def test_an_outbox_takes_accounts_by_name(
    sms: Sms, file: Path, exchange: Exchange, memory_name: str, tmp_path: Path
) -> None:
    save_account(NamedAccount("shop", f"memory://{memory_name}"))
    url = f"sqlite:///{tmp_path / 'sms.db'}"
    with Outbox(url, accounts={"shop": f"memory://{memory_name}"}) as box:
        box.create()
        for key in "abc":
            box.put(Message(key, "0900000001"), key=key)
    where = {"dsn": None, "SMS_OUTBOX": url}
    assert sms("outbox", "pause", "--because", "moving", **where).code == 0
    done = sms("outbox", "status", "--account", "shop", **where)
    assert "sms outbox resume --of shop" in done.err
    assert sms("outbox", "resume", SMS_ACCOUNT="shop", **where).code == 0
    assert "3 rows: 3 accepted" in sms("outbox", "run", "--once", "--account", "shop", **where).out
    assert len(exchange.accepted) == 3
    done = sms("outbox", "status", "--account", "none", **where)
    assert (done.code, "there is no account 'none', there are shop" in done.err) == (2, True)
    given = sms("outbox", "status", "--account", "x=every8d://u:geheim@new.e8d.tw", **where)
    assert (given.code, "--account has a password" in given.err, "geheim" in given.err) == (0, True, False)


def test_a_password_file_is_kept_by_its_whole_path(sms: Sms, tmp_path: Path) -> None:
    assert sms("account", "add", "shop", "memory://u@", "--password-file", "secret").code == 0
    assert str(tmp_path / "secret") in sms("account", "list", "--json").out


def test_an_account_that_is_nearly_written_right_is_suggested(sms: Sms) -> None:
    sms("account", "add", "shop", "memory://", "--no-password")
    done = sms("balance", "--account", "shpo", dsn=None)
    assert (done.code, "there is no account 'shpo': did you mean shop?" in done.err) == (2, True)
