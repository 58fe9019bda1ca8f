"""What all commands share: ``--json``, which account they are about, and errors as exit codes without a traceback."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from sms_core import dsn as dsns
from sms_core.dsn import ENVIRONMENT_VARIABLE
from sms_core.errors import ConfigurationError, SmsError
from sms_core_cli import exit_codes
from sms_core_cli.accounts import ACCOUNT_VARIABLE, find_account, read_accounts, with_password
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.help import Speaking
from sms_core_cli.language import ENGLISH, spoken
from sms_core_cli.output import json_of_usage, show_error, tell

HIDDEN = "PASSWORD"
"""What a command that is shown has in place of a password."""
WRONG_ACCOUNT = f"{__name__}.wrong_account"
"""Where it keeps what is wrong with the account, for a command that does without one."""
SEEN_BY_ALL = (
    "Note: {where} has a password, which everyone on this machine can see and the shell keeps: "
    "sms account add NAME every8d://USER@HOST asks for it instead."
)
NO_ACCOUNT = f"no account is named: sms account add NAME every8d://USER@HOST, or set {ENVIRONMENT_VARIABLE}"


class SmsCommand(Speaking):
    """A command whose `SmsError`s become one line on stderr and the exit code of `exit_codes.OF_ERRORS`.

    ``needs_account`` is whether it is an error that nothing names one, for a command with `account_options`.
    """

    def __init__(self, *args: Any, needs_account: bool = True, **options: Any) -> None:
        super().__init__(*args, **options)
        self.needs_account = needs_account

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; with ``--json`` among them a wrong use is told in JSON too."""
        if "--json" not in args:
            return super().parse_args(ctx, args)
        with spoken(ENGLISH):  # JSON is the same in every language
            try:
                return super().parse_args(ctx, args)
            except click.UsageError as error:
                click.echo(json_of_usage(error), err=True)
                ctx.exit(exit_codes.WRONG_USE)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command."""
        try:
            if "account" in ctx.params:
                ctx.params["account"] = self._account(ctx, ctx.params["account"], ctx.params.pop("dsn"))
            super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read our output has gone; click ends quietly
        except OSError as error:
            failed: SmsError = ConfigurationError(f"{error.filename or 'the system'}: {error.strerror or error}")
        except SmsError as error:
            failed = error
        else:
            return
        show_error(failed, as_json=ctx.params.get("as_json", False))
        ctx.exit(exit_codes.of_error(failed))

    def _account(self, ctx: click.Context, name: str | None, dsn: str | None) -> ChosenAccount | None:
        """The account that is meant. Raises `ConfigurationError` where it cannot be had and is needed."""
        try:
            found = _chosen(ctx, name, dsn)
        except ConfigurationError as error:
            if self.needs_account:
                raise
            ctx.meta[WRONG_ACCOUNT] = str(error)
            return None
        if self.needs_account and found is None:
            raise ConfigurationError(NO_ACCOUNT)
        return found


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


def complete_accounts(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of accounts that begin so, for a shell; none where the file cannot be read, for nobody would see why."""
    try:
        names = list(read_accounts())
    except (ConfigurationError, OSError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


_DSN = click.option(
    "--dsn",
    envvar=ENVIRONMENT_VARIABLE,
    metavar="DSN",
    help="The account as a DSN; else the environment's SMS_DSN. A password in it is for everyone on this machine to see.",
)
_ACCOUNT = click.option(
    "--account",
    envvar=ACCOUNT_VARIABLE,
    metavar="NAME",
    shell_complete=complete_accounts,
    help="An account of `sms account`; else SMS_ACCOUNT, or the only one.",
)

_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")

F = TypeVar("F", bound=Callable[..., Any])


def account_options(command: F) -> F:
    """Give a command ``--dsn`` and ``--account``; it is called with the ``account`` that they say.

    That is a `ChosenAccount`; None where there is none, for a command that does not need one.
    """
    return _ACCOUNT(_DSN(command))


def same_account(ctx: click.Context) -> list[str]:
    """The words that a further command needs to take the account of this one; what is in the environment stays there.

    The password of a ``--dsn`` is never shown: `HIDDEN` stands in its place.
    """
    words: list[str] = []
    for option in ("account", "dsn"):
        given = ctx.meta.get(option_key(option))
        if given is not None:
            words.extend([f"--{option}", without_password(given) if option == "dsn" else given])
    return words


def option_key(option: str) -> str:
    """Where a context keeps what its command line gave for an option of `account_options`."""
    return f"{__name__}.{option}"


def without_password(dsn: str) -> str:
    """The same DSN with `HIDDEN` for its password."""
    return with_password(dsn, HIDDEN) if dsns.parse(dsn).password else dsn


def url_without_password(url: str) -> str:
    """The URL of a database with `HIDDEN` for its password."""
    return _PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", url)


def warn_of_passwords(ctx: click.Context, where: str, dsns_given: Iterable[str]) -> None:
    """Say that a password on a command line is no secret, where one of these DSNs has one."""
    if not any(dsns.parse(dsn).password for dsn in dsns_given):
        return
    tell(SEEN_BY_ALL, as_json=ctx.params.get("as_json", False), stderr=True, where=where)


def is_on_command_line(ctx: click.Context, parameter: str) -> bool:
    """Whether a parameter was given there, and not in the environment."""
    return ctx.get_parameter_source(parameter) is ParameterSource.COMMANDLINE


def _chosen(ctx: click.Context, name: str | None, dsn: str | None) -> ChosenAccount | None:
    """The account that is meant; None where nothing says which. Raises `ConfigurationError`.

    The command line comes before the environment. Two of the same rank are a contradiction: what is sent with another
    account than the one that was meant cannot be taken back.
    """
    is_dsn_given = is_on_command_line(ctx, "dsn")
    is_name_given = is_on_command_line(ctx, "account")
    if name is not None and dsn is not None and is_name_given == is_dsn_given:
        names = "--account and --dsn" if is_dsn_given else f"{ACCOUNT_VARIABLE} and {ENVIRONMENT_VARIABLE}"
        raise ConfigurationError(f"{names} both name an account: give one of them")
    if dsn is not None and (name is None or is_dsn_given):
        if is_dsn_given:
            ctx.meta[option_key("dsn")] = dsn
            warn_of_passwords(ctx, "--dsn", [dsn])
        return ChosenAccount(dsn)
    if name is not None:
        if is_name_given:
            ctx.meta[option_key("account")] = name
        return named_account(name)
    return only_account()


def only_account() -> ChosenAccount | None:
    """The account of the accounts' file, None where it has none. Raises `ConfigurationError` where it has several."""
    accounts = read_accounts()
    if len(accounts) > 1:
        raise ConfigurationError(f"there are several accounts, {', '.join(accounts)}: say which with --account NAME")
    return next(map(named_account, accounts), None)


def named_account(name: str) -> ChosenAccount:
    """An account of the accounts' file, with its password. Raises `ConfigurationError`."""
    found = find_account(name)
    return ChosenAccount(found.resolve(), name, found.policies, found.rate)
