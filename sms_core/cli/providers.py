"""``sms providers``: what is installed, and what it can do."""

from __future__ import annotations

import click

from sms_core.cli.base import SmsCommand, json_option
from sms_core.cli.output import note, show_json, show_table
from sms_core.errors import ConfigurationError
from sms_core.operations import Capability
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
    show_table(["", *(info.name for info in working)], [*_capabilities(working), *_limits(working)])
    for name, error in broken.items():
        note(f"{name} does not work: {error}")


def _capabilities(infos: list[ProviderInfo]) -> list[list[object]]:
    return [[one.value, *("yes" if info.can(one) else "–" for info in infos)] for one in Capability]


def _limits(infos: list[ProviderInfo]) -> list[list[object]]:
    return [
        ["recipients in one request", *(info.limits.recipients for info in infos)],
        ["characters in a text", *(info.limits.text or "any number" for info in infos)],
        ["picture", *(_picture(info) for info in infos)],
        ["default host", *(info.default_host or None for info in infos)],
    ]


def _picture(info: ProviderInfo) -> str | None:
    mms = info.limits.mms
    return None if mms is None else f"{', '.join(mms.formats)} to {mms.size // 1024} KB"
