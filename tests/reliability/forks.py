"""Processes that are forked from one with a client: each sends over connections of its own, and every outcome is true."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from attrs import define, field

import sms_core
from sms_core import Client, Outcome, SendError
from tests.support.forks import PATIENCE, fork, fork_by_multiprocessing, in_children
from tests.support.sandbox_process import SandboxProcess, Taken

SENDS = 25
"""For each process."""


def number_of(process: int, position: int) -> str:
    """A number of its own for each send, of those that the sandbox accepts."""
    return f"+8869{process:02d}{position // 800:03d}{position % 800:03d}"


def send_some(sms: Client, process: int, sends: int = SENDS) -> list[tuple[str, str, str]]:
    """What the client says of each send: the number, its outcome and its batch."""
    said = []
    for position in range(sends):
        try:
            result = sms.send("您好", to=number_of(process, position))
        except SendError as error:
            result = error.result
        (row,) = result.outcomes
        said.append((row.number, row.outcome.value, row.batch_id or ""))
    return said


def lies(said: list[Sequence[Sequence[str]]], taken: list[Taken]) -> list[object]:
    """Where what the clients said is not what the vendor took."""
    batches = {sent.number: sent.batch_id for sent in taken}
    assert len(batches) == len(taken), "sent twice"
    found: list[object] = []
    for number, outcome, batch_id in (row for rows in said for row in rows):
        told = (Outcome.ACCEPTED.value, batches[number]) if number in batches else (Outcome.NOT_SENT.value, "")
        if (outcome, batch_id) != told:
            found.append((number, outcome, batch_id, told))
    return found


@define
class Figures:
    """What the rounds came to. ``lied`` are sends that were told otherwise than the vendor took them, in words."""

    seed: int
    rounds: int = 0
    children: int = 0
    sends: int = 0
    lied: list[object] = field(factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether each send was told as it was."""
        return not self.lied

    def __str__(self) -> str:
        rows = [
            f"forks     {self.rounds:,} rounds (seed {self.seed}), {self.children:,} children",
            f"sends     {self.sends:,}",
            f"lied      {len(self.lied):,}",
        ]
        rows.extend(f"          {lie}" for lie in self.lied[:20])
        return "\n".join(rows)


def run(rounds: int, seed: int) -> Figures:
    """So many forks of a client that was used before, or was not; parent and children send at once."""
    chance = random.Random(seed)
    figures = Figures(seed)
    # What we promise is to be tested with threads around; Python warns of a fork then since 3.12.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    with SandboxProcess() as vendor:
        for _ in range(rounds):
            vendor.reset()
            children = chance.choice([2, 8])
            said = _round(vendor, chance, children)
            figures.rounds += 1
            figures.children += children
            figures.sends += sum(map(len, said))
            figures.lied += lies(said, vendor.taken())
    return figures


def _round(vendor: SandboxProcess, chance: random.Random, children: int) -> list[Sequence[Sequence[str]]]:
    auth = chance.choice(["token", "password"])
    before = chance.choice(["nothing", "check", "send"])
    start = chance.choice([fork, fork_by_multiprocessing])
    said: list[Sequence[Sequence[str]]] = []
    with sms_core.connect(vendor.dsn(auth=auth)) as sms, ThreadPoolExecutor(1) as pool:
        if before == "check":
            sms.check()
        if before == "send":
            said.append(send_some(sms, 99, 1))
        own = pool.submit(send_some, sms, 98)
        said += in_children(children, lambda child: send_some(sms, child), start)
        said.append(own.result(PATIENCE))
    return said
