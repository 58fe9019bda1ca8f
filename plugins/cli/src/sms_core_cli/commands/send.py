"""``sms send``: one text to some numbers."""

from __future__ import annotations

import shlex
from typing import Any

import attrs
import click

from sms_core.client import Client
from sms_core.errors import SendError
from sms_core.model import Outcome, SendResult
from sms_core.provider import Capability
from sms_core_cli import exit_codes
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import SmsCommand, account_options, json_option, same_account
from sms_core_cli.language import _, phrase
from sms_core_cli.message_options import message_options, read_message_options, text_argument
from sms_core_cli.output import cost_line, note, say, show_json, show_outcomes


@click.command(cls=SmsCommand, epilog="Example: sms send 【互動資通】您好 --to 0900000001 --reference order-17")
@text_argument
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
    account: ChosenAccount,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Send TEXT to one or more numbers, such as 0900000001 or +886900000001. A TEXT of - is read from standard input."""
    with account.connect_to_send() as client:
        message = read_message_options(client.info, **options).message(text, to)
        try:
            result = client.send(attrs.evolve(message, reference=reference))
        except SendError as error:
            _show(error.result, as_json=as_json)
            if not as_json:
                _say_how_to_settle(ctx, client, error.result)
            raise
        except KeyboardInterrupt as interrupt:
            note(_("Interrupted: the vendor may have taken the message. Do not send it again before you know."))
            _say_how_to_settle(ctx, client, getattr(interrupt, "sms_result", None))
            ctx.exit(exit_codes.UNKNOWN)
        _show(result, as_json=as_json)


def _show(result: SendResult, *, as_json: bool) -> None:
    if as_json:
        show_json(attrs.evolve(result, message=None))
        return
    show_outcomes(result)
    for duplicate in result.duplicates:
        place, of = duplicate.position + 1, duplicate.of + 1
        say(_("Number {place} repeats number {of}: it was sent once.", place=place, of=of))
    if result.cost is not None:
        say(cost_line(result.cost, result.balance))
    for line in result.notes:
        note(_("Note: {note}.", note=phrase(line)))


def _say_how_to_settle(ctx: click.Context, client: Client, result: SendResult | None) -> None:
    """Name the command that asks about those whose outcome is unknown, where the vendor can be asked."""
    unknown = [row for row in result.outcomes if row.outcome is Outcome.UNKNOWN] if result else []
    if result is None or result.message is None or not unknown:
        return
    if not client.info.can(Capability.SETTLE):
        title = client.info.title
        note(_("{vendor} cannot be asked: look at its web page before you send it again.", vendor=title))
        return
    words = ["sms", "settle"]
    for recipient in ctx.params["to"]:
        words.extend(["--to", recipient])
    words.extend(["--reference", result.message.reference])
    batches = {row.batch_id for row in unknown if row.batch_id}
    if len(batches) == 1:
        words.extend(["--batch", *batches])
    if result.sent_at is not None:
        words.extend(["--sent-at", result.sent_at.isoformat(timespec="seconds")])
    words.extend([*same_account(ctx), "--", ctx.params["text"]])
    note(_("Ask what became of it: {command}", command=shlex.join(words)))
