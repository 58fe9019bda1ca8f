"""``sms outbox``: run a worker of an outbox, look into it, and decide what nobody else can."""

from __future__ import annotations

import getpass
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from attrs import field, frozen

from sms_core.client import Client
from sms_core.dsn import ENVIRONMENT_VARIABLE
from sms_core.errors import ConfigurationError
from sms_core.serialize import to_json
from sms_core_cli.accounts import ACCOUNT_VARIABLE, find_account, read_accounts
from sms_core_cli.command import (
    SmsCommand,
    complete_accounts,
    is_on_command_line,
    json_option,
    named_account,
    url_without_password,
    warn_of_passwords,
    without_password,
)
from sms_core_cli.exit_codes import UNKNOWN
from sms_core_cli.help import SmsGroup
from sms_core_cli.interrupts import interrupts
from sms_core_cli.language import _, phrase
from sms_core_cli.output import counted, note, say, show_json, show_table

if TYPE_CHECKING:
    from sms_core_outbox import Failover, Outbox, Rate, Row, Ticket

ACCOUNT = "main"
"""What ``--dsn`` is the account of."""
STATES = ("ready", "sending", "accepted", "refused", "unknown", "not_sent", "cancelled")
DECISIONS = ("accepted", "refused", "not_sent")

DSN_MARK = "://"
"""By which a DSN is told from the names of accounts."""

Given = str | tuple[str, ...] | None
"""What an account is: a DSN, accounts of the file that are its vendors in order, or None for the one of its own name there."""

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@click.group(cls=SmsGroup, epilog="Example: sms outbox status --outbox sqlite:///sms.db")
def outbox() -> None:
    """A home for every send: run a worker, look into the table, settle and decide.

    The database is a URL, given with --outbox or in the environment as SMS_OUTBOX; the account "main" is the DSN of --dsn
    or SMS_DSN, others are --account NAME of `sms account`, or NAME=DSN. NAME=A,B is an account of several vendors: what
    the account A surely did not send, B sends.
    """


def outbox_options(command: CommandT) -> CommandT:
    """The options that say which outbox, and whose accounts; the command is called with the `ChosenOutbox`."""

    @click.pass_context
    @wraps(command)
    def with_outbox(
        ctx: click.Context, /, url: str, dsn: str | None, accounts: tuple[str, ...], **options: Any
    ) -> object:
        warn_of_passwords(ctx, "--dsn", [dsn] if dsn is not None and is_on_command_line(ctx, "dsn") else [])
        if is_on_command_line(ctx, "accounts"):
            warn_of_passwords(ctx, "--account", [given.partition("=")[2] for given in accounts if DSN_MARK in given])
        return command(chosen=ChosenOutbox(url, _accounts_given(dsn, accounts), _same_outbox(ctx)), **options)

    for option in reversed(_OPTIONS):
        with_outbox = option(with_outbox)
    return cast("CommandT", with_outbox)


_OPTIONS = (
    click.option(
        "--outbox",
        "url",
        envvar="SMS_OUTBOX",
        required=True,
        metavar="URL",
        help="Its database, such as sqlite:///sms.db; else the environment's SMS_OUTBOX.",
    ),
    click.option("--dsn", envvar=ENVIRONMENT_VARIABLE, metavar="DSN", help='The account "main"; else SMS_DSN.'),
    click.option(
        "--account",
        "accounts",
        multiple=True,
        envvar=ACCOUNT_VARIABLE,
        metavar="NAME[=DSN]",
        shell_complete=complete_accounts,
        help="An account of `sms account`, or one with its DSN, or NAME=A,B of several vendors; may be given several times. "
        "Else SMS_ACCOUNT, or all.",
    ),
    json_option,
)

key_argument = click.argument("key")
of_account = click.option("--of", "name", metavar="NAME", help="The account, where there are several.")


def _same_outbox(ctx: click.Context) -> tuple[str, ...]:
    """The words that a further command needs for this outbox and its accounts; what is in the environment stays there."""
    words: list[str] = []
    if is_on_command_line(ctx, "url"):
        words += ["--outbox", url_without_password(ctx.params["url"])]
    if is_on_command_line(ctx, "dsn"):
        words += ["--dsn", without_password(ctx.params["dsn"])]
    if is_on_command_line(ctx, "accounts"):
        for account in ctx.params["accounts"]:
            name, _equals, dsn = account.partition("=")
            words += ["--account", f"{name}={without_password(dsn)}" if DSN_MARK in dsn else account]
    return tuple(words)


def _accounts_given(dsn: str | None, accounts: Iterable[str]) -> dict[str, Given]:
    """What each account is. Without any, all that are in the accounts' file are meant."""
    given: dict[str, Given] = {ACCOUNT: dsn} if dsn else {}
    for account in accounts:
        name, equals, found = account.partition("=")
        if DSN_MARK in found:
            given[name] = found
            continue
        vendors = tuple(found.split(",")) if equals else (name,)
        for vendor in vendors:
            find_account(vendor)  # raises for one that there is none of
        given[name] = vendors if equals else None
    return given or dict.fromkeys(read_accounts())


@frozen
class Accounts(Mapping[str, "str | Client | Failover[Client]"]):
    """The accounts of an outbox. A password is read, and a client made, when the outbox first asks for the account."""

    given: Mapping[str, Given] = field(repr=", ".join)
    _made: dict[str, str | Client | Failover[Client]] = field(factory=dict, init=False, repr=False)

    def __getitem__(self, name: str) -> str | Client | Failover[Client]:
        if name not in self._made:
            self._made[name] = self._make(self.given[name], name)
        return self._made[name]

    def _make(self, given: Given, name: str) -> str | Client | Failover[Client]:
        if given is None:
            return _sender(name)
        if isinstance(given, str):
            return given
        from sms_core_outbox import Failover  # noqa: PLC0415 - `ChosenOutbox.open` has said what to do if it is absent

        return Failover({vendor: _sender(vendor) for vendor in given})

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


def _sender(name: str) -> str | Client:
    """The DSN of an account of the accounts' file, or its client where it has policies."""
    account = named_account(name)
    return account.connect_to_send() if account.policies else account.dsn


@frozen
class ChosenOutbox:
    """The outbox that the options name, and what each of its accounts is.

    ``same`` are the words that name it once more.
    """

    url: str = field(repr=False)
    accounts: Mapping[str, Given] = field(factory=dict, repr=False)
    same: tuple[str, ...] = field(default=(), repr=False)

    def command(self, *words: str) -> str:
        """What to type next, for a person to copy."""
        return shlex.join(["sms", "outbox", *words, *self.same])

    def open(self, concurrency: int = 1, rates: Iterable[str] = (), questions: Iterable[str] = ()) -> Outbox:
        """Open it. Raises `ConfigurationError`."""
        try:
            from sms_core_outbox import Outbox  # noqa: PLC0415 - a package of its own, which may be absent
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("sms_core_outbox"):
                raise
            raise ConfigurationError("the outbox is not installed: pip install sms-core-outbox") from None
        return Outbox(
            self.url,
            accounts=Accounts(self.accounts),
            concurrency=concurrency,
            rates=_rates(self._noted_rates(), rates, questions),
        )

    def _noted_rates(self) -> dict[str, Mapping[str, Any]]:
        """What the accounts' file says of the rates of those that are in it."""
        names: dict[str, str] = {}
        for name, given in self.accounts.items():
            if given is None:
                names[name] = name
            elif not isinstance(given, str):
                names.update({f"{name}/{vendor}": vendor for vendor in given})
        if not names:
            return {}
        noted = read_accounts()
        return {name: noted[of_file].rates for name, of_file in names.items()}


def _rates(noted: Mapping[str, Mapping[str, Any]], texts: Iterable[str], questions: Iterable[str]) -> dict[str, Rate]:
    """The rates of accounts, and within those of their purposes: an option's instead of the file's, number by number.

    Raises `ConfigurationError`.
    """
    from sms_core_outbox import Rate  # noqa: PLC0415 - `ChosenOutbox.open` has said what to do if it is absent

    lanes: dict[str, dict[str, Rate]] = {}
    of_texts: dict[str, float] = {}
    of_questions: dict[str, float] = {}
    for name, rates in noted.items():
        if "rate" in rates:
            of_texts[name] = rates["rate"]
        if "questions" in rates:
            of_questions[name] = rates["questions"]
        for purpose, per_second in rates.get("lanes", {}).items():
            lanes.setdefault(name, {})[purpose] = Rate(per_second)
    for given in texts:
        place, per_second = _rate(given, "--rate")
        name, slash, purpose = place.partition("/")
        if slash and place not in noted:  # which may be one of several vendors, main/reserve
            lanes.setdefault(name, {})[purpose] = Rate(per_second)
        else:
            of_texts[place] = per_second
    for given in questions:
        name, per_second = _rate(given, "--questions")
        of_questions[name] = per_second
    return {
        name: Rate(of_texts.get(name), questions_per_second=of_questions.get(name), lanes=lanes.get(name, {}))
        for name in {**lanes, **of_texts, **of_questions}
    }


def _rate(given: str, option: str) -> tuple[str, float]:
    name, _equals, number = given.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        raise ConfigurationError(f"{option} needs an account's name, = and a number a second") from None


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
