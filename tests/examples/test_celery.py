"""What the worker of the Celery example does when the broker forgets, repeats, or a send fails."""

from __future__ import annotations

import json
from pathlib import Path

from sms_core_sandbox import Sandbox
from tests.examples.application import DEADLINE, SECRET, Application, wait_until
from tests.examples.running import CELERY

WEB, WORKER = 0, 1
NUMBERS = [f"+8869000000{number:02}" for number in range(1, 6)]
ASKED = {"text": "您好", "to": NUMBERS}
TRY = """
import json, sms_core, tasks
message = sms_core.Message("您好", ["+886900000001"], reference="a")
before = {before}
try:
    tasks.send(tasks.jobs.put(message))
    tasks.send("a")
except sms_core.NotSent as error:
    pass
rows = [(row["outcome"], row["number"]) for row in tasks.ledger.messages()]
print(json.dumps([rows, [tasks.jobs.message(key).reference for key in tasks.jobs.unfinished(sms_core.Message)]]))
"""


def test_a_new_worker_does_what_the_broker_has_forgotten(tmp_path: Path) -> None:
    with Sandbox(faces=["every8d"]) as box, Application(CELERY, tmp_path, box.dsn("every8d")) as application:
        application.kill()
        application.start(WEB)
        box.callback_url = f"{application.url}/sms/every8d/{SECRET}"
        application.ask("/messages", ASKED)
        for task in application.queue.iterdir():
            task.unlink()
        assert [*box.exchange.accepted] == []
        application.start(WORKER)
        wait_until(lambda: application.handled() == len(NUMBERS), lambda: application.log)
        assert box.wait_pushed(DEADLINE)
        shown = {message["number"]: (message["outcome"], message["status"]) for message in application.ask("/messages")}
    assert shown == dict.fromkeys(NUMBERS, ("accepted", "delivered"))
    assert sorted(sent.number for sent in box.exchange.accepted) == NUMBERS


def test_a_task_that_the_broker_hands_out_twice_sends_once(tmp_path: Path) -> None:
    with Sandbox(faces=["every8d"]) as box:
        said = Application(CELERY, tmp_path, box.dsn("every8d")).run("-c", TRY.format(before=None))
    assert json.loads(said) == [[["accepted", "+886900000001"]], []]
    assert len(box.exchange.accepted) == 1


def test_a_send_in_which_a_worker_was_killed_is_not_repeated(tmp_path: Path) -> None:
    begun = 'tasks.ledger.begin("a", tasks.sms.preview(message))'
    with Sandbox(faces=["every8d"]) as box:
        said = Application(CELERY, tmp_path, box.dsn("every8d")).run("-c", TRY.format(before=begun))
    assert json.loads(said) == [[["unknown", "+886900000001"]], []]
    assert box.exchange.accepted == ()


def test_a_text_that_surely_was_not_sent_is_kept_for_another_try_under_a_reference_of_its_own(tmp_path: Path) -> None:
    nobody = "every8d://nobody:nothing@127.0.0.1:1?scheme=http&retries=0"
    said = Application(CELERY, tmp_path, nobody).run("-c", TRY.format(before=None))
    rows, unfinished = json.loads(said)
    assert rows == [["not_sent", "+886900000001"]]
    assert len(unfinished) == 1
    assert unfinished != ["a"]
