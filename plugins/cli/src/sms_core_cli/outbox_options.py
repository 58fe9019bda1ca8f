"""The options that say which outbox, and whose accounts, shared by its commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

import click

from sms_core.dsn import ENVIRONMENT_VARIABLE
from sms_core_cli.accounts import ACCOUNT_VARIABLE, find_account, read_accounts
from sms_core_cli.chosen_outbox import ChosenOutbox, Given
from sms_core_cli.command import (
    complete_accounts,
    is_on_command_line,
    json_option,
    url_without_password,
    warn_of_passwords,
    without_password,
)

ACCOUNT = "main"
"""What ``--dsn`` is the account of."""
DSN_MARK = "://"
"""By which a DSN is told from the names of accounts."""

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def outbox_options(command: CommandT) -> CommandT:
    """The options that say which outbox, and whose accounts; the command is called with the `ChosenOutbox`."""

    @click.pass_context
    @wraps(command)
    def with_outbox(
        ctx: click.Context, /, url: str, dsn: str | None, accounts: tuple[str, ...], **options: Any
    ) -> object:
        warn_of_passwords(ctx, "--dsn", [dsn] if dsn is not None and is_on_command_line(ctx, "dsn") else [])
        if is_on_command_line(ctx, "accounts"):
            warn_of_passwords(ctx, "--account", [given.partition("=")[2] for given in accounts if DSN_MARK in given])
        return command(chosen=ChosenOutbox(url, _accounts_given(dsn, accounts), _same_outbox(ctx)), **options)

    for option in reversed(_OPTIONS):
        with_outbox = option(with_outbox)
    return cast("CommandT", with_outbox)


_OPTIONS = (
    click.option(
        "--outbox",
        "url",
        envvar="SMS_OUTBOX",
        required=True,
        metavar="URL",
        help="Its database, such as sqlite:///sms.db; else the environment's SMS_OUTBOX.",
    ),
    click.option("--dsn", envvar=ENVIRONMENT_VARIABLE, metavar="DSN", help='The account "main"; else SMS_DSN.'),
    click.option(
        "--account",
        "accounts",
        multiple=True,
        envvar=ACCOUNT_VARIABLE,
        metavar="NAME[=DSN]",
        shell_complete=complete_accounts,
        help="An account of `sms account`, or one with its DSN, or NAME=A,B of several vendors; may be given several times. "
        "Else SMS_ACCOUNT, or all.",
    ),
    json_option,
)


def _same_outbox(ctx: click.Context) -> tuple[str, ...]:
    """The words that a further command needs for this outbox and its accounts; what is in the environment stays there."""
    words: list[str] = []
    if is_on_command_line(ctx, "url"):
        words += ["--outbox", url_without_password(ctx.params["url"])]
    if is_on_command_line(ctx, "dsn"):
        words += ["--dsn", without_password(ctx.params["dsn"])]
    if is_on_command_line(ctx, "accounts"):
        for account in ctx.params["accounts"]:
            name, _equals, dsn = account.partition("=")
            words += ["--account", f"{name}={without_password(dsn)}" if DSN_MARK in dsn else account]
    return tuple(words)


def _accounts_given(dsn: str | None, accounts: Iterable[str]) -> dict[str, Given]:
    """What each account is. Without any, all that are in the accounts' file are meant."""
    given: dict[str, Given] = {ACCOUNT: dsn} if dsn else {}
    for account in accounts:
        name, equals, found = account.partition("=")
        if DSN_MARK in found:
            given[name] = found
            continue
        vendors = tuple(found.split(",")) if equals else (name,)
        for vendor in vendors:
            find_account(vendor)  # raises for one that there is none of
        given[name] = vendors if equals else None
    return given or dict.fromkeys(read_accounts())
