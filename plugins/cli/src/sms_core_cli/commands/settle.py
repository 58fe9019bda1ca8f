"""``sms settle``: what became of a send whose outcome is unknown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import click

from sms_core.client import Client
from sms_core.errors import TransportError
from sms_core.model import Message, Outcome, RecipientOutcome, SendResult
from sms_core_cli import exit_codes
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.language import _, phrase
from sms_core_cli.message_options import moment, text_argument
from sms_core_cli.output import note, show_json, show_outcomes


@click.command(cls=SmsCommand, epilog="Example: sms settle 【互動資通】您好 --to 0900000001 --reference order-17")
@text_argument
@click.option(
    "--to", "-t", multiple=True, required=True, metavar="NUMBER", help="A recipient; may be given several times."
)
@click.option("--reference", default="", help="Your own id, as it was given or shown when it was sent.")
@click.option("--batch", "batch_id", default="", help="The vendor's batch id, where it is known.")
@click.option(
    "--sent-at", callback=moment, metavar="TIME", help="When it was sent: some vendors remember for hours only."
)
@click.option(
    "--known-batch",
    "known_batches",
    multiple=True,
    metavar="BATCH",
    help="A batch of an earlier send of this text to these numbers; may be given several times.",
)
@account_options
@json_option
@click.pass_context
def settle(
    ctx: click.Context,
    /,
    text: str,
    to: tuple[str, ...],
    account: ChosenAccount,
    known_batches: tuple[str, ...],
    *,
    as_json: bool,
    **known: Any,
) -> None:
    """Ask the vendor what became of TEXT, sent before to these numbers with an unknown outcome. Sends nothing."""
    with account.connect() as client:
        settled = client.settle(_remembered(client, Message(text, to), **known), known_batches=known_batches)
    if as_json:
        show_json(attrs.evolve(settled, message=None))
    else:
        show_outcomes(settled)
        for line in settled.notes:
            note(_("Note: {note}.", note=phrase(line)))
    ctx.exit(exit_codes.of_outcomes([row.outcome for row in settled.outcomes]))


def _remembered(
    client: Client, message: Message, *, reference: str, batch_id: str, sent_at: datetime | None
) -> SendResult:
    """The result as that send left it: each recipient may have got it, and how it failed is forgotten."""
    plan = client.plan(attrs.evolve(message, reference=reference))
    outcomes = tuple(
        RecipientOutcome(
            number=destination.number,
            outcome=Outcome.UNKNOWN,
            batch_id=batch_id or None,
            reference=destination.reference,
            # The failure that leaves most open, so that the vendor's not knowing it is no proof too early.
            error=TransportError("how it failed is not known any more", sent=True, timed_out=True),
        )
        for destination in plan.destinations
    )
    return SendResult(outcomes, message=plan.message, sent_at=sent_at)
