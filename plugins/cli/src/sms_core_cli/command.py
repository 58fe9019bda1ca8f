"""What all commands share: the options ``--json`` and ``--dsn``, and errors as exit codes without a traceback."""

from __future__ import annotations

import click

from sms_core.dsn import ENVIRONMENT_VARIABLE
from sms_core.errors import ConfigurationError, SmsError
from sms_core_cli import exit_codes
from sms_core_cli.output import json_of_usage, show_error


class SmsCommand(click.Command):
    """A command whose `SmsError`s become one line on stderr and the exit code of `exit_codes.OF_ERRORS`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; with ``--json`` among them a wrong use is told in JSON too."""
        as_json = "--json" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if not as_json:
                raise
            click.echo(json_of_usage(error), err=True)
            ctx.exit(exit_codes.WRONG_USE)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command."""
        try:
            super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read our output has gone; click ends quietly
        except OSError as error:
            failed: SmsError = ConfigurationError(f"{error.filename or 'the system'}: {error.strerror or error}")
        except SmsError as error:
            failed = error
        else:
            return
        show_error(failed, as_json=ctx.params.get("as_json", False))
        ctx.exit(exit_codes.of_error(failed))


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")

dsn_option = click.option(
    "--dsn",
    envvar=ENVIRONMENT_VARIABLE,
    metavar="DSN",
    help="The account, such as every8d://user:password@new.e8d.tw; else the environment's SMS_DSN.",
)
