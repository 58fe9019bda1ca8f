"""A short form of the many sends under faults; ``nox -s reliability`` is the long one."""

from __future__ import annotations

import random

import pytest

from tests.reliability.sends import run


@pytest.mark.parametrize(("colour", "sends"), [("sync", 1500), ("async", 750)])
def test_sends_to_a_server_that_breaks_half_of_its_answers(colour: str, sends: int) -> None:
    """Nothing is sent twice, lost, or told wrongly, and no right answer is taken for a wrong one."""
    figures = run(sends, seed=random.randrange(1_000_000), colour=colour)
    assert figures.is_clean, str(figures)
