"""``manage.py sms_outbox run|status|settle|unknown|forget``: ``sms outbox …`` for the outbox that the settings turn on."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sms_core import SmsError
from sms_core.serialize import to_json
from sms_core_django.contrib.outbox import telling
from sms_core_django.contrib.outbox.outboxes import get_outbox, make_outbox
from sms_core_outbox import Outbox

LOOK = 0.5
"""Seconds after which a worker's process looks whether it is to end."""
STOPPING = (signal.SIGINT, signal.SIGTERM)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < 1e6:  # noqa: PLR2004 - so far, a date is one
        raise ArgumentTypeError("needs a number of days from 0 on")
    return days


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("needs a whole number from 1 on")
    return int(text)


class Command(BaseCommand):
    """The outbox of ``SMS["OUTBOX"]``: a worker of it, a look at it, settling and forgetting."""

    help = "Run a worker of the SMS outbox, look into it, settle what is unknown, forget what is old."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """A word for what to do, each with ``--json``."""
        words = parser.add_subparsers(dest="word", required=True, metavar="run|status|settle|unknown|forget")
        made = {}
        for word, run, said in (
            ("run", self.run, "Send what is put, until SIGTERM or Ctrl-C; then finish what is under way."),
            ("status", self.status, "Show the outbox at a glance."),
            ("settle", self.settle, "Ask the vendor what became of unknown rows. Sends nothing."),
            ("unknown", self.unknown, "Show the rows whose outcome is not known."),
            ("forget", self.forget, "Blank numbers, texts and names of rows that are final."),
        ):
            made[word] = words.add_parser(word, help=said, description=said)
            made[word].set_defaults(act=run)
            made[word].add_argument("--json", action="store_true", dest="as_json", help="Write JSON.")
        made["run"].add_argument("--once", action="store_true", help="Send what can be sent now, and end.")
        made["run"].add_argument("--concurrency", type=_count, help="Requests side by side.")
        made["run"].add_argument(
            "--no-ask",
            action="store_false",
            dest="asks",
            help="Do not ask vendors for reports, nor about unknown rows.",
        )
        made["forget"].add_argument("--days", type=_days, required=True, help="What has not changed for so long.")

    def handle(self, *args: Any, act: Callable[..., None] | None = None, word: str, **options: Any) -> None:
        """Do it. An error of the outbox is one line."""
        del args
        try:
            (act or getattr(self, word))(get_outbox(), **options)
        except SmsError as error:
            raise CommandError(str(error)) from error

    def run(
        self,
        outbox: Outbox,
        *,
        as_json: bool = False,
        once: bool = False,
        concurrency: int | None = None,
        asks: bool = True,
        **_: Any,
    ) -> None:
        """Be a worker."""
        if concurrency is not None:
            outbox = make_outbox(concurrency=concurrency)
        if once:
            result = outbox.drain()
            self._show(result, telling.drained(result), as_json=as_json)
            return
        with _stopped() as stop, outbox.worker(asks=asks):
            self._tell(telling.RUNS, as_json=as_json)
            while not stop.wait(LOOK):
                pass
        self._tell(telling.HAS_ENDED, as_json=as_json)

    def status(self, outbox: Outbox, *, as_json: bool = False, **_: Any) -> None:
        """Give the overview."""
        found = outbox.stats()
        if as_json:
            self._write_json(telling.stats_data(found))
            return
        for table in telling.stats_tables(found):
            self._write_table(table)
        for line in telling.stats_lines(found):
            self.stdout.write(line)

    def settle(self, outbox: Outbox, *, as_json: bool = False, **_: Any) -> None:
        """Ask the vendors."""
        result = outbox.settle()
        self._show(result, telling.settled(result), as_json=as_json)

    def unknown(self, outbox: Outbox, *, as_json: bool = False, **_: Any) -> None:
        """List what is not known."""
        rows = outbox.unknown()
        if as_json:
            self._write_json(rows)
            return
        self._write_table(telling.rows_table(rows))
        self.stdout.write(f"{telling.counted(len(rows), 'row')}.")

    def forget(self, outbox: Outbox, *, days: float, as_json: bool = False, **_: Any) -> None:
        """Blank what is old."""
        self._tell(telling.blanked(outbox.forget(before=timedelta(days=days))), as_json=as_json)

    def _show(self, result: object, line: str, *, as_json: bool) -> None:
        if as_json:
            self._write_json(result)
        else:
            self.stdout.write(line)

    def _tell(self, line: str, *, as_json: bool) -> None:
        self._show({"say": line}, telling.sentence(line), as_json=as_json)
        self.stdout.flush()

    def _write_json(self, value: object) -> None:
        self.stdout.write(to_json(value))

    def _write_table(self, table: telling.Table) -> None:
        cells = [list(table.headings), *([("–" if cell is None else str(cell)) for cell in row] for row in table.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def _stopped() -> Generator[threading.Event, None, None]:
    """An event that SIGINT and SIGTERM set, while the block lasts."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in STOPPING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
