"""The short form of `tests.reliability.outbox_kills`."""

from __future__ import annotations

from tests.reliability import outbox_kills


def test_workers_of_an_outbox_are_killed_at_any_moment() -> None:
    figures = outbox_kills.run(6, seed=1, kinds=("sqlite",))
    assert figures.is_clean, str(figures)
    assert figures.kills >= 6
    assert figures.rows == figures.rounds * outbox_kills.ROWS
