"""``sms send``: one text to some numbers."""

from __future__ import annotations

from typing import Any

import attrs
import click

from sms_core import connect
from sms_core.errors import SendError
from sms_core.model import SendResult
from sms_core_cli import exit_codes
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.message_options import message_options, read_message_options
from sms_core_cli.output import cost_line, note, say, show_json, show_table


@click.command(cls=SmsCommand)
@click.argument("text")
@click.option(
    "--to", "-t", multiple=True, required=True, metavar="NUMBER", help="A recipient; may be given several times."
)
@message_options
@click.option("--reference", default="", help="Your own id for the message.")
@account_options
@json_option
@click.pass_context
def send(
    ctx: click.Context,
    /,
    text: str,
    to: tuple[str, ...],
    reference: str,
    dsn: str | None,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Send TEXT to one or more numbers, such as 0900000001 or +886900000001."""
    with connect(dsn) as client:
        message = read_message_options(client.info, **options).message(text, to)
        try:
            result = client.send(attrs.evolve(message, reference=reference))
        except SendError as error:
            _show(error.result, as_json=as_json)
            raise
        except KeyboardInterrupt:
            note("Interrupted: the vendor may have taken the message. Do not send it again before you know.")
            ctx.exit(exit_codes.UNKNOWN)
        _show(result, as_json=as_json)


def _show(result: SendResult, *, as_json: bool) -> None:
    if as_json:
        show_json(attrs.evolve(result, message=None))
        return
    show_table(
        ["number", "outcome", "batch", "reference", "why"],
        [(row.number, row.outcome.value, row.batch_id, row.reference, row.error or "") for row in result.outcomes],
    )
    for duplicate in result.duplicates:
        say(f"Number {duplicate.position + 1} repeats number {duplicate.of + 1}: it was sent once.")
    if result.cost is not None:
        say(cost_line(result.cost, result.balance))
    for line in result.notes:
        note(f"Note: {line}.")
