"""``sms reports``: what became of a batch."""

from __future__ import annotations

import click

from sms_core.numbers import to_e164
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.language import _, phrase
from sms_core_cli.output import counted, say, show_json, show_table


def e164(_ctx: click.Context, _parameter: click.Parameter, numbers: tuple[str, ...]) -> tuple[str, ...]:
    """The numbers of an option as E.164. Fails as click does."""
    try:
        return tuple(map(to_e164, numbers))
    except ValueError as error:
        raise click.BadParameter(phrase(str(error))) from None


@click.command(cls=SmsCommand, epilog="Example: sms reports 4c0f8b2e-1d5a-4f6e-9a55-5f1a3a3f2f10 --number 0900000001")
@click.argument("batch_id")
@click.option(
    "--number",
    "-n",
    "numbers",
    multiple=True,
    callback=e164,
    metavar="NUMBER",
    help="Only this number's; may be given several times. Some vendors' reports need all numbers of the batch.",
)
@click.option("--mms", is_flag=True, help="The batch is one of MMS.")
@account_options
@json_option
def reports(batch_id: str, account: ChosenAccount, numbers: tuple[str, ...], *, mms: bool, as_json: bool) -> None:
    """Show the delivery reports of a batch."""
    with account.connect() as client:
        found = list(client.reports({batch_id: numbers} if numbers else batch_id, mms=mms))
    if numbers:
        found = [report for report in found if report.number in numbers]
    if as_json:
        show_json(found)
        return
    rows = [
        (
            report.number,
            _(report.status.value),
            report.done_at,
            report.cost,
            report.reference,
            f"{report.vendor_code} {report.vendor_text}".strip(),
        )
        for report in found
    ]
    show_table(["number", "status", "since", "points", "reference", "the vendor's words"], rows)
    say(_("{count}.", count=counted(len(rows), "report")))
