"""Help in the language that is spoken, laid out for the terminal that it is shown in, Chinese in it counted as wide."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterable, Iterator
from typing import Any

import click
from click.shell_completion import CompletionItem
from rich.cells import cell_len

from sms_core_cli.language import _, spoken
from sms_core_cli.wrapping import wrapped

WIDEST = 80
"""Columns; longer lines are hard to read."""
WIDEST_TERM = 30
EXAMPLE = "Example"


class SmsFormatter(click.HelpFormatter):
    """Breaks lines by the cells that characters take. click's own counts characters, and wants fifty columns at least."""

    def __init__(self) -> None:
        super().__init__(width=min(shutil.get_terminal_size().columns, WIDEST) - 1)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how to call it. ``prog`` may end in the blank of a command without a name."""
        called = prog.strip()
        lines = [_("Usage: {command}", command=called) if prefix is None else f"{prefix}{called}"]
        for word in _(args).split():
            if cell_len(f"{lines[-1]} {word}") <= self.width:
                lines[-1] += f" {word}"
            else:
                lines.append(f"  {word}")
        self.write("".join(f"{line}\n" for line in lines))

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        self.write(f"{'':>{self.current_indent}}{_('{heading}:', heading=heading)}\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs, indented."""
        indent = " " * self.current_indent
        blocks = ["".join(f"{indent}{line}\n" for line in self._lines(part, 0)) for part in text.split("\n\n")]
        self.write("\n".join(blocks))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = WIDEST_TERM, col_spacing: int = 2) -> None:
        """Write terms and what they are; a term that is too wide for its column has a line of its own."""
        rows = list(rows)
        if not rows:
            return
        widest = max(cell_len(term) for term, _what in rows)
        column = self.current_indent + min(widest, col_max, self.width // 3) + col_spacing
        for term, what in rows:
            first = " " * self.current_indent + term
            lines = self._lines(what, column - self.current_indent)
            if lines and cell_len(first) + col_spacing <= column:
                first += " " * (column - cell_len(first)) + lines.pop(0)
            self.write("".join(f"{line}\n" for line in (first, *(" " * column + line for line in lines))))

    def _lines(self, text: str, margin: int) -> list[str]:
        return wrapped(text, max(self.width - self.current_indent - margin, 1))


class Speaking(click.Command):
    """A command whose help is in the language that is spoken; what click itself writes, it asks gettext for."""

    def get_usage(self, ctx: click.Context) -> str:
        """How to call it, laid out by `SmsFormatter`."""
        formatter = SmsFormatter()
        self.format_usage(ctx, formatter)
        return formatter.getvalue().rstrip("\n")

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """What stands behind its name."""
        return [_(piece) for piece in super().collect_usage_pieces(ctx)]

    def get_help(self, ctx: click.Context) -> str:
        """The whole help, laid out by `SmsFormatter`."""
        formatter = SmsFormatter()
        self.format_help(ctx, formatter)
        return formatter.getvalue().rstrip("\n")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write what the command does."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_(paragraphs(self.help)))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, and the commands of a group."""
        with formatter.section(_("Options")):
            formatter.write_dl(list(self._records(ctx)))
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def _records(self, ctx: click.Context) -> Iterator[tuple[str, str]]:
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option):
                shown = copy.copy(parameter)
                shown.help = _(shown.help or "")
                record = shown.get_help_record(ctx)
                if record is not None:
                    yield record

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the example, or what else stands at the end."""
        if not self.epilog:
            return
        what, separator, example = self.epilog.partition(": ")
        text = f"{_(what)}{_(': ')}{example}" if separator and what.startswith(EXAMPLE) else _(self.epilog)
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What a shell may put here; what zsh and fish show beside it is in the language too."""
        items = super().shell_complete(ctx, incomplete)
        for item in items:
            item.help = item.help and _(item.help)
        return items

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002 - click's
        """The first sentence of what it does."""
        first = _(paragraphs(self.help)).partition("\n")[0].replace("。", ". ")
        return first.partition(". ")[0].rstrip(".")


class SmsGroup(Speaking, click.Group):
    """A group of commands, which speaks the language that is asked for while it runs."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run it."""
        with spoken():
            return super().main(*args, **options)


def paragraphs(text: str | None) -> str:
    """A docstring with each paragraph in one line, as the catalogue has it."""
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))
