"""Four workers of procrastinate and two web processes on PostgreSQL, while workers and connections are killed."""

from __future__ import annotations

import pytest

from tests.reliability import scale


@pytest.mark.timeout(300)
def test_nothing_is_sent_twice_and_nothing_is_lost() -> None:
    figures = scale.run(500, seed=14, kill_every=1.0)
    assert figures.is_clean, str(figures)
    assert figures.killed_workers
    assert figures.killed_connections
