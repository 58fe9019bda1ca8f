"""What all commands share: ``--json``, which account they are about, and errors as exit codes without a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from sms_core import dsn as dsns
from sms_core.dsn import ENVIRONMENT_VARIABLE
from sms_core.errors import ConfigurationError, SmsError
from sms_core.serialize import to_json
from sms_core_cli import exit_codes
from sms_core_cli.accounts import ACCOUNT_VARIABLE, find_account, read_accounts
from sms_core_cli.help import Speaking
from sms_core_cli.language import _
from sms_core_cli.output import json_of_usage, note, show_error

ACCOUNT = f"{__name__}.account"
"""Where a context keeps the account that its command line named."""
WRONG_ACCOUNT = f"{__name__}.wrong_account"
"""Where it keeps what is wrong with the account, for a command that does without one."""
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
        as_json = "--json" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if not as_json:
                raise
            click.echo(json_of_usage(error), err=True)
            ctx.exit(exit_codes.WRONG_USE)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command."""
        try:
            if "account" in ctx.params:
                ctx.params["dsn"] = self._account(ctx, ctx.params.pop("account"), ctx.params["dsn"])
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

    def _account(self, ctx: click.Context, account: str | None, dsn: str | None) -> str | None:
        """The DSN of the account. Raises `ConfigurationError` where it cannot be had and is needed."""
        try:
            found = _dsn(ctx, account, dsn)
        except ConfigurationError as error:
            if self.needs_account:
                raise
            ctx.meta[WRONG_ACCOUNT] = str(error)
            return None
        if self.needs_account and found is None:
            raise ConfigurationError(NO_ACCOUNT)
        return found


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")

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
    help="An account of `sms account`; else SMS_ACCOUNT, or the only one.",
)

F = TypeVar("F", bound=Callable[..., Any])


def account_options(command: F) -> F:
    """Give a command ``--dsn`` and ``--account``; it is called with the ``dsn`` that they say, or None."""
    return _ACCOUNT(_DSN(command))


def same_account(ctx: click.Context) -> str:
    """The option that a further command needs to take the account of this one; "" if it needs none."""
    return f" --account {ctx.meta[ACCOUNT]}" if ACCOUNT in ctx.meta else ""


def warn_of_password(ctx: click.Context, where: str) -> None:
    """Say that a password on a command line is no secret."""
    line = _(
        "{where} has a password, which everyone on this machine can see and the shell keeps: "
        "sms account add NAME every8d://USER@HOST asks for it instead",
        where=where,
    )
    if ctx.params.get("as_json", False):
        click.echo(to_json({"say": line}), err=True)
    else:
        note(_("Note: {note}.", note=line))


def _dsn(ctx: click.Context, account: str | None, dsn: str | None) -> str | None:
    """The DSN of the account that is meant; None where nothing says which. Raises `ConfigurationError`.

    The command line comes before the environment. Two of the same rank are a contradiction: what is sent with another
    account than the one that was meant cannot be taken back.
    """
    ranks = {name: ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in ("account", "dsn")}
    if account is not None and dsn is not None and ranks["account"] == ranks["dsn"]:
        names = "--account and --dsn" if ranks["dsn"] else f"{ACCOUNT_VARIABLE} and {ENVIRONMENT_VARIABLE}"
        raise ConfigurationError(f"{names} both name an account: give one of them")
    if dsn is not None and (account is None or ranks["dsn"]):
        if ranks["dsn"] and dsns.parse(dsn).password:
            warn_of_password(ctx, "--dsn")
        return dsn
    if account is not None:
        if ranks["account"]:
            ctx.meta[ACCOUNT] = account
        return find_account(account).resolve()
    accounts = read_accounts()
    if len(accounts) > 1:
        raise ConfigurationError(f"there are several accounts, {', '.join(accounts)}: say which with --account NAME")
    return next((found.resolve() for found in accounts.values()), None)
