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

from sms_core import InstalledProvider, installed_providers
from sms_core import dsn as dsns
from sms_core.errors import ConfigurationError, SmsError
from sms_core.provider import TAIPEI
from sms_core_cli import exit_codes
from sms_core_cli.accounts import read_accounts
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.chosen_outbox import ChosenOutbox
from sms_core_cli.command import NO_ACCOUNT, WRONG_ACCOUNT, SmsCommand, account_options, json_option
from sms_core_cli.language import _, phrase
from sms_core_cli.output import show_json, show_table
from sms_core_cli.phrases import OURS
from sms_core_cli.reachability import MOST_SKEW, ask

if TYPE_CHECKING:
    from sms_core_policy.standings import Standing

OUTBOX_VARIABLE = "SMS_OUTBOX"
SQLITE = "sqlite:///"
LONGEST_WAIT = timedelta(hours=1)
"""A row that is due for longer waits for a worker that is not there, or for an account that pauses."""


class Finding:
    """One thing that was checked: ``what``, of which ``name``, and a message with its ``{places}``."""

    def __init__(self, what: str, message: str, *, name: str = "", good: bool = True, **values: object) -> None:
        self.what = what
        self.message = message
        self.name = name
        self.good = good
        self.values = values

    def data(self) -> dict[str, object]:
        """As JSON, which is the same in every language."""
        found = self.message.format(**self.values)
        return {"what": f"{self.what} {self.name}".strip(), "good": self.good, "found": found}

    def row(self) -> tuple[str, str, str]:
        """The cells of a table, in the language that is spoken."""
        values = {place: phrase(str(value)) if place in OURS else value for place, value in self.values.items()}
        found = _(self.message, **values)
        return _("ok") if self.good else _("BAD"), f"{_(self.what)} {self.name}".strip(), found


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
        Finding("python", "{version}", version=sys.version.partition(" ")[0]),
        *_packages(),
        *map(_provider, installed_providers()),
        _accounts(),
        *_account(account, ctx.meta.get(WRONG_ACCOUNT), offline=offline),
        *_outbox(),
    ]
    if as_json:
        show_json([finding.data() for finding in findings])
    else:
        show_table(["", "checked", "found"], [finding.row() for finding in findings])
    if not all(finding.good for finding in findings):
        ctx.exit(exit_codes.WRONG_USE)


def _packages() -> Iterator[Finding]:
    ours = {found.name: found.version for found in distributions() if (found.name or "").startswith("sms-core-")}
    for name in ("sms-core", *sorted(ours)):
        yield Finding(name, "{version}", version=ours.get(name) or version(name))


def _provider(provider: InstalledProvider) -> Finding:
    """Whether it works, and who brought it."""
    reason = str(provider.error) if provider.info is None else provider.info.title
    name, good = provider.name, provider.info is not None
    if not provider.distributions:
        return Finding("provider", "{reason}", name=name, good=good, reason=reason)
    packages = " and ".join(provider.distributions)
    return Finding("provider", "{reason} (from {packages})", name=name, good=good, reason=reason, packages=packages)


def _accounts() -> Finding:
    try:
        names = ", ".join(read_accounts())
    except ConfigurationError as error:
        return _wrong("accounts", error)
    return Finding("accounts", "{names}", names=names) if names else Finding("accounts", "none by name")


def _wrong(what: str, error: object) -> Finding:
    return Finding(what, "{reason}", good=False, reason=str(error))


def _account(account: ChosenAccount | None, wrong: str | None, *, offline: bool) -> Iterator[Finding]:
    if wrong is not None:
        yield _wrong("account", wrong)
        return
    if account is None:
        yield Finding("DSN", "{reason}", reason=NO_ACCOUNT)
        return
    try:
        parsed = dsns.parse(account.dsn)
        with account.connect_to_send() as client:
            info = client.info
    except ConfigurationError as error:
        yield _wrong("DSN", error)
        return
    except SmsError as error:  # the store of its limits
        yield _wrong("limit", error)
        return
    host = parsed.host or info.default_host
    port = f":{parsed.port}" if parsed.port else ""
    scheme = parsed.options.get("scheme", info.default_scheme)
    is_remote = scheme in ("http", "https")
    if host:
        yield Finding("DSN", "{provider} at {host}", provider=parsed.provider, host=f"{host}{port}{parsed.prefix}")
    else:
        yield Finding("DSN", "{provider}", provider=parsed.provider)
    yield _credential("DSN user", parsed.user, is_needed=is_remote)
    yield _credential("DSN password", parsed.password, is_needed=is_remote)
    options = ", ".join(sorted(parsed.options))
    yield Finding("DSN options", "{options}", options=options) if options else Finding("DSN options", "none")
    yield from map(_limit, account.standings())
    if is_remote and not offline and host:
        yield from _reachability(parsed, scheme, host)


def _credential(what: str, value: str, *, is_needed: bool) -> Finding:
    if value:
        return Finding(what, "set")
    return Finding(what, "missing", good=False) if is_needed else Finding(what, "none")


def _limit(standing: Standing) -> Finding:
    """A rule or limit of the account: what is used of it, what is left, until when."""
    name, rule = standing.rule, standing.words
    if standing.problem:
        return Finding("limit", "{rule}: {problem}", name=name, good=False, rule=rule, problem=standing.problem)
    if standing.most is None or standing.left is None:
        return Finding("limit", "{rule}", name=name, rule=rule)
    used = {"rule": rule, "used": standing.used, "left": standing.left}
    good = standing.left != 0
    if standing.until is None:
        return Finding("limit", "{rule}: {used} used, {left} left", name=name, good=good, **used)
    until = f"{standing.until.astimezone(TAIPEI):%Y-%m-%d %H:%M}"
    return Finding("limit", "{rule}: {used} used, {left} left until {time}", name=name, good=good, **used, time=until)


def _reachability(parsed: dsns.Dsn, scheme: str, host: str) -> Iterator[Finding]:
    if "proxy" in parsed.options:
        yield Finding("reachable", "not tried, for there is a proxy in between")
        return
    try:
        answer = ask(scheme, host, parsed.port, parsed.options.get("ca_file"))
    except (OSError, ValueError) as error:
        yield Finding("reachable", "{host} does not answer: {error}", good=False, host=quote(host), error=str(error))
        return
    yield Finding("reachable", "{host} answers", host=host)
    if answer.skew is None:
        yield Finding("clock", "the vendor does not say what time it is")
    elif abs(answer.skew) <= MOST_SKEW:
        yield Finding("clock", "as the vendor's")
    else:
        seconds = f"{round(answer.skew.total_seconds()):+}"
        yield Finding("clock", "{seconds} s off the vendor's: set it", good=False, seconds=seconds)


def _outbox() -> Iterator[Finding]:
    """How long rows wait in the outbox that the environment names."""
    url = os.environ.get(OUTBOX_VARIABLE)
    if url is None:
        return
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        yield Finding("outbox", "not there yet")  # to open it would make it
        return
    try:
        with ChosenOutbox(url).open() as box:
            stats = box.stats()
    except Exception as error:  # noqa: BLE001 - a driver's own; its text may hold the URL with its password
        reason = str(error) if isinstance(error, ConfigurationError) else type(error).__name__
        yield _wrong("outbox", reason)
        return
    waiting = [datetime.now(UTC) - lane.oldest for lane in stats.lanes]
    longest = max(waiting, default=timedelta())
    seconds = round(longest.total_seconds())
    if longest <= LONGEST_WAIT:
        yield Finding("outbox", "the oldest row that is due has waited for {seconds} s", seconds=seconds)
    else:
        late = "the oldest row that is due has waited for {seconds} s: is a worker running? sms outbox run"
        yield Finding("outbox", late, good=False, seconds=seconds)
    if stats.oldest_unknown is not None:
        since = f"{stats.oldest_unknown:%Y-%m-%d %H:%M} UTC"
        yield Finding("outbox unknown", "since {time}: sms outbox settle", time=since)
