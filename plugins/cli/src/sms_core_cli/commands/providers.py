"""``sms providers``: what is installed, and what it can do."""

from __future__ import annotations

import click

from sms_core import installed_providers
from sms_core_cli.command import SmsCommand, json_option
from sms_core_cli.language import _, phrase
from sms_core_cli.matrix import matrix
from sms_core_cli.output import note, show_json, show_table


@click.command(cls=SmsCommand, epilog="Example: sms providers every8d mitake")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
def providers(names: tuple[str, ...], *, as_json: bool) -> None:
    """Show the installed providers, or those of these names, what each can do, and its limits."""
    found = list(installed_providers(names))
    working = [provider.info for provider in found if provider.info is not None]
    broken = {provider.name: provider.error for provider in found if provider.error is not None}
    if names and broken:
        raise next(iter(broken.values()))
    if as_json:
        show_json({"providers": working, "broken": broken})
        return
    header, *rows = matrix(working)
    show_table(header, [tuple(map(phrase, row)) for row in rows])
    for name, error in broken.items():
        note(_("{name} does not work: {error}", name=name, error=phrase(str(error))))
