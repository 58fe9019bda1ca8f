"""``sms completion``: what a shell needs to complete commands, options and accounts."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from sms_core_cli.command import SmsCommand

VARIABLE = "_SMS_COMPLETE"
"""The variable by which click is asked for completions (its documentation, "Shell Completion")."""


@click.command(cls=SmsCommand, epilog='Example, in ~/.bashrc: eval "$(sms completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> None:
    """Write the script that completes `sms` in a shell: eval it in the file that the shell reads first."""
    found = get_completion_class(shell)
    assert found is not None, "click has a class for each of these shells"
    click.echo(found(ctx.find_root().command, {}, "sms", VARIABLE).source())
