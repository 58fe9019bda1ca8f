"""The examples under kill -9: each of their processes, many times, on SQLite and on PostgreSQL."""

from __future__ import annotations

import tempfile
from pathlib import Path

from attrs import define, field

from tests.examples import killing
from tests.examples.running import ALL
from tests.support.postgresql import new_database, postgresql_server

PAUSE = 0.05


@define
class Figures:
    """Those of each example and database."""

    runs: list[killing.Figures] = field(factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether all were."""
        return all(figures.is_clean for figures in self.runs)

    def __str__(self) -> str:
        return "\n".join(map(str, self.runs))


def run(kills: int, seed: int) -> Figures:
    """Kill each process of each example so many times."""
    figures = Figures()
    with postgresql_server() as server:
        for example in ALL:
            for is_sqlite in (True, False):
                with tempfile.TemporaryDirectory() as name:
                    folder = Path(name)
                    url = f"sqlite:///{folder}/sms.db" if is_sqlite else new_database(server, example.folder)
                    figures.runs.append(killing.run(example, folder, url, kills=kills, pause=PAUSE, seed=seed))
    return figures
