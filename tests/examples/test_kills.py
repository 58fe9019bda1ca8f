"""Each example under its real servers: every one of its processes is killed at random moments while it sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples import killing
from tests.examples.running import CELERY, DJANGO, FASTAPI, FLASK, Example

pytestmark = pytest.mark.timeout(300)  # real servers, on a machine that may be busy


# Celery's worker needs a second for each start: all fifty kills of each of its processes are in `nox -s reliability`.
@pytest.mark.parametrize(
    ("example", "kills"),
    [(FLASK, 50), (FASTAPI, 50), (DJANGO, 50), (CELERY, 10)],
    ids=("flask", "fastapi", "django", "celery"),
)
def test_every_text_is_sent_once_and_every_answer_was_true(example: Example, kills: int, tmp_path: Path) -> None:
    figures = killing.run(example, tmp_path, f"sqlite:///{tmp_path}/sms.db", kills=kills, pause=0.02, seed=kills)
    assert figures.is_clean, str(figures)
    assert set(figures.kills.values()) == {kills}
    assert figures.unknown > 0  # some were killed in the middle of a send
