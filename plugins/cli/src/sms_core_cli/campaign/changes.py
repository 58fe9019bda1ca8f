"""How a file differs from what its run has put, gathered while its rows go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
from attrs import frozen

from sms_core_cli.campaign.known_rows import KnownRow, KnownRows
from sms_core_cli.campaign.staging import Changes, StagedRow, Staging

PAGE = 1000
"""Rows that are asked about at once."""


@frozen
class Comparison:
    """A run that goes on beside its file. What it sees it notes on the disk, in ``staging``."""

    run: KnownRows
    staging: Staging

    def see(self, rows: Sequence[StagedRow], known: Mapping[tuple[str, int], KnownRow]) -> None:
        """Note which rows of the file the run has and which it has not."""
        added: list[tuple[str, int]] = []
        seen: list[tuple[str, int]] = []
        for staged in rows:
            before = known.get((staged.identity, staged.occurrence))
            if before is None:
                added.append((self.run.hash(staged.who), staged.place))
            else:
                seen.append((before.identity, staged.occurrence))
        self.staging.see(seen)
        self.staging.note_added(added)

    def changes(self, digest: str) -> Changes | None:
        """How the whole file, told by ``digest``, differs from what all of the run was put from; None where it does not."""
        if self.run.digest == digest:
            return None
        for told in self.run.told():
            self.staging.miss(told)
        taken_back = 0
        for page in self.staging.gone(PAGE):
            taken_back += self.run.count_waiting([sent for _, _, sent in page if sent is not None])
        found = self.staging.compare()
        if self.run.digest == "" and not (found.removed or found.edited):
            return None  # a run that was cut off while it was put has not all of the file yet
        return attrs.evolve(found, taken_back=taken_back)
