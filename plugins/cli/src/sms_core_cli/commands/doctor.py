"""``sms doctor``: what is installed, whether the account is complete, whether the vendor answers. No secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import distributions, version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click
from attrs import frozen

from sms_core import InstalledProvider, installed_providers
from sms_core import dsn as dsns
from sms_core.errors import ConfigurationError
from sms_core.provider import TAIPEI
from sms_core_cli import exit_codes
from sms_core_cli.accounts import read_accounts
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import NO_ACCOUNT, WRONG_ACCOUNT, SmsCommand, account_options, json_option
from sms_core_cli.commands.outbox import ChosenOutbox
from sms_core_cli.language import _, phrase
from sms_core_cli.output import show_json, show_table
from sms_core_cli.reachability import MOST_SKEW, ask

if TYPE_CHECKING:
    from sms_core_policy.standings import Standing

OUTBOX_VARIABLE = "SMS_OUTBOX"
SQLITE = "sqlite:///"
LONGEST_WAIT = timedelta(hours=1)
"""A row that is due for longer waits for a worker that is not there, or for an account that pauses."""


@frozen
class Finding:
    """One thing that was checked."""

    what: str
    good: bool
    found: str


@click.command(cls=SmsCommand, needs_account=False, epilog="Example: sms doctor --account shop")
@click.option("--offline", is_flag=True, help="Ask nobody: leave out whether the vendor answers, and its clock.")
@account_options
@json_option
@click.pass_context
def doctor(ctx: click.Context, /, account: ChosenAccount | None, *, offline: bool, as_json: bool) -> None:
    """Check what is installed, the account, and whether its vendor answers. Shows no user, password or option's value.

    The vendor's host is asked for nothing but its address: no credentials go there.
    """
    findings = [
        Finding("python", good=True, found=sys.version.partition(" ")[0]),
        *_packages(),
        *map(_provider, installed_providers()),
        _accounts(),
        *_account(account, ctx.meta.get(WRONG_ACCOUNT), offline=offline),
        *_outbox(),
    ]
    if as_json:
        show_json(findings)
    else:
        rows = [(_("ok") if finding.good else _("BAD"), finding.what, phrase(finding.found)) for finding in findings]
        show_table(["", "checked", "found"], rows)
    if not all(finding.good for finding in findings):
        ctx.exit(exit_codes.WRONG_USE)


def _packages() -> Iterator[Finding]:
    yield Finding("sms-core", good=True, found=version("sms-core"))
    ours = {found.name: found.version for found in distributions() if (found.name or "").startswith("sms-core-")}
    for name in sorted(ours):
        yield Finding(name, good=True, found=ours[name])


def _provider(provider: InstalledProvider) -> Finding:
    """Whether it works, and who brought it."""
    found = str(provider.error) if provider.info is None else provider.info.title
    if provider.distributions:
        found = f"{found} (from {' and '.join(provider.distributions)})"
    return Finding(f"provider {provider.name}", good=provider.info is not None, found=found)


def _accounts() -> Finding:
    try:
        return Finding("accounts", good=True, found=", ".join(read_accounts()) or "none by name")
    except ConfigurationError as error:
        return Finding("accounts", good=False, found=str(error))


def _account(account: ChosenAccount | None, wrong: str | None, *, offline: bool) -> Iterator[Finding]:
    if wrong is not None:
        yield Finding("account", good=False, found=wrong)
        return
    if account is None:
        yield Finding("DSN", good=True, found=NO_ACCOUNT)
        return
    try:
        parsed = dsns.parse(account.dsn)
        with account.connect_to_send() as client:
            info = client.info
    except ConfigurationError as error:
        yield Finding("DSN", good=False, found=str(error))
        return
    host = parsed.host or info.default_host
    port = f":{parsed.port}" if parsed.port else ""
    scheme = parsed.options.get("scheme", info.default_scheme)
    is_remote = scheme in ("http", "https")
    yield Finding("DSN", good=True, found=f"{parsed.provider} at {host}{port}{parsed.prefix}".strip())
    for what, value in (("user", parsed.user), ("password", parsed.password)):
        missing = "missing" if is_remote else "none"
        yield Finding(f"DSN {what}", good=bool(value) or not is_remote, found="set" if value else missing)
    yield Finding("DSN options", good=True, found=", ".join(sorted(parsed.options)) or "none")
    yield from map(_limit, account.standings())
    if is_remote and not offline and host:
        yield from _reachability(parsed, scheme, host)


def _limit(standing: Standing) -> Finding:
    """A rule or limit of the account: what is used of it, what is left, until when."""
    found = standing.words
    if standing.problem:
        return Finding(f"limit {standing.rule}", good=False, found=f"{found}: {standing.problem}")
    if standing.most is not None and standing.left is not None:
        found += f": {standing.used} used, {standing.left} left"
    if standing.until is not None:
        found += f" until {standing.until.astimezone(TAIPEI):%Y-%m-%d %H:%M}"
    return Finding(f"limit {standing.rule}", good=standing.left != 0, found=found)


def _reachability(parsed: dsns.Dsn, scheme: str, host: str) -> Iterator[Finding]:
    if "proxy" in parsed.options:
        yield Finding("reachable", good=True, found="not tried, for there is a proxy in between")
        return
    try:
        answer = ask(scheme, host, parsed.port, parsed.options.get("ca_file"))
    except (OSError, ValueError) as error:
        yield Finding("reachable", good=False, found=f"{quote(host)} does not answer: {error}")
        return
    yield Finding("reachable", good=True, found=f"{host} answers")
    if answer.skew is None:
        yield Finding("clock", good=True, found="the vendor does not say what time it is")
        return
    seconds = round(answer.skew.total_seconds())
    found = "as the vendor's" if abs(answer.skew) <= MOST_SKEW else f"{seconds:+} seconds off the vendor's: set it"
    yield Finding("clock", good=abs(answer.skew) <= MOST_SKEW, found=found)


def _outbox() -> Iterator[Finding]:
    """How long rows wait in the outbox that the environment names."""
    url = os.environ.get(OUTBOX_VARIABLE)
    if url is None:
        return
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        yield Finding("outbox", good=True, found="not there yet")  # to open it would make it
        return
    try:
        with ChosenOutbox(url).open() as box:
            stats = box.stats()
    except Exception as error:  # noqa: BLE001 - a driver's own; its text may hold the URL with its password
        reason = str(error) if isinstance(error, ConfigurationError) else type(error).__name__
        yield Finding("outbox", good=False, found=reason)
        return
    waiting = [datetime.now(UTC) - lane.oldest for lane in stats.lanes]
    longest = max(waiting, default=timedelta())
    found = f"the oldest row that is due has waited for {round(longest.total_seconds())} seconds"
    if longest > LONGEST_WAIT:
        found += ": is a worker running? sms outbox run"
    yield Finding("outbox", good=longest <= LONGEST_WAIT, found=found)
    if stats.oldest_unknown is not None:
        since = f"{stats.oldest_unknown:%Y-%m-%d %H:%M} UTC"
        yield Finding("outbox unknown", good=True, found=f"since {since}: sms outbox settle")
