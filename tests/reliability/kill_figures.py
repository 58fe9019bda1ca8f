"""What the rounds of kills came to, of campaigns and of outboxes alike."""

from __future__ import annotations

from attrs import define, field

SHOWN = 20


@define
class Figures:
    """What the rounds came to; what is wrong is told in words. ``kinds`` names what was killed and in what."""

    kinds: tuple[str, str]
    seed: int
    rounds: int = 0
    kills: int = 0
    rows: int = 0
    unknown: int = 0
    wrong: list[str] = field(factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether each row is as the vendor took it."""
        return not self.wrong

    def __str__(self) -> str:
        killed, rounds = self.kinds
        rows = [
            f"kills     {self.kills:,} of {killed} in {self.rounds:,} {rounds} (seed {self.seed})",
            f"rows      {self.rows:,}, of them unknown after a kill {self.unknown:,}",
            f"wrong     {len(self.wrong):,}",
        ]
        rows.extend(f"          {words}" for words in self.wrong[:SHOWN])
        return "\n".join(rows)
