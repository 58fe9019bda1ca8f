"""Each example under its real servers: every one of its processes is killed at random moments while it sends."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.examples import killing
from tests.examples.running import CELERY, DJANGO, FASTAPI, FLASK, Example
from tests.support.postgresql import postgresql_server

pytestmark = pytest.mark.timeout(300)  # real servers, on a machine that may be busy


# Celery's worker needs a second for each start. Fifty kills of each process, among twice as many texts, and on both
# databases, are in `nox -s reliability`.
@pytest.mark.parametrize(
    ("example", "kills", "on_postgresql"),
    [(FLASK, 20, False), (FASTAPI, 20, False), (DJANGO, 20, False), (CELERY, 10, True)],
    ids=("flask", "fastapi", "django", "celery"),
)
def test_every_text_is_sent_once_and_every_answer_was_true(
    example: Example, kills: int, on_postgresql: bool, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(postgresql_server()) if on_postgresql else f"sqlite:///{tmp_path}/sms.db"
        figures = killing.run(example, tmp_path, url, kills=kills, pause=0.02, seed=kills, sends=100)
    assert figures.is_clean, str(figures)
    assert set(figures.kills.values()) == {kills}
    assert figures.unknown > 0  # some were killed in the middle of a send
