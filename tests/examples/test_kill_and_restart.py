"""Each example under its real servers, pushed to by the sandbox, and killed in the middle."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from sms_core.testing import Exchange
from sms_core.testing.behaviours import REPLY
from sms_core_every8d.sandbox import face
from sms_core_sandbox import Face, Sandbox
from tests.examples.application import DEADLINE, SECRET, TOKEN, Application, Example, wait_until
from tests.examples.gate import Gate, Kill, Moment

pytestmark = pytest.mark.timeout(600)  # three starts of real servers, on a machine that may be busy

_RUNSERVER = [sys.executable, "manage.py", "runserver", "--noreload", "{port}"]
DJANGO = Example("django", [_RUNSERVER], ("manage.py", "migrate", "--verbosity", "0"), "default", "texts_")
TEXT = "您的訂單已出貨。"
PLAIN = [f"+8869000000{number:02}" for number in range(1, 23)]
# Without 901 and 909: EVERY8D has a less telling code for the one, and the other is about sends.
TELLING = [f"+886900000{ending}" for ending in (900, 902, 903, 904, 905, 906, 907, 908, 911, 912, 913)]
NUMBERS = [*PLAIN, *TELLING, "+886900001908", "+886900002908", "+886900003908"]
PLAN = (Kill(8, Moment.HANDLED), Kill(20, Moment.IN_HAND))


def patient_face(exchange: Exchange) -> Face:
    """EVERY8D, but it pushes until it is heard, however long a restart takes."""
    return attrs.evolve(face(exchange), retries=10_000)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(faces={"every8d": patient_face}, slow=timedelta(seconds=1), push_interval=1.0) as box:
        yield box


def happened(box: Sandbox) -> tuple[Counter[tuple[str, str, str]], Counter[tuple[str, str, str]]]:
    """The reports and the replies that there were, by the exchange."""
    done = [message for message in box.exchange.messages if message.done_at]
    reports = Counter((message.batch_id, message.number, message.status.value) for message in done)
    replies = Counter((reply.message.batch_id, reply.message.number, reply.text) for reply in box.exchange.replies)
    return reports, replies


@pytest.mark.parametrize("example", [DJANGO], ids=lambda example: example.folder)
def test_every_event_is_handled_once_though_the_application_is_killed_twice(
    example: Example, box: Sandbox, tmp_path: Path
) -> None:
    application = Application(example, tmp_path, box.dsn("every8d"))
    with application, Gate(application.port, application.kill, *PLAN) as gate:
        box.callback_url = f"{gate.url}/sms/{example.account}/{SECRET}"
        application.ask("/messages", {"text": TEXT, "to": NUMBERS})
        for _ in PLAN:
            assert gate.wait_for_kill(DEADLINE), application.log
            assert application.handled() < len(NUMBERS)
            application.start()
        assert box.wait_pushed(DEADLINE), application.log
        reports, replies = happened(box)
        wait_until(lambda: application.handled() >= reports.total() + replies.total(), lambda: application.log)
        shown = {message["number"]: message["status"] for message in application.ask("/messages")}
        application.stop()

    assert application.rows("report", "batch_id", "number", "status") == reports
    assert application.rows("reply", "batch_id", "number", "text") == replies
    for message in box.exchange.messages:
        assert shown.pop(message.number) == (message.status.value if message.done_at else None)
    assert shown == {}
    assert len(box.exchange.accepted) == len(NUMBERS)
    assert len(box.pushes) > reports.total() + replies.total()  # the vendor did push again
    for private in (SECRET, TOKEN, TEXT, PLAIN[0][4:], REPLY):
        assert private not in application.log
