"""``sms account``: named accounts, so that no password stands on a command line."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from sms_core import connect
from sms_core import dsn as dsns
from sms_core.errors import ConfigurationError
from sms_core_cli.accounts import (
    SECRETS,
    NamedAccount,
    accounts_file,
    find_account,
    read_accounts,
    remove_account,
    save_account,
    with_password,
)
from sms_core_cli.command import SmsCommand, complete_accounts, json_option, warn_of_passwords
from sms_core_cli.help import SmsGroup
from sms_core_cli.language import _
from sms_core_cli.output import say, show_json, show_table

PLACES = {
    "": "none",
    "dsn": "in the DSN",
    "password": "in the accounts' file",
    "password_file": "file {place}",
    "password_env": "variable {place}",
    "password_command": "command",
}


@click.group(cls=SmsGroup, epilog="Example: sms account add shop every8d://UID@new.e8d.tw")
def account() -> None:
    """Keep accounts by name, for --account NAME and the variable SMS_ACCOUNT.

    They stand in a file that only you may read, with the password in it or the way to it.
    """


@account.command(cls=SmsCommand, epilog="Example: sms account add shop every8d://UID@new.e8d.tw")
@click.argument("name")
@click.argument("dsn", metavar="DSN")
@click.option("--password-file", metavar="FILE", help="A file that holds the password.")
@click.option("--password-env", metavar="VARIABLE", help="A variable of the environment that holds it.")
@click.option("--password-command", metavar="COMMAND", help="A command that writes it: 'pass show sms/shop'.")
@click.option("--no-password", is_flag=True, help="The account has none.")
@click.option("--replace", is_flag=True, help="Replace the account of this name.")
@click.pass_context
def add(ctx: click.Context, /, name: str, dsn: str, *, no_password: bool, replace: bool, **secrets: str | None) -> None:
    """Add the account NAME. DSN is every8d://USER@HOST; the password is asked for, and not shown.

    It is kept in the file unless an option says where else it is.
    """
    earlier = read_accounts().get(name)
    if earlier is not None and not replace:
        raise ConfigurationError(f"there is an account {name!r}: --replace puts this one in its place")
    given = {key: value for key in SECRETS if (value := secrets.get(key)) is not None}
    parsed = dsns.parse(dsn)
    if parsed.password:
        warn_of_passwords(ctx, "DSN", [dsn])
        given["password"] = parsed.password
        dsn = with_password(dsn, "")
    if len(given) + no_password > 1:
        raise ConfigurationError("the password can be in one place only: give one of these options")
    if not given and not no_password:
        given["password"] = click.prompt(_("Password"), hide_input=True, err=True, prompt_suffix=_(": "))
    if (file := given.get("password_file")) and not file.startswith("~"):
        given["password_file"] = str(Path(file).absolute())
    secret_in = next(iter(given), "")
    added = NamedAccount(name, dsn, secret_in, given.get(secret_in, ""))
    if earlier is not None:  # limits that were written by hand outlive a new password
        added = attrs.evolve(added, policies=earlier.policies, rates=earlier.rates)
    # The vendor's package and the DSN's options are tried; the password may be there only later.
    connect(with_password(dsn, "unknown") if secret_in else dsn).close()
    save_account(added)
    say(_("Added {name} to {file}. Try it: sms account test {name}", name=name, file=accounts_file()))


@account.command("list", cls=SmsCommand, epilog="Example: sms account list --json")
@json_option
def list_(*, as_json: bool) -> None:
    """Show the accounts: vendor, host, user, and where the password is. Never the password."""
    accounts = read_accounts().values()
    if as_json:
        show_json([_shown(found) for found in accounts])
        return
    if not accounts:
        say(_("There is no account in {file} yet: sms account add NAME every8d://USER@HOST", file=accounts_file()))
        return
    show_table(
        ["account", "vendor", "host", "user", "password"],
        [_row(found) for found in accounts],
    )


@account.command(cls=SmsCommand, epilog="Example: sms account test shop")
@click.argument("name", shell_complete=complete_accounts)
@json_option
def test(name: str, *, as_json: bool) -> None:
    """Ask the vendor whether the account NAME works. Sends nothing."""
    with connect(find_account(name).resolve()) as client:
        client.check()
    if as_json:
        show_json({"account": name, "works": True})
    else:
        say(_("{name} works: {vendor}", name=name, vendor=client.info.title))


@account.command(cls=SmsCommand, epilog="Example: sms account remove shop")
@click.argument("name", shell_complete=complete_accounts)
def remove(name: str) -> None:
    """Forget the account NAME, and the password if it is kept there."""
    remove_account(name)
    say(_("Removed {name} from {file}.", name=name, file=accounts_file()))


def _shown(found: NamedAccount) -> dict[str, str]:
    """As JSON, which is the same in every language."""
    parsed = dsns.parse(found.dsn)
    message, place = _place(found, parsed)
    return {
        "account": found.name,
        "vendor": parsed.provider,
        "host": parsed.host or "the vendor's own",
        "user": parsed.user or "none",
        "password": message.format(place=place),
    }


def _row(found: NamedAccount) -> tuple[str, ...]:
    parsed = dsns.parse(found.dsn)
    message, place = _place(found, parsed)
    host = parsed.host or _("the vendor's own")
    return found.name, parsed.provider, host, parsed.user or _("none"), _(message, place=place)


def _place(found: NamedAccount, parsed: dsns.Dsn) -> tuple[str, str | list[str]]:
    """Where the password is: a message, and what its ``{place}`` is. A command is not shown, for it may hold a secret."""
    message = PLACES[found.secret_in or ("dsn" if parsed.password else "")]
    return message, found.secret if "{place}" in message else ""
