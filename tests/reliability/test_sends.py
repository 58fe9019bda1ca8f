"""A short form of the many sends under faults; ``nox -s reliability`` is the long one."""

from __future__ import annotations

import random

from tests.reliability.sends import run


def test_sends_to_a_server_that_breaks_half_of_its_answers() -> None:
    """Nothing is sent twice, lost, or told wrongly, and no right answer is taken for a wrong one."""
    figures = run(3000, seed=random.randrange(1_000_000))
    assert figures.is_clean, str(figures)
