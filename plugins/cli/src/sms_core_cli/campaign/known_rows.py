"""What planning asks of a run that goes on: which rows it has, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from attrs import frozen

from sms_core_cli.campaign.row_results import RowOutcome


@frozen
class KnownRow:
    """What a run has of a row. ``identity`` is the run's hash of it; ``is_put`` is whether it is in the outbox.

    ``can_be_put_again`` where it ended, and was not accepted; ``waits`` where it is still to be sent.
    """

    identity: str
    outcome: RowOutcome
    is_put: bool
    waits: bool = False
    can_be_put_again: bool = False


class KnownRows(Protocol):
    """What planning asks of a run that goes on."""

    @property
    def digest(self) -> str:
        """What tells the file as all of it was put; "" before that."""
        ...

    def hash(self, text: str) -> str:
        """The run's own hash of a text."""
        ...

    def look_up(self, identities: Collection[str]) -> Mapping[tuple[str, int], KnownRow]:
        """Its rows with these plain identities, by identity and occurrence."""
        ...

    def told(self) -> Iterator[list[tuple[str, int, str, int, int | None]]]:
        """All its rows that the file had, in chunks: identity, occurrence, who, place, the outbox's row."""
        ...

    def count_waiting(self, rows: Collection[int]) -> int:
        """How many of these rows of the outbox wait."""
        ...
