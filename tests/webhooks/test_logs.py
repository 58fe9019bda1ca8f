"""The log says what was refused and what failed, and nothing that is a secret."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote

import pytest

from sms_core import CallbackRequest
from sms_core.webhooks import BODY_LIMIT, Event
from tests.webhooks.serving import (
    ADAPTERS,
    EVERY8D,
    MITAKE,
    REPLY,
    SECRET,
    SMSGET,
    SMSGO,
    TWILIO,
    Calls,
    call,
    over_wsgi,
    receiver,
)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TEXT = "雙向簡訊回傳"


def test_no_refusal_tells_a_secret_or_anything_of_the_push(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    query = f"BatchID=b&RM=%2B886900000001&STATUS=eins&SM={quote(TEXT)}&MR=my-order"
    for adapter in ADAPTERS.values():
        with adapter(receiver(Calls(), networks=["127.0.0.0/8"])) as base:
            statuses = [
                call(f"{base}/every8d/{SECRET}x?{query}").status,
                call(f"{base}/{SECRET}/every8d?{query}").status,
                call(f"{base}/every8d/{SECRET}?{query}", "DELETE").status,
                call(f"{base}/every8d/{SECRET}?{query}").status,
                call(f"{base}/sms-get/{SECRET}?{query}", "POST", query.encode().ljust(BODY_LIMIT + 1), FORM).status,
            ]
        assert statuses == [404, 404, 405, 400, 413]
        with adapter(receiver(Calls(), networks=["10.0.0.0/8"])) as base:
            assert call(f"{base}/every8d/{SECRET}?{query}").status == 403
    ours = [record for record in caplog.records if record.name == "sms_core.webhooks"]
    assert len(ours) == 6 * len(ADAPTERS)
    assert {record.levelno for record in ours} == {logging.WARNING}
    assert not any("127.0.0.1" in record.getMessage() for record in ours)
    for private in (SECRET, "900000001", "my-order", TEXT, quote(TEXT), "eins"):
        assert private not in caplog.text


def test_a_refusal_says_why_and_whose_push_it_was(caplog: pytest.LogCaptureFixture) -> None:
    made = receiver(Calls(), networks=["203.0.113.0/24", "2001:db8::/32"])
    for path, remote_addr in [
        (f"/every8d/{SECRET}", "198.51.100.7"),
        (f"/every8d/{SECRET}", ""),
        ("/every8d/wrong", "203.0.113.7"),
        ("/what\nis this", "2001:db8::7"),
        (f"/smsgo/{SECRET}", "203.0.113.7"),
    ]:
        made.receive(CallbackRequest("GET", path, remote_addr=remote_addr))
    assert [record.getMessage() for record in caplog.records] == [
        "push refused (403; every8d, from 198.51.100.0/24): the caller is in none of the networks",
        "push refused (403; every8d, from an unknown address): the caller is in none of the networks",
        "push refused (404; every8d, from 203.0.113.0/24): a wrong name or secret",
        "push refused (404; no known name, from 2001:db8::/48): a wrong name or secret",
        "push refused (400; smsgo, from 203.0.113.0/24): a push of smsgo has a numeric msgid",
    ]


def fails_with(say: Any) -> Any:
    def handle(event: Event) -> None:
        error = RuntimeError(say(event))
        error.add_note(f"the event was {event!r}")
        try:
            raise KeyError(event.number)
        except KeyError:
            raise error from None if "group" not in str(error) else ExceptionGroup("all", [ValueError(say(event))])

    return handle


@pytest.mark.parametrize(
    "say",
    [
        lambda event: f"the database said no to {event.number}: {event.text}",
        lambda event: f"INSERT {event.raw!r}",
        lambda event: json.dumps({"text": event.text}),
        lambda event: repr((event.number.replace("+886", "0"), event.text)),
        lambda event: f"a group of {event.text!a}",
    ],
)
def test_a_failing_handler_is_logged_with_its_traceback_and_not_with_the_event(
    say: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with over_wsgi(receiver(fails_with(say))) as base:
        assert REPLY.send(base).status == 500
    (record,) = caplog.records
    message = record.getMessage()
    assert (record.name, record.levelno, record.exc_info) == ("sms_core.webhooks", logging.ERROR, None)
    assert message.startswith("sms-get: handling the InboundMessage ")
    assert "Traceback (most recent call last)" in message
    assert "RuntimeError: " in message
    assert "test_logs.py" in message
    assert "in handle\n" in message
    for private in (TEXT, "900000001", ascii(TEXT)[1:-1], quote(TEXT), SECRET, "59c4e123|"):
        assert private not in message


def test_an_error_that_quotes_nothing_is_logged_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    made = receiver(Calls(errors=[OSError(28, "No space left on device")]))
    with over_wsgi(made) as base:
        SMSGO.send(base)
    assert "OSError: [Errno 28] No space left on device" in caplog.text


def test_what_is_handled_leaves_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sms_core")
    with over_wsgi(receiver(Calls())) as base:
        for push in (EVERY8D, MITAKE, SMSGO, SMSGET, TWILIO, REPLY):
            push.send(base)
    assert caplog.records == []
