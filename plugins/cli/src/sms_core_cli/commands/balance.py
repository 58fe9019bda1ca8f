"""``sms balance``: the points left."""

from __future__ import annotations

import click

from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.output import counted, say, show_json


@click.command(cls=SmsCommand, epilog="Example: sms balance --json")
@account_options
@json_option
def balance(account: ChosenAccount, *, as_json: bool) -> None:
    """Show the points left on the account."""
    with account.connect() as client:
        found = client.balance()
    if as_json:
        show_json(found)
    else:
        say(counted(found.credit, "point"))
