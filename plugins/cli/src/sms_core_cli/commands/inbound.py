"""``sms inbound``: the replies to a batch."""

from __future__ import annotations

import click

from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.language import _
from sms_core_cli.output import counted, say, show_json, show_table


@click.command(cls=SmsCommand, epilog="Example: sms inbound 4c0f8b2e-1d5a-4f6e-9a55-5f1a3a3f2f10")
@click.argument("batch_id")
@account_options
@json_option
def inbound(batch_id: str, account: ChosenAccount, *, as_json: bool) -> None:
    """Show the replies to a batch."""
    with account.connect() as client:
        found = list(client.inbound(batch_id))
    if as_json:
        show_json(found)
        return
    show_table(["number", "received", "text"], [(reply.number, reply.received_at, reply.text) for reply in found])
    say(_("{count}.", count=counted(len(found), "reply")))
