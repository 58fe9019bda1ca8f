"""``sms cancel``: take back a booking."""

from __future__ import annotations

import click

from sms_core_cli import exit_codes
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.language import _
from sms_core_cli.output import confirm, counted, note, say, show_json


@click.command(cls=SmsCommand, epilog="Example: sms cancel 4c0f8b2e-1d5a-4f6e-9a55-5f1a3a3f2f10 --yes")
@click.argument("batch_id")
@click.option("--mms", is_flag=True, help="The batch is one of MMS.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@account_options
@json_option
@click.pass_context
def cancel(
    ctx: click.Context, /, batch_id: str, account: ChosenAccount, *, mms: bool, yes: bool, as_json: bool
) -> None:
    """Take back a batch that was booked for later, all of it."""
    if not yes and not confirm(_("Take back the whole batch {batch}?", batch=batch_id)):
        note(_("Nothing was taken back."))
        ctx.exit(exit_codes.REFUSED)
    with account.connect() as client:
        found = client.cancel(batch_id, mms=mms)
    if as_json:
        show_json(found)
        return
    messages = counted(found.count, "message")
    if found.refunded is None:
        say(_("Took back {messages}.", messages=messages))
    else:
        say(_("Took back {messages}, {points} back.", messages=messages, points=counted(found.refunded, "point")))
