"""What a WSGI server may hand over, beyond what a caller on a real socket shows."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from tests.webhooks.serving import SECRET, SMSGET, Calls, receiver

BODY = urlencode(SMSGET.fields).encode()


class HungUp(io.RawIOBase):
    """The input of a caller that resets its connection."""

    def read(self, size: int = -1) -> bytes:
        raise ConnectionResetError


def answer(calls: Calls, **environ: Any) -> tuple[str, dict[str, str], bytes]:
    """What the application answers to this environment."""
    given = {
        "REQUEST_METHOD": "POST",
        "QUERY_STRING": "",
        "SCRIPT_NAME": "/hooks",
        "PATH_INFO": f"/sms-get/{SECRET}",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(BODY)),
        "wsgi.input": io.BytesIO(BODY),
        **environ,
    }
    setup_testing_defaults(given)
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
        started.extend((status, dict(headers)))

    body = validator(receiver(calls).wsgi)(given, start_response)
    content = b"".join(body)
    body.close()  # type: ignore[attr-defined]  # the validator's has one
    return started[0], started[1], content


def test_it_keeps_to_the_standard_and_names_its_statuses() -> None:
    calls = Calls()
    headers = {"content-type": "text/plain; charset=utf-8", "content-length": "2"}
    assert answer(calls) == ("200 OK", headers, b"ok")
    assert len(calls.handled) == 1


@pytest.mark.parametrize("path", [f"/sms-get/{SECRET}", "/sms-get/wrong"])
def test_a_caller_that_resets_its_connection_pushed_nothing(path: str) -> None:
    calls = Calls()
    status, _, _ = answer(calls, PATH_INFO=path, **{"wsgi.input": HungUp()})
    assert status in {"400 Bad Request", "404 Not Found"}
    assert calls.events == []


def test_an_input_that_ends_by_itself_needs_no_length() -> None:
    calls = Calls()
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert answer(calls, **chunked)[0] == "200 OK"
    assert len(calls.handled) == 1


def test_nothing_is_read_beyond_the_length() -> None:
    """A server may block there for ever, waiting for the caller's next request."""
    calls = Calls()
    stream = io.BytesIO(BODY + b"&sms_id=9")
    assert answer(calls, **{"wsgi.input": stream})[0] == "200 OK"
    assert stream.read() == b"&sms_id=9"
    assert [event.batch_id for event in calls.handled] == [SMSGET.fields["sms_id"]]
