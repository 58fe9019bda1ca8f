"""``sms providers``: what is installed, and what it can do."""

from __future__ import annotations

import click

from sms_core.cli.base import SmsCommand, json_option
from sms_core.cli.output import note, show_json, show_table
from sms_core.errors import ConfigurationError
from sms_core.matrix import matrix
from sms_core.provider import ProviderInfo
from sms_core.registry import survey


@click.command(cls=SmsCommand)
@json_option
def providers(*, as_json: bool) -> None:
    """Show the installed providers, what each can do, and its limits."""
    found = dict(survey())
    working = [info for info in found.values() if isinstance(info, ProviderInfo)]
    broken = {name: error for name, error in found.items() if isinstance(error, ConfigurationError)}
    if as_json:
        show_json({"providers": working, "broken": broken})
        return
    header, *rows = matrix(working)
    show_table(header, rows)
    for name, error in broken.items():
        note(f"{name} does not work: {error}")
