"""``sms outbox``: run a worker of an outbox, look into it, and decide what nobody else can."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from sms_core.serialize import to_json
from sms_core_cli.chosen_outbox import ChosenOutbox
from sms_core_cli.command import SmsCommand
from sms_core_cli.exit_codes import UNKNOWN
from sms_core_cli.help import SmsGroup
from sms_core_cli.interrupts import interrupts
from sms_core_cli.language import _, phrase
from sms_core_cli.outbox_options import outbox_options
from sms_core_cli.output import counted, note, say, show_json, show_table

if TYPE_CHECKING:
    from sms_core_outbox import Row, Ticket

STATES = ("ready", "sending", "accepted", "refused", "unknown", "not_sent", "cancelled")
DECISIONS = ("accepted", "refused", "not_sent")

key_argument = click.argument("key")
of_account = click.option("--of", "name", metavar="NAME", help="The account, where there are several.")


@click.group(cls=SmsGroup, epilog="Example: sms outbox status --outbox sqlite:///sms.db")
def outbox() -> None:
    """A home for every send: run a worker, look into the table, settle and decide.

    The database is a URL, given with --outbox or in the environment as SMS_OUTBOX; the account "main" is the DSN of --dsn
    or SMS_DSN, others are --account NAME of `sms account`, or NAME=DSN. NAME=A,B is an account of several vendors: what
    the account A surely did not send, B sends.
    """


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox run --outbox sqlite:///sms.db")
@outbox_options
@click.option("--concurrency", default=8, show_default=True, type=click.IntRange(1), help="Requests side by side.")
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="NAME[/PURPOSE]=N",
    help="Texts a second of an account or a purpose, all workers together; may be repeated.",
)
@click.option(
    "--questions", multiple=True, metavar="NAME=N", help="Questions a second to an account's vendor; may be repeated."
)
@click.option("--once", is_flag=True, help="Send what can be sent now, and end.")
@click.option("--ask/--no-ask", default=True, help="Ask vendors for reports that are due, and about unknown rows.")
def run(
    chosen: ChosenOutbox,
    concurrency: int,
    rates: tuple[str, ...],
    questions: tuple[str, ...],
    *,
    once: bool,
    ask: bool,
    as_json: bool,
) -> None:
    """Send what is put, until SIGTERM or Ctrl-C. Then what is under way is finished, and nothing more is handed out."""
    with chosen.open(concurrency, rates, questions) as box:
        box.create()  # it may be started before what puts
        if once:
            result = box.drain()
            if as_json:
                show_json(result)
                return
            counts = {"accepted": result.accepted, "refused": result.refused, "unknown": result.unknown}
            rows = counted(result.claimed, "row")
            say(_("{rows}: {accepted} accepted, {refused} refused, {unknown} unknown.", rows=rows, **counts))
            if result.unknown:
                note(_("Ask what became of them: {command}", command=chosen.command("settle")))
            return
        with interrupts(lambda: UNKNOWN) as stop, box.worker(asks=ask):
            _tell("the worker runs", as_json=as_json)
            while not stop.wait(0.5):
                pass
        _tell("the worker has ended", as_json=as_json)


def _tell(message: str, *, as_json: bool, **values: object) -> None:
    """One line of what was done: the same in any language to a program, a sentence to people."""
    if as_json:
        click.echo(to_json({"say": message.format(**values)}))
        return
    said = _(message, **{name: _(value) if isinstance(value, str) else value for name, value in values.items()})
    say(_("{sentence}.", sentence=said[0].upper() + said[1:]))


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox status")
@outbox_options
def status(chosen: ChosenOutbox, *, as_json: bool) -> None:
    """Show the outbox at a glance."""
    with chosen.open() as box:
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
                "resting": dict(found.resting),
            }
        )
        return
    show_table(["state", "rows"], [(_(state.value), count) for state, count in found.counts.items()])
    show_table(
        ["account", "purpose", "priority", "ready", "oldest"],
        [(lane.account, lane.purpose, lane.priority, lane.depth, lane.oldest) for lane in found.lanes],
    )
    for name, because in found.paused.items():
        say(_("Account {name} pauses: {because}", name=name, because=because))
        note(_("Let it go on: {command}", command=chosen.command("resume", "--of", name)))
    for name, until in found.resting.items():
        say(_("Nothing goes to {name} before {time}: it could not be reached.", name=name, time=f"{until:%H:%M} UTC"))
    doubles, workers = counted(found.doubles, "double"), counted(len(found.workers), "worker")
    say(_("{doubles}, {workers}.", doubles=doubles, workers=workers))
    if found.oldest_unknown is not None:
        since = f"{found.oldest_unknown:%Y-%m-%d %H:%M} UTC"
        note(_("Some rows are unknown, since {time}: {command}", time=since, command=chosen.command("unknown")))


def _show_rows(rows: Iterable[Row], *, as_json: bool) -> None:
    rows = list(rows)
    if as_json:
        show_json(rows)
        return
    show_table(
        ["id", "key", "number", "state", "batch", "status", "error"],
        [
            (
                row.id,
                row.key,
                row.number,
                _(row.state.value),
                row.batch_id,
                row.status and _(row.status.value),
                row.error and phrase(str(row.error)),
            )
            for row in rows
        ],
    )
    say(_("{count}.", count=counted(len(rows), "row")))


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox show order-17")
@key_argument
@of_account
@outbox_options
def show(key: str, name: str | None, chosen: ChosenOutbox, *, as_json: bool) -> None:
    """Show what stands under a key, with each row's history."""
    with chosen.open() as box:
        ticket = box.get(key, account=name)
    if as_json:
        show_json(ticket)
        return
    _show_rows(ticket.rows, as_json=False)
    _show_history(ticket)


def _show_history(ticket: Ticket) -> None:
    changes = [
        (row.id, change.at, _(change.state.value), change.batch_id, change.by, change.why)
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
    chosen: ChosenOutbox,
    *,
    as_json: bool,
) -> None:
    """Find rows by number, batch or state, the latest first."""
    with chosen.open() as box:
        _show_rows(box.find(number=number, batch=batch, state=_state(state)), as_json=as_json)


def _state(name: str | None) -> Any:
    from sms_core_outbox import State  # noqa: PLC0415 - `ChosenOutbox.open` has said what to do if it is absent

    return None if name is None else State(name)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox unknown")
@outbox_options
def unknown(chosen: ChosenOutbox, *, as_json: bool) -> None:
    """Show the rows whose outcome is not known."""
    with chosen.open() as box:
        rows = box.unknown()
    _show_rows(rows, as_json=as_json)
    if rows and not as_json:
        command = chosen.command("resolve", str(rows[0].id), "OUTCOME", "--because", "WHY")
        note(_("Say what became of one, {outcomes}: {command}", outcomes=_(" or ").join(DECISIONS), command=command))


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
    chosen: ChosenOutbox,
    *,
    resend: bool,
    as_json: bool,
) -> None:
    """Say what became of an unknown row, by its id."""
    with chosen.open() as box:
        state = box.resolve(row, _state(outcome), because=because, by=by, resend=resend)
    _tell("row {row} is {state} now", as_json=as_json, row=row, state=state.value)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox settle")
@outbox_options
def settle(chosen: ChosenOutbox, *, as_json: bool) -> None:
    """Ask the vendor what became of unknown rows. Sends nothing."""
    with chosen.open() as box:
        result = box.settle()
    if as_json:
        show_json(result)
    else:
        counts = {"accepted": result.accepted, "ready": result.ready, "unknown": result.unknown}
        rows = counted(result.asked, "row")
        say(_("{rows}: {accepted} accepted, {ready} wait again, {unknown} still unknown.", rows=rows, **counts))
        if result.unknown:
            note(_("What the vendor cannot tell, a person decides: {command}", command=chosen.command("unknown")))


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox pause --because 'no points'")
@of_account
@click.option("--because", required=True, help="Why, for others to see.")
@outbox_options
def pause(name: str | None, because: str, chosen: ChosenOutbox, *, as_json: bool) -> None:
    """Send nothing more of an account, on all machines."""
    with chosen.open() as box:
        box.pause(name, because=because, by=getpass.getuser())
    _tell("the account pauses", as_json=as_json)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox resume")
@of_account
@outbox_options
def resume(name: str | None, chosen: ChosenOutbox, *, as_json: bool) -> None:
    """Let an account go on."""
    with chosen.open() as box:
        paused = box.resume(name)
    if paused:
        _tell("the account goes on", as_json=as_json)
    else:
        _tell("the account did not pause", as_json=as_json)


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox cancel order-17")
@key_argument
@of_account
@outbox_options
def cancel(key: str, name: str | None, chosen: ChosenOutbox, *, as_json: bool) -> None:
    """Take back what was put under a key, as far as that can be."""
    with chosen.open() as box:
        cancelled = box.cancel(key, account=name, by=getpass.getuser())
    if as_json:
        show_json(cancelled)
        return
    for found in cancelled:
        if found.done:
            say(_("Row {row}: taken back.", row=found.row.id))
        else:
            say(_("Row {row}: not taken back, {why}", row=found.row.id, why=found.why))


@outbox.command(cls=SmsCommand, epilog="Example: sms outbox forget --days 90")
@click.option("--days", required=True, type=click.FloatRange(0), help="What has not changed for so long.")
@outbox_options
def forget(days: float, chosen: ChosenOutbox, *, as_json: bool) -> None:
    """Blank numbers, texts and names of rows that are final."""
    with chosen.open() as box:
        count = box.forget(before=timedelta(days=days))
    _tell("{count} rows blanked" if count != 1 else "{count} row blanked", as_json=as_json, count=count)
