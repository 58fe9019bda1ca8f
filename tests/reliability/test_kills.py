"""The short form of `tests.reliability.kills`."""

from __future__ import annotations

from tests.reliability import kills


def test_campaigns_are_stopped_at_any_moment_and_joined() -> None:
    figures = kills.run(12, seed=1)
    assert figures.is_clean, str(figures)
    assert figures.kills >= 12
    assert figures.rows == figures.rounds * kills.ROWS
