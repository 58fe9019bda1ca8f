"""What the commands write: tables for people, JSON for programs, and one line for each error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sms_core.errors import SmsError
from sms_core.masking import mask_numbers
from sms_core.model import SendResult
from sms_core.serialize import to_data, to_json
from sms_core_cli.language import ENGLISH, _, language, phrase
from sms_core_cli.phrases import ERRORS
from sms_core_cli.wrapping import wrapped

WIDTH_OF_A_PIPE = 100_000
"""Columns where there is no terminal: a line that another program reads is not broken."""
NARROWEST_COLUMN = 12
"""Characters; where a table's columns would have less, each of its rows becomes some lines instead."""


def console(*, stderr: bool = False) -> Console:
    """A console on what stdout (or stderr) is at this moment. Brackets in texts are only brackets."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = WIDTH_OF_A_PIPE
    return made


def plain(value: object) -> str:
    """A value in a line or a cell: None is a dash, and nothing of it can move the cursor or change colours."""
    text = "–" if value is None else str(value)
    return "".join(character if character.isprintable() else " " for character in text)


def show_table(headers: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table on stdout; where the terminal is too narrow for it, each row as lines of its own."""
    headers = [_(header) for header in headers]
    cells = [[plain(cell) for cell in row] for row in rows]
    out = console()
    if _width_needed(headers, cells) > out.width:
        _show_records(out, headers, cells, title)
        return
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    out.print(table)


def _width_needed(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The least width in which a table can be read."""
    width = 1
    for column in zip(headers, *rows, strict=True):
        widest = max(map(cell_len, column))
        width += min(widest, max(NARROWEST_COLUMN, cell_len(column[0]))) + len(" │ ")
    return width


def _show_records(out: Console, headers: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    if title:
        out.print(Text(title, style="bold"))
    for row in rows:
        for header, cell in zip(headers, row, strict=True):
            if cell:
                _print(out, _("{header}: {cell}", header=header, cell=cell) if header else cell)
        out.print()


def show_outcomes(result: SendResult) -> None:
    """What became of each recipient."""
    show_table(
        ["number", "outcome", "batch", "reference", "why"],
        [
            (row.number, _(row.outcome.value), row.batch_id, row.reference, phrase(str(row.error or "")))
            for row in result.outcomes
        ],
    )


def say(line: str, *, stderr: bool = False) -> None:
    """One line; on a terminal as many as its width asks for."""
    _print(console(stderr=stderr), plain(line))


def _print(out: Console, line: str) -> None:
    for part in wrapped(line, out.width):
        out.print(Text(part), soft_wrap=True)


def note(line: str) -> None:
    """One line about what happens, on stderr, so that stdout stays what was asked for."""
    say(line, stderr=True)


def confirm(question: str) -> bool:
    """Whether a person says yes; on stderr, in as many lines as a terminal's width asks for. Raises `click.Abort`."""
    answers, suffix = " [y/N]", _(": ")
    *first, last = wrapped(question, console(stderr=True).width - cell_len(answers + suffix))
    for line in first:
        note(line)
    return click.confirm(last, err=True, prompt_suffix=suffix)


def tell(message: str, *, as_json: bool, stderr: bool = False, **values: object) -> None:
    """One line of what happens: to people in their language, to a program as ``{"say": …}``, the same in any."""
    if as_json:
        click.echo(to_json({"say": message.format(**values)}), err=stderr)
    else:
        say(_(message, **values), stderr=stderr)


NOUNS = {
    "row": ("{count} row", "{count} rows"),
    "message": ("{count} message", "{count} messages"),
    "point": ("{count} point", "{count} points"),
    "segment": ("{count} segment", "{count} segments"),
    "report": ("{count} report", "{count} reports"),
    "reply": ("{count} reply", "{count} replies"),
    "double": ("{count} double", "{count} doubles"),
    "worker": ("{count} worker", "{count} workers"),
    "second": ("{count} second", "{count} seconds"),
    "minute": ("{count} minute", "{count} minutes"),
}
"""What is counted, in singular and plural."""


def counted(count: Decimal | int, noun: str) -> str:
    """A count and its noun, one of `NOUNS`, in singular or plural."""
    singular, plural = NOUNS[noun]
    return _(singular if count == 1 else plural, count=count)


def cost_line(cost: Decimal, balance: Decimal | None) -> str:
    """What was paid and what is left, in points."""
    points = counted(cost, "point")
    if balance is None:
        return _("Cost {points}.", points=points)
    return _("Cost {points}, {balance} left.", points=points, balance=balance)


def show_json(value: object) -> None:
    """A value as JSON on stdout."""
    click.echo(to_json(value, indent=2))


def show_error(error: SmsError, *, as_json: bool) -> None:
    """One line on stderr, or a JSON object. Neither shows a number or a secret: both may end in a log."""
    if as_json:
        # The error's text is masked, its details are not: an error is made again from them.
        click.echo(to_json({"error": _masked(to_data(error))}), err=True)
    else:
        note(f"sms: {error_name(error)}: {phrase(str(error))}")


def error_name(error: SmsError) -> str:
    """An error's class, by which a person finds it in the documentation; in Chinese with what that is in front."""
    name = type(error).__name__
    if language() == ENGLISH:
        return name
    title = next(ERRORS[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in ERRORS)
    return f"{_(title)} ({name})"


def _masked(data: Any) -> Any:
    """The same data with every telephone number masked."""
    match data:
        case str():
            return mask_numbers(data)
        case dict():
            return {name: _masked(value) for name, value in data.items()}
        case list():
            return [_masked(value) for value in data]
        case _:
            return data


def json_of_usage(error: click.UsageError) -> str:
    """A wrong use of the command line as the JSON object that errors are."""
    data: dict[str, Any] = {"type": type(error).__name__, "message": error.format_message(), "code": "", "details": {}}
    return to_json({"error": data})
