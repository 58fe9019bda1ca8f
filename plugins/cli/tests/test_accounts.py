"""Named accounts: the file, the secrets, which account a command takes."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from plugins.cli.tests.conftest import Sms
from sms_core import ConfigurationError
from sms_core.testing import Exchange
from sms_core_cli.accounts import FILE_VARIABLE, NamedAccount, accounts_file, find_account, read_accounts, save_account

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
