"""``sms new-provider``: a new vendor's distribution, ready to be filled in."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sms_core.errors import ConfigurationError
from sms_core_cli.command import SmsCommand, json_option
from sms_core_cli.language import _
from sms_core_cli.output import note, show_json

REQUIRED = ("name", "base_url")


@click.command(
    "new-provider",
    cls=SmsCommand,
    epilog="Example: sms new-provider acme --name acme --base-url https://api.acme.example/v1",
)
@click.argument("destination", type=click.Path(path_type=Path))
@click.option("--name", help="The provider's name, as in a DSN: name://user:password@.")
@click.option("--title", help="What people call the vendor.")
@click.option("--base-url", help="Where its API is: https://api.acme.example/v1.")
@click.option("--auth", type=click.Choice(["credentials", "token", "soap"]), help="How the vendor knows you.")
@click.option("--wire", type=click.Choice(["form", "json", "xml"]), help="What requests and answers are.")
@click.option("--document", help="The vendor's document that you work from.")
@click.option("--defaults", is_flag=True, help="Ask nothing: what is not given gets its default.")
@json_option
def new_provider(destination: Path, *, defaults: bool, as_json: bool, **answers: str | None) -> None:
    """Write a complete distribution for a new vendor into DESTINATION, a new folder.

    It asks for what is not given. What it writes passes its own tests, lint and types at once; then put the vendor's
    document in its place, recording by recording.
    """
    given = {name: answer for name, answer in answers.items() if answer is not None}
    missing = [f"--{name.replace('_', '-')}" for name in REQUIRED if name not in given]
    ask = not defaults and sys.stdin.isatty()
    if missing and not ask:
        raise ConfigurationError(f"missing: {' and '.join(missing)}; on a terminal, without --defaults, it asks")
    try:
        from sms_core_kit.scaffold import new_provider as write_provider  # noqa: PLC0415 - a package that may be absent
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("sms_core_kit"):
            raise
        raise ConfigurationError("the scaffold is not installed: pip install 'sms-core[kit]'") from None
    write_provider(destination, given, ask=ask)
    if as_json:
        show_json({"path": str(destination)})
        return
    click.echo(str(destination))
    note(_("Next: cd there, pip install -e '.[sandbox]' --group dev, python -m pytest; then read its README.md."))
