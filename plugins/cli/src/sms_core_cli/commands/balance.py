"""``sms balance``: the points left."""

from __future__ import annotations

import click

from sms_core import connect
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.output import counted, say, show_json


@click.command(cls=SmsCommand, epilog="Example: sms balance --json")
@account_options
@json_option
def balance(dsn: str | None, *, as_json: bool) -> None:
    """Show the points left on the account."""
    with connect(dsn) as client:
        found = client.balance()
    if as_json:
        show_json(found)
    else:
        say(counted(found.credit, "point"))
