"""Campaigns that are stopped at any moment, resumed, and at last started twice at once.

Nothing is sent twice, nothing is lost, no row lies, and of two that start at once one is told that it came second.
"""

from __future__ import annotations

import random
import signal
import tempfile
from collections import Counter
from pathlib import Path

from attrs import define, field

from plugins.cli.tests.running import ROWS, campaign, results, write_table
from sms_core.testing import Exchange
from sms_core_cli.exit_codes import WRONG_USE
from sms_core_sandbox import Sandbox

STOPS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
PATIENCE = 60.0
AT_ONCE = 2
"""Requests that a campaign has in flight, and so the rows that a kill may leave unknown."""


@define
class Figures:
    """What the rounds came to; what is wrong is told in words."""

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
        rows = [
            f"kills     {self.kills:,} in {self.rounds:,} campaigns (seed {self.seed})",
            f"rows      {self.rows:,}, of them unknown {self.unknown:,}",
            f"wrong     {len(self.wrong):,}",
        ]
        rows.extend(f"          {words}" for words in self.wrong[:20])
        return "\n".join(rows)


def run(rounds: int, seed: int) -> Figures:
    """So many campaigns. Each is stopped some times, and resumed."""
    chance = random.Random(seed)
    figures = Figures(seed)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, Sandbox() as box:
            file = write_table(Path(folder))
            kills = _run_until_it_ends(file, box, chance, figures)
            _judge(figures, file, box.exchange, kills)
        figures.rounds += 1
    return figures


def _run_until_it_ends(file: Path, box: Sandbox, chance: random.Random, figures: Figures) -> int:
    """Stop the campaign at up to three moments, then let two of it end. Gives how many of the stops were SIGKILL."""
    box.faults.add("slow", match="Send", times=None, seconds=0.02)
    dsn = box.dsn("every8d", batch_size=1)
    kills = 0
    for _ in range(chance.randint(1, 3)):
        stop = chance.choice(STOPS)
        moment = len(box.exchange.accepted) + chance.randint(0, ROWS // 2)
        with campaign(file, dsn, *_arguments(file)) as running:
            box.exchange.wait_for(
                lambda moment=moment: len(box.exchange.accepted) >= moment, timeout=1.0 + chance.random()
            )
            running.send_signal(stop)
            running.communicate(timeout=PATIENCE)
        figures.kills += 1
        kills += stop is signal.SIGKILL
    arguments = _arguments(file)
    with campaign(file, dsn, *arguments) as first, campaign(file, dsn, *arguments) as second:
        for running in (first, second):
            running.communicate(timeout=PATIENCE)
    # One that starts when the other has ended finds nothing to send, and ends as that one did.
    if first.returncode != second.returncode and WRONG_USE not in {first.returncode, second.returncode}:
        figures.wrong.append(f"two at once ended with {first.returncode} and {second.returncode}")
    return kills


def _arguments(file: Path) -> list[str]:
    if file.with_name("results.csv").exists():
        return ["--resume", "results.csv"]
    return []


def _judge(figures: Figures, file: Path, exchange: Exchange, kills: int) -> None:
    taken = Counter(message.text for message in exchange.accepted)
    batches = {message.text: message.batch_id for message in exchange.accepted}
    rows = results(file)
    unknown = [row for row in rows if row["outcome"] == "unknown"]
    figures.rows += len(rows)
    figures.unknown += len(unknown)
    figures.wrong += [f"sent {count} times: {text}" for text, count in taken.items() if count > 1]
    if len(rows) != ROWS:
        figures.wrong.append(f"{ROWS - len(rows)} rows are lost")
    if len(unknown) > kills * AT_ONCE:
        figures.wrong.append(f"{len(unknown)} rows are unknown after {kills} kills")
    for row in rows:
        text, outcome = row["text"], row["outcome"]
        if outcome == "accepted" and batches.get(text) != row["batch_id"]:
            figures.wrong.append(f"accepted in {row['batch_id']}, but taken in {batches.get(text)}: {text}")
        if outcome not in {"accepted", "unknown"}:
            figures.wrong.append(f"{outcome} at the end, and taken {taken[text]} times: {text}")
