"""Campaigns without a terminal: a table planned, put, sent and looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from sms_core.client import Client
from sms_core_cli.campaign import (
    MessageDefaults,
    Planned,
    RowOutcome,
    RowResult,
    Run,
    Sending,
    Store,
    begin_run,
    place_of,
    plan_campaign,
    read_table,
    send,
)

ACCEPTED, REFUSED, UNKNOWN, NOT_SENT, REFUSED_HERE, DUPLICATE = RowOutcome


@frozen
class Ran:
    """A run, and how it was planned and sent."""

    run: Run
    planned: Planned = field(repr=False)
    sending: Sending | None = None

    @property
    def results(self) -> list[RowResult]:
        return [row.result for row in self.run.rows()]

    @property
    def outcomes(self) -> list[RowOutcome]:
        return [result.outcome for result in self.results]


class Campaigns:
    """A folder with one file, and its runs, sent by one client."""

    def __init__(self, folder: Path, client: Client, *, concurrency: int = 4) -> None:
        self.file = folder / "people.csv"
        self.client = client
        self.store = Store(place_of(self.file), client, concurrency=concurrency)

    def plan(
        self, text: str, defaults: MessageDefaults | None = None, *, again: bool = False, name: str | None = None
    ) -> tuple[Run, Planned]:
        run = begin_run(self.store, name)
        return run, plan_campaign(self.client, read_table(text.encode()), defaults, run=run, again=again)

    def put(
        self, text: str, defaults: MessageDefaults | None = None, *, again: bool = False, name: str | None = None
    ) -> Ran:
        run, planned = self.plan(text, defaults, again=again, name=name)
        with planned:
            run.add(planned, self.client)
        return Ran(run, planned)

    def send(
        self,
        text: str,
        defaults: MessageDefaults | None = None,
        *,
        again: bool = False,
        name: str | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Ran:
        ran = self.put(text, defaults, again=again, name=name)
        return Ran(ran.run, ran.planned, send(ran.run, stop=stop, patience=0.5))


@contextmanager
def campaigns(folder: Path, client: Client, *, concurrency: int = 4) -> Iterator[Campaigns]:
    """They are closed at the end."""
    made = Campaigns(folder, client, concurrency=concurrency)
    with made.store:
        yield made


def table(*rows: str, header: str = "number,text") -> str:
    """A file with these rows."""
    return "\n".join([header, *rows]) + "\n"
