"""Named accounts: a TOML file that only its owner may read, with the secrets in it or the way to them.

::

    [accounts.shop]
    dsn = "every8d://UID@new.e8d.tw"
    password_command = ["pass", "show", "sms/shop"]
    rate = 20
    questions = 1
    lanes = {news = 5}

    [accounts.shop.policies.taiwan]
    senders = ["互動資通"]

A password may be part of the ``dsn``, or stand beside it as one of `SECRETS`. ``policies`` are rules and limits of
sms-core-policy; `sms_core_cli.policies` makes plugins of them. ``rate``, ``questions`` and ``lanes`` are how many texts and
questions a second an outbox or a campaign may send of it, and how many texts of a purpose.
"""

from __future__ import annotations

import contextlib
import difflib
import math
import os
import re
import secrets
import shlex
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import platformdirs
import tomlkit
from attrs import field, frozen
from tomlkit.exceptions import ParseError, TOMLKitError

from sms_core import dsn as dsns
from sms_core.errors import ConfigurationError

FILE_VARIABLE = "SMS_ACCOUNTS"
"""The environment's word on where the file is."""
ACCOUNT_VARIABLE = "SMS_ACCOUNT"
SECRETS = ("password", "password_file", "password_env", "password_command")
"""Where a password is: in the file itself, in another file, in a variable, or what a command writes."""
POLICIES = "policies"
"""The table of an account's rules and limits."""
RATES = ("rate", "questions", "lanes")
"""What may be done of an account in a second: numbers, and a table of numbers by purpose."""
COMMAND_TIMEOUT = 60.0
"""Seconds; a password manager may ask its user for a key."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO

_NAME = re.compile(r"[\w-]{1,64}")


@frozen
class NamedAccount:
    """One account. ``secret_in`` is one of `SECRETS`, or "" where the password is part of the DSN or there is none.

    ``policies`` is the table of its rules and limits, and ``rates`` has what of `RATES` there is, as the file has them.
    """

    name: str
    dsn: str = field(repr=False)
    secret_in: str = ""
    secret: str | list[str] = field(default="", repr=False)
    policies: Mapping[str, Any] = field(factory=dict, repr=False)
    rates: Mapping[str, Any] = field(factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"{self.name!r} is no name for an account: letters, digits, - and _")
        if self.secret_in and dsns.parse(self.dsn).password:
            raise ConfigurationError(f"the account {self.name!r} has a password in its dsn and a {self.secret_in} too")

    def resolve(self) -> str:
        """The whole DSN, password and all. Raises `ConfigurationError` where the password cannot be had."""
        if not self.secret_in:
            return self.dsn
        try:
            password = _READERS[self.secret_in](self.secret)
        except (OSError, UnicodeError, subprocess.SubprocessError) as error:
            reason = f"the {self.secret_in} of the account {self.name!r} cannot be read ({type(error).__name__})"
            raise ConfigurationError(reason) from None
        if not password:
            raise ConfigurationError(f"the {self.secret_in} of the account {self.name!r} gives no password")
        return with_password(self.dsn, password)

    @property
    def rate(self) -> float | None:
        """How many texts may be sent of it in a second; None sets no limit."""
        return self.rates.get("rate")

    def table(self) -> dict[str, Any]:
        """What stands in the file of it."""
        table: dict[str, Any] = {"dsn": self.dsn, **self.rates}
        if self.secret_in:
            table[self.secret_in] = self.secret
        if self.policies:
            table[POLICIES] = self.policies
        return table


def accounts_file() -> Path:
    """Where the accounts are: what `FILE_VARIABLE` says, or this system's place for settings."""
    named = os.environ.get(FILE_VARIABLE)
    return Path(named) if named else platformdirs.user_config_path("sms-core", appauthor=False) / "accounts.toml"


def read_accounts() -> dict[str, NamedAccount]:
    """The accounts by name; none where there is no file. Raises `ConfigurationError` for a file that others may read."""
    tables = _read(accounts_file()).unwrap().get("accounts", {})
    return {name: _account(name, table) for name, table in tables.items()}


def find_account(name: str) -> NamedAccount:
    """The account of this name. Raises `ConfigurationError`, which names those that there are."""
    accounts = read_accounts()
    if name not in accounts:
        if near := difflib.get_close_matches(name, accounts, n=1):
            raise ConfigurationError(f"there is no account {name!r}: did you mean {near[0]}?")
        there = f"there are {', '.join(accounts)}" if accounts else "there is none yet"
        raise ConfigurationError(f"there is no account {name!r}, {there}: sms account add {name} every8d://USER@HOST")
    return accounts[name]


def save_account(account: NamedAccount) -> None:
    """Put an account into the file, in place of one of its name. Raises `ConfigurationError` or `OSError`."""
    path = accounts_file()
    document = _read(path)
    accounts: Any = document.setdefault("accounts", tomlkit.table(is_super_table=True))
    accounts[account.name] = account.table()
    _write(path, tomlkit.dumps(document))


def remove_account(name: str) -> None:
    """Take an account out of the file. Raises as `find_account` and `save_account` do."""
    find_account(name)
    path = accounts_file()
    document = _read(path)
    accounts: Any = document["accounts"]
    del accounts[name]
    _write(path, tomlkit.dumps(document))


def with_password(dsn: str, password: str) -> str:
    """The same DSN with this password in it."""
    found = dsns.parse(dsn)
    host = f"[{found.host}]" if ":" in found.host else found.host
    port = f":{found.port}" if found.port else ""
    options: Mapping[str, object] = found.options
    return dsns.build(found.provider, found.user, password, f"{host}{port}{found.prefix}", **options)


def _account(name: str, table: Any) -> NamedAccount:
    known = ("dsn", *SECRETS, *RATES, POLICIES)
    if not isinstance(table, Mapping) or not isinstance(table.get("dsn"), str):
        raise ConfigurationError(f"the account {name!r} has no dsn")
    values = cast("Mapping[str, Any]", table)
    if unknown := sorted(set(values).difference(known)):
        raise ConfigurationError(f"the account {name!r} has an unknown {unknown[0]!r}: it is one of {', '.join(known)}")
    policies = values.get(POLICIES, {})
    if not isinstance(policies, Mapping):
        raise ConfigurationError(f"the policies of the account {name!r} are no table: [accounts.{name}.policies.RULE]")
    rates = _rates(name, values)
    found = [key for key in SECRETS if key in values]
    if len(found) > 1:
        raise ConfigurationError(f"the account {name!r} has {' and '.join(found)}: one of them is enough")
    if not found:
        return NamedAccount(name, values["dsn"], policies=policies, rates=rates)
    secret = values[found[0]]
    is_command = found[0] == "password_command" and isinstance(secret, list)
    if not (isinstance(secret, str) or (is_command and all(isinstance(word, str) for word in secret))):
        raise ConfigurationError(f"the {found[0]} of the account {name!r} is no text")
    return NamedAccount(name, values["dsn"], found[0], secret, policies, rates)


def _rates(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    rates = {key: values[key] for key in RATES if key in values}
    lanes = rates.get("lanes", {})
    if not isinstance(lanes, Mapping):
        raise ConfigurationError(f"the lanes of the account {name!r} are no table: lanes = {{news = 5}}")
    numbers = {**rates, **{f"lanes.{purpose}": number for purpose, number in lanes.items()}}
    numbers.pop("lanes", None)
    for key, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < math.inf:
            raise ConfigurationError(f"the {key} of the account {name!r} is no number a second: {key} = 5")
    return rates


def _read(path: Path) -> tomlkit.TOMLDocument:
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except FileNotFoundError:
        return tomlkit.document()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8") from None
    if os.name == "posix" and mode & OTHERS:
        raise ConfigurationError(f"{path} holds secrets and others may read it: chmod 600 {shlex.quote(str(path))}")
    try:
        document = tomlkit.parse(text)
    except ParseError as error:
        raise ConfigurationError(
            f"{path} is no TOML (line {error.line})"
        ) from None  # its own text would quote the file
    except TOMLKitError:
        raise ConfigurationError(f"{path} is no TOML") from None
    if not isinstance(document.get("accounts", {}), Mapping):
        raise ConfigurationError(f"{path} has accounts that are no tables: [accounts.NAME]")
    return document


def _write(path: Path, text: str) -> None:
    """Replace the file: whole, or not at all, and for its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink()
        raise


def _from_file(path: Any) -> str:
    # A relative path is beside the accounts, wherever the command runs.
    return (accounts_file().parent / Path(path).expanduser()).read_text(encoding="utf-8").rstrip("\r\n")


def _from_command(command: Any) -> str:
    words = shlex.split(command) if isinstance(command, str) else list(command)
    done = subprocess.run(  # noqa: S603 - its owner wrote the command into a file of their own
        words, stdout=subprocess.PIPE, check=True, timeout=COMMAND_TIMEOUT, encoding="utf-8"
    )
    return done.stdout.partition("\n")[0].rstrip("\r")


_READERS: Mapping[str, Callable[[Any], str]] = {
    "password": str,
    "password_file": _from_file,
    "password_env": lambda name: os.environ.get(name, ""),
    "password_command": _from_command,
}
