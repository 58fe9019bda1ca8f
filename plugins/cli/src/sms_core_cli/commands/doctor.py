"""``sms doctor``: checks what is installed and the DSN. No network, no secrets."""

from __future__ import annotations

from importlib.metadata import version

import click
from attrs import frozen

from sms_core import InstalledProvider, connect, installed_providers
from sms_core import dsn as dsns
from sms_core.errors import ConfigurationError
from sms_core_cli import exit_codes
from sms_core_cli.command import SmsCommand, account_options, json_option
from sms_core_cli.output import show_json, show_table


@frozen
class Finding:
    """One thing that was checked."""

    what: str
    good: bool
    found: str


@click.command(cls=SmsCommand, needs_account=False)
@account_options
@json_option
@click.pass_context
def doctor(ctx: click.Context, /, dsn: str | None, *, as_json: bool) -> None:
    """Check what is installed, and the DSN. Asks nobody; shows no user, password or option's value."""
    findings = [
        Finding("sms-core", good=True, found=version("sms-core")),
        *map(_provider, installed_providers()),
        *_account(dsn),
    ]
    if as_json:
        show_json(findings)
    else:
        show_table(
            ["", "", ""], [("ok" if finding.good else "BAD", finding.what, finding.found) for finding in findings]
        )
    if not all(finding.good for finding in findings):
        ctx.exit(exit_codes.WRONG_USE)


def _provider(provider: InstalledProvider) -> Finding:
    """Whether it works, and who brought it."""
    found = str(provider.error) if provider.info is None else provider.info.title
    if provider.distributions:
        found = f"{found} (from {' and '.join(provider.distributions)})"
    return Finding(f"provider {provider.name}", good=provider.info is not None, found=found)


def _account(dsn: str | None) -> list[Finding]:
    if dsn is None:
        return [Finding("DSN", good=True, found=f"none given, and {dsns.ENVIRONMENT_VARIABLE} is not set")]
    try:
        parsed = dsns.parse(dsn)
        with connect(dsn) as client:
            host = parsed.host or client.info.default_host
    except ConfigurationError as error:
        return [Finding("DSN", good=False, found=str(error))]
    port = f":{parsed.port}" if parsed.port else ""
    return [
        Finding("DSN", good=True, found=f"{parsed.provider} at {host}{port}{parsed.prefix}".strip()),
        Finding("DSN user", good=True, found="set" if parsed.user else "none"),
        Finding("DSN password", good=True, found="set" if parsed.password else "none"),
        Finding("DSN options", good=True, found=", ".join(sorted(parsed.options)) or "none"),
    ]
