"""The command and its subcommands."""

from __future__ import annotations

import click

from sms_core_cli.commands.account import account
from sms_core_cli.commands.balance import balance
from sms_core_cli.commands.campaign import campaign
from sms_core_cli.commands.cancel import cancel
from sms_core_cli.commands.completion import completion
from sms_core_cli.commands.doctor import doctor
from sms_core_cli.commands.inbound import inbound
from sms_core_cli.commands.listen import listen
from sms_core_cli.commands.new_provider import new_provider
from sms_core_cli.commands.outbox import outbox
from sms_core_cli.commands.preview import preview
from sms_core_cli.commands.providers import providers
from sms_core_cli.commands.reports import reports
from sms_core_cli.commands.sandbox import sandbox
from sms_core_cli.commands.send import send
from sms_core_cli.commands.settle import settle
from sms_core_cli.commands.webhook_url import webhook_url
from sms_core_cli.help import SmsGroup


@click.group(
    cls=SmsGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 2 wrong use, 3 refused, 4 unknown outcome, 5 partly sent.",
)
@click.version_option(package_name="sms-core")
def app() -> None:
    """Send SMS and MMS through any vendor, and see what became of them.

    The account is one of `sms account add`, given with --account or as SMS_ACCOUNT, or a DSN in the environment as SMS_DSN.
    """


for command in (
    account,
    providers,
    send,
    campaign,
    preview,
    balance,
    reports,
    inbound,
    settle,
    cancel,
    listen,
    outbox,
    webhook_url,
    sandbox,
    doctor,
    new_provider,
    completion,
):
    app.add_command(command)
