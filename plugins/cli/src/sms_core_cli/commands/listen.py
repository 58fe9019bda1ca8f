"""``sms listen``: show what vendors push, as it comes."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import NoReturn

import click

from sms_core.client import Client
from sms_core.dsn import ENVIRONMENT_VARIABLE
from sms_core.errors import ConfigurationError
from sms_core.model import DeliveryReport
from sms_core.serialize import to_json
from sms_core.webhooks import Event, Receiver, new_secret
from sms_core_cli.accounts import ACCOUNT_VARIABLE
from sms_core_cli.chosen import ChosenAccount
from sms_core_cli.command import (
    NO_ACCOUNT,
    SmsCommand,
    complete_accounts,
    is_on_command_line,
    json_option,
    named_account,
    only_account,
    warn_of_passwords,
)
from sms_core_cli.commands.webhook_url import SECRET_VARIABLE
from sms_core_cli.language import _
from sms_core_cli.output import say, tell
from sms_core_cli.push_server import PushServer


@click.command(cls=SmsCommand, epilog="Example: sms listen --account shop --port 8080")
@click.option(
    "--dsn",
    "dsns",
    multiple=True,
    envvar=ENVIRONMENT_VARIABLE,
    metavar="DSN",
    help="The account whose vendor pushes; may be given several times. Else the environment's SMS_DSN.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    envvar=ACCOUNT_VARIABLE,
    metavar="NAME",
    shell_complete=complete_accounts,
    help="The same by its name in `sms account`; may be given several times. Else SMS_ACCOUNT.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Where to listen; 0 for a free one."
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    envvar=SECRET_VARIABLE,
    help=f"The last part of the path; else the environment's {SECRET_VARIABLE}; else a fresh one.",
)
@click.option("--insecure", is_flag=True, help="Do without a secret: anybody can push to /NAME.")
@click.option(
    "--network", "networks", multiple=True, metavar="CIDR", help="Take pushes from here only: 203.0.113.0/24."
)
@click.option(
    "--trusted-proxies", default=0, show_default=True, type=click.IntRange(0), help="Proxies of your own in front."
)
@json_option
@click.pass_context
def listen(
    ctx: click.Context,
    /,
    dsns: tuple[str, ...],
    accounts: tuple[str, ...],
    host: str,
    port: int,
    secrets: tuple[str, ...],
    networks: tuple[str, ...],
    trusted_proxies: int,
    *,
    insecure: bool,
    as_json: bool,
) -> None:
    """Take delivery reports and replies that vendors push, and print each, until Ctrl-C.

    The path is /NAME/SECRET, where NAME is the provider's. With --json each event is a line with a JSON object.
    """
    fresh = "" if secrets or insecure else new_secret()
    if insecure:
        if is_on_command_line(ctx, "secrets"):
            raise ConfigurationError("--secret and --insecure are a contradiction: give one of them")
        secrets = ()
    receiver = Receiver(
        _clients([*map(ChosenAccount, dsns), *map(named_account, accounts)]),
        _printer(as_json=as_json),
        secrets=fresh or secrets,
        insecure=insecure,
        networks=networks,
        trusted_proxies=trusted_proxies,
    )
    with (
        contextlib.suppress(KeyboardInterrupt),
        _terminated_as_interrupted(),
        PushServer(host, port, receiver.wsgi) as server,
    ):
        _greet(receiver, server.url, fresh, insecure=insecure, as_json=as_json)
        warn_of_passwords(ctx, "--dsn", dsns if is_on_command_line(ctx, "dsns") else ())
        server.serve_forever()


def _clients(accounts: Sequence[ChosenAccount]) -> dict[str, Client]:
    """A client by each provider's name. Raises `ConfigurationError`."""
    if not accounts and (only := only_account()) is not None:
        accounts = [only]
    if not accounts:
        raise ConfigurationError(NO_ACCOUNT)
    clients: dict[str, Client] = {}
    for account in accounts:
        client = account.connect()
        if client.info.name in clients:
            raise ConfigurationError(f"two DSNs of {client.info.name!r} would share one address: give one of them")
        clients[client.info.name] = client
    return clients


def _greet(receiver: Receiver, url: str, fresh: str, *, insecure: bool, as_json: bool) -> None:
    """Say where it listens. A secret is shown only if nobody could know it otherwise."""
    told = partial(tell, as_json=as_json, stderr=True)
    for name in receiver.names:
        if fresh:
            told("Listening at {url}", url=f"{url}/{name}/{fresh}")
        elif insecure:
            told("Listening at {url}", url=f"{url}/{name}")
        else:
            told("Listening at {url}/ and the secret", url=f"{url}/{name}")
    if fresh:
        told("This secret is for this run only; set {variable} to keep one.", variable=SECRET_VARIABLE)
    told("Ctrl-C stops it.")


def _printer(*, as_json: bool) -> Callable[[Event], None]:
    """The handler. One event is printed at a time, numbers and texts as they are: this is no log."""
    turn = threading.Lock()

    def show(event: Event) -> None:
        with turn:
            if as_json:
                click.echo(to_json(event))
            else:
                say(_line(event))

    return show


def _line(event: Event) -> str:
    if isinstance(event, DeliveryReport):
        vendor = f"{event.vendor_code} {event.vendor_text}".strip()
        known = [_(event.status.value), event.done_at, event.batch_id, event.reference, vendor]
    else:
        known = [event.text, event.received_at, event.batch_id]
    kind = _("report") if isinstance(event, DeliveryReport) else _("reply")
    return "  ".join([kind, event.number, *(str(part) for part in known if part)])


@contextmanager
def _terminated_as_interrupted() -> Generator[None, None, None]:
    """Within this block SIGTERM ends the command as Ctrl-C does."""

    def interrupt(_: int, __: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
