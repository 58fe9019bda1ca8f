"""Each example's own API: who may send, and what it says of a text that was not sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError

import pytest

from sms_core_sandbox import Sandbox
from sms_core_sandbox.box import USER
from tests.examples.application import Application, Example
from tests.examples.running import DJANGO, EXAMPLES, FASTAPI, FLASK

NUMBER = "+886900000001"


def refusal(ask: Callable[..., object], *arguments: object) -> int:
    """The status with which it says no."""
    with pytest.raises(HTTPError) as refused:
        ask(*arguments)
    refused.value.close()
    return refused.value.code


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.folder)
def test_only_who_shows_the_token_may_send_and_look_and_nothing_wrong_is_sent(example: Example, tmp_path: Path) -> None:
    with Sandbox(faces=["every8d"]) as box, Application(example, tmp_path, box.dsn("every8d")) as application:
        right = {"text": "您好", "to": [NUMBER]}
        for path, body in (("/messages", None), ("/messages", right), ("/replies", None)):
            assert refusal(application.ask, path, body, "a-wrong-token") == 401
        for wrong in ({"text": "您好", "to": ["12"]}, {"text": "", "to": [NUMBER]}):
            assert refusal(application.ask, "/messages", wrong) == 400
        assert application.ask("/messages") == application.ask("/replies") == []
        assert box.exchange.accepted == ()


@pytest.mark.parametrize("example", [FLASK, FASTAPI, DJANGO], ids=lambda example: example.folder)
def test_a_text_that_the_vendor_refused_is_written_down_as_refused(example: Example, tmp_path: Path) -> None:
    with Sandbox(faces=["every8d"]) as box, Application(example, tmp_path, box.dsn("every8d")) as application:
        box.exchange.set_credit(USER, 0)
        answer = application.ask("/messages", {"text": "您好", "to": [NUMBER]})
        (row,) = application.ask("/messages")
    assert answer == {"reference": row["reference"], "outcomes": {NUMBER: "refused"}}
    assert row == {**row, "number": NUMBER, "text": "您好", "outcome": "refused", "status": None}
