"""How ``sms campaign`` is told to read its file, and the question where the file's encoding is a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import click
from attrs import frozen

from sms_core.errors import InvalidMessage
from sms_core_cli.campaign.reading.encodings import Reading
from sms_core_cli.campaign.table import TableFile, open_table
from sms_core_cli.language import _, phrase
from sms_core_cli.output import note


def chosen_columns(_ctx: click.Context, _parameter: click.Parameter, pairs: Sequence[str]) -> dict[str, str]:
    """``number=手機`` and the like: headers by what they are. Fails as click does."""
    chosen: dict[str, str] = {}
    for pair in pairs:
        what, separator, header = pair.partition("=")
        if not separator or not header.strip():
            raise click.BadParameter(_("needs what it is and a header, such as number=手機"))
        chosen[what.strip().lower()] = header
    return chosen


@frozen
class TableOptions:
    """The file, and what a person said of it."""

    file: Path
    encoding: str | None
    columns: Mapping[str, str]
    sheet: str | None

    def read(self) -> TableFile:
        """The table, of which only the beginning was read. Raises `InvalidMessage`, `ConfigurationError` or `OSError`."""
        return open_table(self.file, self.encoding, columns=self.columns, sheet=self.sheet)

    def read_confirmed(self, *, may_ask: bool, dry_run: bool) -> TableFile:
        """The table, in the encoding that a person confirms where it is a guess; a dry run takes the likeliest.

        Raises `InvalidMessage` too where nobody can be asked.
        """
        table = self.read()
        if not table.readings:
            return table
        if may_ask:
            chosen = _ask(self.file, table.readings)
            return attrs.evolve(self, encoding=chosen.encoding).read()
        ways = ", ".join(f"--encoding {reading.encoding} reads '{reading.sample}'" for reading in table.readings)
        if dry_run:
            found = f"the encoding is a guess, {table.readings[0].title}: {ways}"
            return attrs.evolve(table, notes=(found, *table.notes))
        raise InvalidMessage("encoding", f"the bytes do not tell how the file is encoded: {ways}")


def _ask(file: Path, readings: Sequence[Reading]) -> Reading:
    """Show a text of the file in each encoding, and ask which is right. Raises `InvalidMessage` if none is."""
    note(_("The bytes of {file} do not tell how it is encoded. Which of these is right?", file=file))
    for number, reading in enumerate(readings, 1):
        note("  " + _("{header}: {cell}", header=f"{number}  {phrase(reading.title)}", cell=reading.sample))
    note(_("  0  none of them"))
    try:
        answer = click.prompt(_("Number"), type=click.IntRange(0, len(readings)), err=True, prompt_suffix=_(": "))
    except click.Abort:  # Ctrl-C, or nobody is there to answer
        note("")
        answer = 0
    if answer == 0:
        raise InvalidMessage("encoding", "was not chosen: name it with --encoding, or save the file as 'CSV UTF-8'")
    return readings[answer - 1]
