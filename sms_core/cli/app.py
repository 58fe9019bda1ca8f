"""The command and its subcommands."""

from __future__ import annotations

import click

from sms_core.cli.balance import balance
from sms_core.cli.campaign import campaign
from sms_core.cli.doctor import doctor
from sms_core.cli.listen import listen
from sms_core.cli.new_provider import new_provider
from sms_core.cli.preview import preview
from sms_core.cli.providers import providers
from sms_core.cli.reports import reports
from sms_core.cli.sandbox import sandbox
from sms_core.cli.send import send
from sms_core.cli.webhook_url import webhook_url


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 2 wrong use, 3 refused, 4 unknown outcome, 5 partly sent.",
)
@click.version_option(package_name="sms-core")
def app() -> None:
    """Send SMS and MMS through any vendor, and see what became of them.

    The account is a DSN such as every8d://user:password@new.e8d.tw, given with --dsn or in the environment as
    SMS_DSN.
    """


for command in (
    providers,
    send,
    campaign,
    preview,
    balance,
    reports,
    listen,
    webhook_url,
    sandbox,
    doctor,
    new_provider,
):
    app.add_command(command)
