"""How often each rule refused: counts for metrics, each refusal counted once."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping

REMEMBERED = 1000
"""How many refusals are remembered: while recipients are told apart, a rule is asked about one of them several times."""


class Counts:
    """The decisions of one rule, or of a few that belong together. Threads may share it."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._refused: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, rule: str, decision: str) -> None:
        """Count a decision, such as "passed"."""
        with self._lock:
            self._counts[rule, decision] += 1

    def refuse(self, rule: str, reference: str) -> None:
        """Count a refusal of the recipient or message with this reference, unless it was counted already."""
        with self._lock:
            if (rule, reference) in self._refused:
                return
            self._refused[rule, reference] = None
            if len(self._refused) > REMEMBERED:
                self._refused.popitem(last=False)
            self._counts[rule, "refused"] += 1

    def snapshot(self) -> Mapping[tuple[str, str], int]:
        """How often, by rule and decision."""
        with self._lock:
            return dict(self._counts)


class Counted:
    """A policy whose decisions are counted."""

    def __init__(self) -> None:
        self._decided = Counts()

    def decisions(self) -> Mapping[tuple[str, str], int]:
        """How often each of its rules ``passed`` a request, ``refused`` one, or passed it ``without_store``.

        The keys are the rule's name and the decision. A refusal is counted once for a recipient, or for a message where it
        is about all of it; those that `preview` shows are refusals too.
        """
        return self._decided.snapshot()
