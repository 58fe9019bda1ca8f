"""``sms campaign``: a table of people, each with a text of their own; and what can be done with a run of it."""

from __future__ import annotations

import getpass
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from sms_core_cli.command import SmsCommand, account_options, json_option, same_account
from sms_core_cli.help import SmsGroup
from sms_core_cli.language import _
from sms_core_cli.message_options import message_options, span
from sms_core_cli.table_options import chosen_columns

CONCURRENCY = 4
"""Requests side by side. When a campaign is stopped these are still sent."""
SENDING = ""
"""The name of the command that no verb names."""
MESSAGE_OPTIONS = ("text", "subject", "send_at", "validity", "media", "vendor")
TABLE_OPTIONS = ("encoding", "columns", "sheet")
SPEED_OPTIONS = ("concurrency", "per_second")
END_OPTIONS = ("refused_too", "results", "overwrite", "wait")
TOLD_ALARMS = ("paused", "unknown")
"""The outbox's alarms of which each verb says by itself what they mean for the run."""
_GIVEN = f"{__name__}.given"
"""Where a context keeps the words that it was given."""

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class CampaignGroup(SmsGroup):
    """A group whose first word may be a file instead of a verb: then it sends. A file called like a verb is ``./status``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the command that sends before what is no verb."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [SENDING, *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb, without the outbox's log of what the verb itself says in a person's words."""
        log = logging.getLogger("sms_core_outbox")
        log.addFilter(_is_no_told_alarm)
        try:
            return super().invoke(ctx)
        finally:
            log.removeFilter(_is_no_told_alarm)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """What may stand behind the name."""
        return [_("[VERB] FILE")]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of the command that sends, and the verbs."""
        self.commands[SENDING].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs, and the options and files of the command that sends."""
        sending = self.commands[SENDING].shell_complete(ctx, incomplete)
        # The file comes first: click's script for bash forgets what came before it.
        files = [] if incomplete.startswith("-") else [CompletionItem(incomplete, type="file")]
        return [*files, *super().shell_complete(ctx, incomplete), *sending]


def _is_no_told_alarm(record: logging.LogRecord) -> bool:
    return not (isinstance(record.args, tuple) and record.args and record.args[0] in TOLD_ALARMS)


class SendingCommand(SmsCommand):
    """A command that names the next one, and so has to know its own words."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, and keep them."""
        ctx.meta[_GIVEN] = list(args)
        return super().parse_args(ctx, args)


def _given_again(ctx: click.Context, *names: str) -> list[str]:
    """The words that gave these parameters, for a further command."""
    given, _rest, order = ctx.command.make_parser(ctx).parse_args(list(ctx.meta[_GIVEN]))
    words: list[str] = []
    for parameter in dict.fromkeys(order):
        if not isinstance(parameter, click.Option) or parameter.name not in names:
            continue
        name = parameter.opts[-1]
        if parameter.is_flag:
            words.append(name)
            continue
        values = given[parameter.name] if parameter.multiple else [given[parameter.name]]
        for value in values:
            words += [name, value]
    return words


@click.group(cls=CampaignGroup, epilog="Example: sms campaign people.xlsx --dry-run")
def campaign() -> None:
    """Send to everyone in FILE, a CSV or .xlsx with columns for number, name and text; the others fill {places} in it.

    Columns reference, send_at and email are used where they are there. The run is kept in FILE.sms: the same command goes
    on with it, and sends nothing twice, whoever gives it and how often. RESULTS gets one row for each row of FILE.
    """


_A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_RESULTS = click.option(
    "--results", type=click.Path(dir_okay=False, path_type=Path), help="The result file.  [default: results.csv]"
)
_OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace a result file that is not this run's.")
_YES = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
_WAIT = click.option("--wait", callback=span, metavar="SPAN", help="Ask for delivery reports for so long: 30s, 5m.")
_CONCURRENCY = click.option(
    "--concurrency", default=CONCURRENCY, show_default=True, type=click.IntRange(1, 64), help="Requests side by side."
)
_RATE = click.option(
    "--rate",
    "per_second",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Texts in a second at most, all processes of the run together.  [default: the account's rate]",
)


def run_options(command: CommandT) -> CommandT:
    """The options that say which run of a file is meant."""
    for option in (
        json_option,
        click.option(
            "--outbox",
            "url",
            metavar="URL",
            help="The run is in this database instead of FILE.sms: postgresql+psycopg://HOST/NAME.",
        ),
        click.option("--run", "name", metavar="NAME", help="The run of this name.  [default: the latest]"),
    ):
        command = option(command)
    return command


def _file_argument(command: CommandT) -> CommandT:
    """The file, which may be gone: its run has it all."""
    return click.argument("file", type=click.Path(dir_okay=False, path_type=Path))(command)


@campaign.command(SENDING, cls=SendingCommand, hidden=True, epilog="Example: sms campaign people.xlsx --dry-run")
@click.argument("file", type=_A_FILE)
@click.option("--text", help="One text for all, with {name} and other columns in it.")
@message_options
@click.option("--dry-run", is_flag=True, help="Check every row and show the cost; send nothing.")
@_YES
@click.option("--run", "name", metavar="NAME", help="The run of this name, begun where there is none.")
@_RESULTS
@_OVERWRITE
@click.option(
    "--resume", type=_A_FILE, metavar="RESULTS", help="Go on with the run that wrote this file, and write it anew."
)
@click.option("--refused-too", is_flag=True, help="Send again what the vendor refused, or what ended unsent.")
@click.option("--settle", is_flag=True, help="Only ask the vendor about rows whose outcome is unknown. Sends nothing.")
@_WAIT
@click.option("--encoding", help="How FILE is encoded, where that is asked or guessed wrong: cp950, gb18030, utf-8.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=chosen_columns,
    metavar="WHAT=HEADER",
    help="Which column is the number, name, text, reference, send_at or email: --column number=手機.",
)
@click.option("--sheet", help="The sheet of an .xlsx file, where it is not the first one shown.")
@click.option(
    "--mend-numbers", "mend", is_flag=True, help="Put the 0 back in front of numbers that a spreadsheet took it from."
)
@_CONCURRENCY
@_RATE
@click.option(
    "--outbox",
    "url",
    metavar="URL",
    help="The run is in this database instead of FILE.sms: postgresql+psycopg://HOST/NAME.",
)
@account_options
@json_option
@click.pass_context
def sending(ctx: click.Context, /, file: Path, **options: Any) -> None:
    """Send to everyone in FILE, a CSV or .xlsx with columns for number, name and text; the others fill {places} in it."""
    from sms_core_cli.campaign_runs import Campaign  # noqa: PLC0415 - a database, which other commands do without

    of_message = {name: options.pop(name) for name in MESSAGE_OPTIONS}
    of_table = {name: options.pop(name) for name in TABLE_OPTIONS}
    campaign = Campaign(
        file,
        of_message=of_message,
        of_table=of_table,
        of_file=_given_again(ctx, *MESSAGE_OPTIONS, *TABLE_OPTIONS, "mend"),
        of_sending=_given_again(ctx, *SPEED_OPTIONS),
        of_end=_given_again(ctx, *END_OPTIONS),
        same=same_account(ctx),
        **options,
    )
    ctx.exit(campaign.run())


@campaign.command(cls=SmsCommand, epilog="Example: sms campaign status people.csv")
@_file_argument
@run_options
def status(**options: Any) -> None:
    """Show how far the run of FILE is. Changes nothing."""
    from sms_core_cli.campaign_runs import Verb  # noqa: PLC0415 - as above

    Verb(**options).status()


@campaign.command(cls=SmsCommand, epilog="Example: sms campaign pause people.csv --because 'a wrong price'")
@_file_argument
@click.option("--because", default="", help="Why, for others to see.")
@run_options
def pause(because: str, **options: Any) -> None:
    """Hand out nothing more of FILE, whoever sends it, until it continues. What is under way is finished."""
    from sms_core_cli.campaign_runs import Verb  # noqa: PLC0415 - as above

    Verb(**options).pause(because or _("{user} said so", user=getpass.getuser()), getpass.getuser())


@campaign.command("continue", cls=SendingCommand, epilog="Example: sms campaign continue people.csv")
@_file_argument
@_YES
@_RESULTS
@_OVERWRITE
@_WAIT
@_CONCURRENCY
@_RATE
@account_options
@run_options
@click.pass_context
def continue_(ctx: click.Context, /, **options: Any) -> None:
    """Send what waits of FILE, paused or not, without reading FILE again."""
    from sms_core_cli.campaign_runs import Continuing  # noqa: PLC0415 - as above

    same, of_sending = same_account(ctx), _given_again(ctx, *SPEED_OPTIONS)
    ctx.exit(Continuing(same=same, of_sending=of_sending, **options).run())


@campaign.command(cls=SmsCommand, epilog="Example: sms campaign settle people.csv")
@_file_argument
@account_options
@run_options
@click.pass_context
def settle(ctx: click.Context, /, **options: Any) -> None:
    """Ask the vendor about rows whose outcome is unknown. Sends nothing."""
    from sms_core_cli.campaign_runs import Verb  # noqa: PLC0415 - as above

    ctx.exit(Verb(same=same_account(ctx), **options).settle())


@campaign.command(cls=SmsCommand, epilog="Example: sms campaign export people.csv --results results.csv")
@_file_argument
@_RESULTS
@_OVERWRITE
@run_options
def export(results: Path | None, *, overwrite: bool, **options: Any) -> None:
    """Write the result file of FILE anew: all its columns, and what is known of each row now."""
    from sms_core_cli.campaign_runs import Verb  # noqa: PLC0415 - as above

    Verb(**options).export(results, overwrite=overwrite)


@campaign.command(cls=SmsCommand, epilog="Example: sms campaign forget people.csv")
@_file_argument
@_YES
@run_options
@click.pass_context
def forget(ctx: click.Context, /, *, yes: bool, **options: Any) -> None:
    """Blank numbers, texts and cells of the rows of FILE that have ended. What was sent stays known, without whom.

    The same file sends nothing twice afterwards. FILE itself and result files stay as they are.
    """
    from sms_core_cli.campaign_runs import Verb  # noqa: PLC0415 - as above

    ctx.exit(Verb(**options).forget(yes=yes))
