"""Which run of a store it is, and its rows page by page: what each part of a run stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from sms_core_cli.campaign.schema import row
from sms_core_cli.campaign.store import Store

PAGE = 1000
"""Rows that are read at once."""


@frozen
class Kept:
    """A run as its store knows it. ``account`` is what it is called in the outbox, where each run is one of its own."""

    store: Store
    id: str

    @property
    def account(self) -> str:
        """The run's name in the outbox."""
        return f"campaign-{self.id}"

    def hash(self, text: str) -> str:
        """A keyed hash, in which nobody finds a number again who has the database alone."""
        return self.store.outbox.hash(text)

    def pages(self, columns: Any) -> Iterator[Sequence[Any]]:
        """The file's rows in its order; each page is a transaction of its own, for a reader holds up the log's end."""
        after = -1
        while True:
            question = columns.where(row.c.run_id == self.id, row.c.place > after).order_by(row.c.place).limit(PAGE)
            with self.store.reading() as connection:
                page = connection.execute(question).all()
            if not page:
                return
            yield page
            after = page[-1].place
