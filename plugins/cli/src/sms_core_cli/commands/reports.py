"""``sms reports``: what became of a batch."""

from __future__ import annotations

import click

from sms_core import connect
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.output import say, show_json, show_table


@click.command(cls=SmsCommand)
@click.argument("batch_id")
@click.option("--mms", is_flag=True, help="The batch is one of MMS.")
@account_options
@json_option
def reports(batch_id: str, dsn: str | None, *, mms: bool, as_json: bool) -> None:
    """Show the delivery reports of a batch."""
    with connect(dsn) as client:
        found = list(client.reports(batch_id, mms=mms))
    if as_json:
        show_json(found)
        return
    rows = [
        (
            report.number,
            report.status.value,
            report.done_at,
            report.cost,
            report.reference,
            f"{report.vendor_code} {report.vendor_text}".strip(),
        )
        for report in found
    ]
    show_table(["number", "status", "since", "points", "reference", "the vendor's words"], rows)
    say(f"{len(rows)} reports.")
