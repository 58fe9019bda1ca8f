"""``sms providers``: what is installed, and what it can do."""

from __future__ import annotations

import click

from sms_core._engine.registry import survey
from sms_core.errors import ConfigurationError
from sms_core.provider import ProviderInfo
from sms_core_cli.base import SmsCommand, json_option
from sms_core_cli.matrix import matrix
from sms_core_cli.output import note, show_json, show_table


@click.command(cls=SmsCommand)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
def providers(names: tuple[str, ...], *, as_json: bool) -> None:
    """Show the installed providers, or those of these names, what each can do, and its limits."""
    found = dict(survey(names))
    working = [info for info in found.values() if isinstance(info, ProviderInfo)]
    broken = {name: error for name, error in found.items() if isinstance(error, ConfigurationError)}
    if names and broken:
        raise next(iter(broken.values()))
    if as_json:
        show_json({"providers": working, "broken": broken})
        return
    header, *rows = matrix(working)
    show_table(header, rows)
    for name, error in broken.items():
        note(f"{name} does not work: {error}")
