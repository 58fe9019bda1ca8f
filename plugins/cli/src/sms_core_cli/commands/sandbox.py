"""``sms sandbox``: the vendors on this machine."""

from __future__ import annotations

import contextlib

import click

from sms_core.errors import ConfigurationError
from sms_core.serialize import to_json
from sms_core_cli.command import SmsCommand, json_option
from sms_core_cli.language import _, phrase
from sms_core_cli.output import say


@click.command(cls=SmsCommand, epilog="Example: sms sandbox --port 8025")
@click.option(
    "--port", default=8025, show_default=True, type=click.IntRange(0, 65535), help="Where to listen; 0 for a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--callback-url", help="Where to push delivery reports and replies.")
@click.option("--filter-sees-all", is_flag=True, help="Let the duplicate filters know plain sends too.")
@click.option("--credit", type=click.IntRange(0), help="What each account begins with, in its vendor's own unit.")
@click.option(
    "--approved-name", multiple=True, help="A sender's name that the carriers approved: they check the texts."
)
@click.option("--approved-link", multiple=True, help="A link that is registered with them.")
@click.option("--approved-telephone", multiple=True, help="A telephone number that is registered with them.")
@click.option("--no-international", is_flag=True, help="The accounts may not send abroad.")
@click.option(
    "--root", multiple=True, metavar="VENDOR[=PORT]", help="Serve a vendor at the root of a port of its own too."
)
@click.option("--db", type=click.Path(dir_okay=False), help="Keep the messages in this file, across restarts.")
@click.option("--keep", type=click.IntRange(1), help="Messages to keep; 100,000 unless they are kept in a file.")
@click.option("--password", envvar="SMS_SANDBOX_PASSWORD", default="", help="Of the inbox; better in the variable.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name by which browsers may call the inbox.")
@click.option("--allow-callback", multiple=True, metavar="HOST", help="A host that may be pushed to.")
@json_option
def sandbox(  # noqa: PLR0913 - an argument for each option
    port: int,
    host: str,
    callback_url: str | None,
    credit: int | None,
    *,
    filter_sees_all: bool,
    approved_name: tuple[str, ...],
    approved_link: tuple[str, ...],
    approved_telephone: tuple[str, ...],
    no_international: bool,
    root: tuple[str, ...],
    db: str | None,
    keep: int | None,
    password: str,
    allow_host: tuple[str, ...],
    allow_callback: tuple[str, ...],
    as_json: bool,
) -> None:
    """Pretend the vendors on this machine until Ctrl-C. Nothing leaves it.

    With --json each line that it says is a JSON object.
    """
    try:
        from sms_core_sandbox import serve  # noqa: PLC0415 - a package of its own, which may be absent
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("sms_core_sandbox"):
            raise
        raise ConfigurationError("the sandbox is not installed: pip install sms-core-sandbox") from None
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it, also while it starts
        serve(
            port,
            host,
            callback_url=callback_url,
            filter_sees_all=filter_sees_all,
            credit=credit,
            approved_name=approved_name,
            approved_link=approved_link,
            approved_telephone=approved_telephone,
            international=not no_international,
            root=dict(map(_named_port, root)),
            db=db,
            keep=keep,
            password=password,
            allow_host=allow_host,
            allow_callback=allow_callback,
            say=(lambda line: click.echo(to_json({"say": line}))) if as_json else (lambda line: say(phrase(line))),
        )


def _named_port(text: str) -> tuple[str, int]:
    name, _equals, port = text.partition("=")
    if port and not port.isdecimal():
        raise click.BadParameter(_("{port} is no port", port=repr(port)), param_hint="--root")
    return name, int(port or 0)
