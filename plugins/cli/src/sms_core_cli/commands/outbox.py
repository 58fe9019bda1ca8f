"""``sms outbox``: run a worker of an outbox, look into it, and decide what nobody else can."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sms_core.dsn import ENVIRONMENT_VARIABLE
from sms_core.errors import ConfigurationError
from sms_core.serialize import to_json
from sms_core_cli.command import SmsCommand, json_option
from sms_core_cli.exit_codes import UNKNOWN
from sms_core_cli.help import SmsGroup
from sms_core_cli.interrupts import interrupts
from sms_core_cli.output import say, show_json, show_table

if TYPE_CHECKING:
    from sms_core_outbox import Outbox, Row, Ticket

ACCOUNT = "main"
"""What ``--dsn`` is the account of."""
STATES = ("ready", "sending", "accepted", "refused", "unknown", "not_sent", "cancelled")
DECISIONS = ("accepted", "refused", "not_sent")

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@click.group(cls=SmsGroup)
def outbox() -> None:
    """A home for every send: run a worker, look into the table, settle and decide.

    The database is a URL, given with --outbox or in the environment as SMS_OUTBOX; the account "main" is the DSN of --dsn
    or SMS_DSN, others are --account NAME=DSN.
    """


def outbox_options(command: CommandT) -> CommandT:
    """The options that say which outbox, and whose accounts."""
    for option in reversed(
        (
            click.option(
                "--outbox",
                "url",
                envvar="SMS_OUTBOX",
                required=True,
                metavar="URL",
                help="Its database, such as sqlite:///sms.db; else the environment's SMS_OUTBOX.",
            ),
            click.option("--dsn", envvar=ENVIRONMENT_VARIABLE, metavar="DSN", help='The account "main".'),
            click.option(
                "--account", "accounts", multiple=True, metavar="NAME=DSN", help="Another account; may be repeated."
            ),
            json_option,
        )
    ):
        command = option(command)
    return command


key_argument = click.argument("key")
of_account = click.option("--of", "name", metavar="NAME", help="The account, where there are several.")


def open_outbox(url: str, dsn: str | None, accounts: Iterable[str], concurrency: int = 1) -> Outbox:
    """The outbox that the options name. Raises `ConfigurationError`."""
    try:
        from sms_core_outbox import Outbox  # noqa: PLC0415 - a package of its own, which may be absent
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("sms_core_outbox"):
            raise
        raise ConfigurationError("the outbox is not installed: pip install sms-core-outbox") from None
    named = {ACCOUNT: dsn} if dsn else {}
    for account in accounts:
        name, equals, found = account.partition("=")
        if not equals:
            raise ConfigurationError("--account needs NAME=DSN")
        named[name] = found
    return Outbox(url, accounts=named, concurrency=concurrency)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox run --outbox sqlite:///sms.db")
@outbox_options
@click.option("--concurrency", default=8, show_default=True, type=click.IntRange(1), help="Requests side by side.")
@click.option("--once", is_flag=True, help="Send what can be sent now, and end.")
@click.option("--ask/--no-ask", default=True, help="Ask vendors for reports that are due, and about unknown rows.")
def run(
    url: str,
    dsn: str | None,
    accounts: tuple[str, ...],
    concurrency: int,
    *,
    once: bool,
    ask: bool,
    as_json: bool,
) -> None:
    """Send what is put, until SIGTERM or Ctrl-C. Then what is under way is finished, and nothing more is handed out."""
    with open_outbox(url, dsn, accounts, concurrency) as box:
        if once:
            result = box.drain()
            if as_json:
                show_json(result)
            else:
                say(
                    f"{result.claimed} rows: {result.accepted} accepted, {result.refused} refused, {result.unknown} unknown."
                )
            return
        with interrupts(lambda: UNKNOWN) as stop, box.worker(asks=ask):
            _tell("the worker runs", as_json=as_json)
            while not stop.wait(0.5):
                pass
        _tell("the worker has ended", as_json=as_json)


def _tell(line: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(to_json({"say": line}))
    else:
        say(f"{line[0].upper()}{line[1:]}.")


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox status")
@outbox_options
def status(url: str, dsn: str | None, accounts: tuple[str, ...], *, as_json: bool) -> None:
    """Show the outbox at a glance."""
    with open_outbox(url, dsn, accounts) as box:
        found = box.stats()
    if as_json:
        show_json(
            {
                "counts": {state.value: count for state, count in found.counts.items()},
                "lanes": found.lanes,
                "oldest_unknown": found.oldest_unknown,
                "paused": dict(found.paused),
                "doubles": found.doubles,
                "workers": found.workers,
            }
        )
        return
    show_table(["state", "rows"], [(state.value, count) for state, count in found.counts.items()])
    show_table(
        ["account", "purpose", "priority", "ready", "oldest"],
        [(lane.account, lane.purpose, lane.priority, lane.depth, lane.oldest) for lane in found.lanes],
    )
    for name, because in found.paused.items():
        say(f"Account {name} pauses: {because}")
    say(f"{found.doubles} doubles; oldest unknown: {found.oldest_unknown or 'none'}; {len(found.workers)} workers.")


def _show_rows(rows: Iterable[Row], *, as_json: bool) -> None:
    rows = list(rows)
    if as_json:
        show_json(rows)
        return
    show_table(
        ["id", "key", "number", "state", "batch", "status", "error"],
        [
            (row.id, row.key, row.number, row.state.value, row.batch_id, row.status and row.status.value, row.error)
            for row in rows
        ],
    )
    say(f"{len(rows)} rows.")


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox show order-17")
@key_argument
@of_account
@outbox_options
def show(key: str, name: str | None, url: str, dsn: str | None, accounts: tuple[str, ...], *, as_json: bool) -> None:
    """Show what stands under a key, with each row's history."""
    with open_outbox(url, dsn, accounts) as box:
        ticket = box.get(key, account=name)
    if as_json:
        show_json(ticket)
        return
    _show_rows(ticket.rows, as_json=False)
    _show_history(ticket)


def _show_history(ticket: Ticket) -> None:
    changes = [
        (row.id, change.at, change.state.value, change.batch_id, change.by, change.why)
        for row in ticket.rows
        for change in row.history
    ]
    show_table(["id", "at", "became", "batch", "by", "why"], changes)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox find --number 0900000001")
@click.option("--number", help="A recipient's number.")
@click.option("--batch", help="A batch id.")
@click.option("--state", type=click.Choice(STATES), help="A state.")
@outbox_options
def find(
    number: str | None,
    batch: str | None,
    state: str | None,
    url: str,
    dsn: str | None,
    accounts: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Find rows by number, batch or state, the latest first."""
    with open_outbox(url, dsn, accounts) as box:
        _show_rows(box.find(number=number, batch=batch, state=_state(state)), as_json=as_json)


def _state(name: str | None) -> Any:
    from sms_core_outbox import State  # noqa: PLC0415 - `open_outbox` has said what to do if it is absent

    return None if name is None else State(name)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox unknown")
@outbox_options
def unknown(url: str, dsn: str | None, accounts: tuple[str, ...], *, as_json: bool) -> None:
    """Show the rows whose outcome is not known."""
    with open_outbox(url, dsn, accounts) as box:
        _show_rows(box.unknown(), as_json=as_json)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox resolve 17 not_sent --because 'the vendor says so' --yes")
@click.argument("row", type=int)
@click.argument("outcome", type=click.Choice(DECISIONS))
@click.option("--because", required=True, help="Why, for the history.")
@click.option("--by", default=getpass.getuser, help="Who decides; by default the user of this machine.")
@click.option("--resend", is_flag=True, help="Send it once more.")
@click.confirmation_option(
    "--yes",
    prompt="If the vendor took it all the same, nothing takes this back. Go on?",
    help="Do not ask whether to go on.",
)
@outbox_options
def resolve(
    row: int,
    outcome: str,
    because: str,
    by: str,
    url: str,
    dsn: str | None,
    accounts: tuple[str, ...],
    *,
    resend: bool,
    as_json: bool,
) -> None:
    """Say what became of an unknown row, by its id."""
    with open_outbox(url, dsn, accounts) as box:
        box.resolve(row, _state(outcome), because=because, by=by, resend=resend)
    _tell(f"row {row} is {'ready' if resend else outcome} now", as_json=as_json)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox settle")
@outbox_options
def settle(url: str, dsn: str | None, accounts: tuple[str, ...], *, as_json: bool) -> None:
    """Ask the vendor what became of unknown rows. Sends nothing."""
    with open_outbox(url, dsn, accounts) as box:
        result = box.settle()
    if as_json:
        show_json(result)
    else:
        say(
            f"{result.asked} rows: {result.accepted} accepted, {result.ready} wait again, {result.unknown} still unknown."
        )


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox pause --because 'no points'")
@of_account
@click.option("--because", required=True, help="Why, for others to see.")
@outbox_options
def pause(
    name: str | None, because: str, url: str, dsn: str | None, accounts: tuple[str, ...], *, as_json: bool
) -> None:
    """Send nothing more of an account, on all machines."""
    with open_outbox(url, dsn, accounts) as box:
        box.pause(name, because=because, by=getpass.getuser())
    _tell("the account pauses", as_json=as_json)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox resume")
@of_account
@outbox_options
def resume(name: str | None, url: str, dsn: str | None, accounts: tuple[str, ...], *, as_json: bool) -> None:
    """Let an account go on."""
    with open_outbox(url, dsn, accounts) as box:
        paused = box.resume(name)
    _tell("the account goes on" if paused else "the account did not pause", as_json=as_json)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox cancel order-17")
@key_argument
@of_account
@outbox_options
def cancel(key: str, name: str | None, url: str, dsn: str | None, accounts: tuple[str, ...], *, as_json: bool) -> None:
    """Take back what was put under a key, as far as that can be."""
    with open_outbox(url, dsn, accounts) as box:
        cancelled = box.cancel(key, account=name, by=getpass.getuser())
    if as_json:
        show_json(cancelled)
        return
    for found in cancelled:
        say(f"row {found.row.id}: {'taken back' if found.done else f'not taken back, {found.why}'}")


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox forget --days 90")
@click.option("--days", required=True, type=click.FloatRange(0), help="What has not changed for so long.")
@outbox_options
def forget(days: float, url: str, dsn: str | None, accounts: tuple[str, ...], *, as_json: bool) -> None:
    """Blank numbers, texts and names of rows that are final."""
    with open_outbox(url, dsn, accounts) as box:
        count = box.forget(before=timedelta(days=days))
    _tell(f"{count} rows blanked", as_json=as_json)
