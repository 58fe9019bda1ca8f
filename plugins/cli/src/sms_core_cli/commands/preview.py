"""``sms preview``: how many segments and points a message would take, without a network."""

from __future__ import annotations

from typing import Any

import click

from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.language import _, phrase
from sms_core_cli.message_options import message_options, read_message_options, text_argument
from sms_core_cli.output import say, show_json, show_table


@click.command(cls=SmsCommand, epilog="Example: sms preview 【互動資通】您好 --to 0900000001")
@text_argument
@click.option(
    "--to", "-t", multiple=True, required=True, metavar="NUMBER", help="A recipient; may be given several times."
)
@message_options
@account_options
@json_option
def preview(text: str, to: tuple[str, ...], account: ChosenAccount, *, as_json: bool, **options: Any) -> None:
    """Count TEXT's segments and points for these numbers. Sends nothing and asks nobody. A TEXT of - is standard input."""
    with account.connect_to_send() as client:
        found = client.preview(read_message_options(client.info, **options).message(text, to))
    if as_json:
        show_json(found)
        return
    show_table(
        ["number", "characters", "encoding", "segments", "points"],
        [(row.number, row.characters, row.encoding.title, row.segments, row.points) for row in found.recipients],
    )
    points = _("unknown") if found.points is None else found.points
    counts = {"requests": found.requests, "segments": found.segments, "points": points}
    say(_("Requests {requests}, segments {segments}, points {points}.", **counts))
    for warning in found.warnings:
        say(_("Note: {note}.", note=phrase(warning)))
