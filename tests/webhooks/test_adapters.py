"""Every adapter over real sockets: what the application gets, and what the vendor is told."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette

from sms_core import DeliveryReport, InboundMessage
from sms_core.webhooks import BODY_LIMIT
from tests.webhooks.serving import (
    ADAPTERS,
    EVERY8D,
    MITAKE,
    PATIENCE,
    REPLY,
    SECRET,
    SMSGET,
    SMSGO,
    TWILIO,
    TWO_REPORTS,
    Adapter,
    Calls,
    Push,
    call,
    over_flask,
    over_wsgi,
    receiver,
    uvicorn_of,
)


@pytest.fixture(params=ADAPTERS.values(), ids=ADAPTERS.keys())
def adapter(request: pytest.FixtureRequest) -> Adapter:
    found: Adapter = request.param
    return found


@pytest.mark.parametrize(
    "push", [EVERY8D, MITAKE, SMSGO, SMSGET, TWILIO, TWO_REPORTS, REPLY], ids=lambda push: push.name
)
def test_the_application_gets_the_event_and_the_vendor_its_own_acknowledgement(adapter: Adapter, push: Push) -> None:
    calls = Calls()
    with adapter(receiver(calls)) as base:
        answer = push.send(base)
    assert (answer.status, answer.body) == (200, push.acknowledgement)
    assert answer.headers["content-type"] == push.content_type
    assert answer.headers["content-length"] == str(len(push.acknowledgement))
    assert calls.handled[0].number == push.number
    assert all(isinstance(event, DeliveryReport | InboundMessage) and event.key for event in calls.handled)


def test_a_reply_is_an_inbound_message(adapter: Adapter) -> None:
    calls = Calls()
    with adapter(receiver(calls)) as base:
        REPLY.send(base)
    (reply,) = calls.handled
    assert isinstance(reply, InboundMessage)
    assert reply.text == "雙向簡訊回傳"


def test_a_handler_that_fails_makes_the_vendor_push_again_and_then_it_is_handled_once(adapter: Adapter) -> None:
    calls = Calls(errors=[RuntimeError("the database is down")])
    with adapter(receiver(calls)) as base:
        statuses = [EVERY8D.send(base).status for _ in range(4)]
    assert statuses == [500, 200, 200, 200]
    assert (len(calls.events), len(calls.handled)) == (2, 1)


def test_of_many_reports_in_a_push_only_the_one_that_failed_is_handled_again(adapter: Adapter) -> None:
    calls = Calls(errors=[RuntimeError("not this one")])
    with adapter(receiver(calls)) as base:
        answers = [TWO_REPORTS.send(base) for _ in range(2)]
    assert [answer.status for answer in answers] == [500, 200]
    assert answers[0].body == b""
    assert [event.number for event in calls.events] == ["+886900000001", "+886900000002", "+886900000001"]
    assert [event.number for event in calls.handled] == ["+886900000002", "+886900000001"]


@pytest.mark.parametrize(
    "path",
    [
        f"/every8d/{SECRET}x",
        f"/every8d/{SECRET[:-1]}",
        f"/every8d/{SECRET.upper()}",
        f"/every8d/{SECRET}/more",
        f"/more/every8d/{SECRET}",
        f"/nobody/{SECRET}",
        f"/{SECRET}/every8d",
        f"/every8d//{SECRET}",
        "/every8d/",
        "/every8d",
        "/every8d/%E7%B0%A1%FF",
    ],
)
def test_a_wrong_name_and_a_wrong_secret_look_alike(adapter: Adapter, path: str) -> None:
    calls = Calls()
    with adapter(receiver(calls)) as base:
        answer = call(f"{base}{path}?BatchID=b&RM=0900000001&STATUS=100")
    assert answer.status == 404
    assert calls.events == []


def test_a_path_that_is_percent_encoded_is_the_same_path(adapter: Adapter) -> None:
    calls = Calls()
    with adapter(receiver(calls)) as base:
        answer = call(f"{base}/every%38d/%{ord(SECRET[0]):x}{SECRET[1:]}?BatchID=b&RM=0900000001&STATUS=100")
    assert answer.status == 200
    assert len(calls.handled) == 1


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"])
def test_another_method_is_told_which_there_are(adapter: Adapter, method: str) -> None:
    calls = Calls()
    with adapter(receiver(calls)) as base:
        answer = call(f"{base}/every8d/{SECRET}?BatchID=b&RM=0900000001&STATUS=100", method)
        behind_a_wrong_secret = call(f"{base}/every8d/{SECRET}x", method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
    assert behind_a_wrong_secret.status == 404
    assert calls.events == []


@pytest.mark.parametrize("query", ["", "BatchID=b", "BatchID=b&RM=%FF%FF&STATUS=100", "STATUS=" + "9" * 2000])
def test_what_is_no_push_is_refused(adapter: Adapter, query: str) -> None:
    calls = Calls()
    with adapter(receiver(calls)) as base:
        assert call(f"{base}/every8d/{SECRET}?{query}").status == 400
    assert calls.events == []


def test_a_body_over_a_mebibyte_is_refused_and_the_answer_arrives(adapter: Adapter) -> None:
    calls = Calls()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"sms_id=1&content=0900000001|a|2013-01-01 21:08:07|DELIVRD&x="
    with adapter(receiver(calls)) as base:
        url = f"{base}/sms-get/{SECRET}"
        statuses = [
            call(url, "POST", body.ljust(size, b"x"), form).status
            for size in (BODY_LIMIT, BODY_LIMIT + 1, 2 * BODY_LIMIT)
        ]
        behind_a_wrong_secret = call(f"{url}x", "POST", body.ljust(2 * BODY_LIMIT, b"x"), form).status
    assert statuses == [200, 413, 413]
    assert behind_a_wrong_secret == 404
    assert len(calls.handled) == 1


def connected(base: str) -> socket.socket:
    parts = urlsplit(base)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE)


def chunks(size: int) -> list[bytes]:
    start = b"sms_id=1&content=0900000001|a|2013-01-01 21:08:07|DELIVRD&x="
    return [start, *[b"x" * 65536] * (size // 65536)]


@pytest.mark.parametrize("name", ["asgi", "flask", "starlette"])
def test_a_body_in_chunks_is_counted_as_it_comes(name: str) -> None:
    calls = Calls()
    form = {"Content-Type": "application/x-www-form-urlencoded", "Transfer-Encoding": "chunked"}
    with ADAPTERS[name](receiver(calls)) as base:
        url = f"{base}/sms-get/{SECRET}"
        assert call(url, "POST", chunks(0), form, chunked=True).status == 200
        assert call(url, "POST", chunks(2 * BODY_LIMIT), form, chunked=True).status == 413
    assert len(calls.handled) == 1


def test_a_server_that_cannot_read_chunks_asks_for_a_length() -> None:
    calls = Calls()
    form = "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n"
    push = f"POST /sms-get/{SECRET} HTTP/1.1\r\nHost: x\r\n{form}\r\n5\r\na=b&c\r\n0\r\n\r\n"
    with over_wsgi(receiver(calls)) as base, connected(base) as raw:
        raw.sendall(push.encode())  # at once, since the server does not wait for it
        assert raw.recv(1000).split()[1] == b"411"
    assert calls.events == []


@pytest.mark.parametrize("name", ["wsgi", "asgi"])
def test_half_a_body_is_no_push(name: str) -> None:
    """What came of it would make a report of its own."""
    calls = Calls()
    body = b"sms_id=1&content=0900000001|a|2013-01-01 21:08:07|DELIVRD"
    head = f"POST /sms-get/{SECRET} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with ADAPTERS[name](receiver(calls)) as base:
        with connected(base) as raw:
            raw.sendall(f"{head}Content-Length: {len(body) + 9}\r\n\r\n".encode() + body)
            raw.shutdown(socket.SHUT_WR)
            answer = raw.recv(1000)
        assert EVERY8D.send(base).status == 200
    assert answer == b"" or answer.split()[1] == b"400"
    assert [event.batch_id for event in calls.events] == [EVERY8D.fields["BatchID"]]


@pytest.mark.parametrize("length", ["-1", "+1", "1x", "٣", "9" * 5000])
def test_a_content_length_that_is_no_number_is_refused(length: str) -> None:
    calls = Calls()
    with over_wsgi(receiver(calls)) as base, connected(base) as raw:
        raw.sendall(f"POST /sms-get/{SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        answer = raw.recv(1000)
    assert answer.split()[1] in {b"400", b"413"}
    assert calls.events == []


def test_big5_that_nobody_encoded_reaches_the_provider() -> None:
    """Some senders put the bytes into the URL as they are."""
    calls = Calls()
    query = b"BatchID=b&RM=0900000001&STATUS=999&SM=" + "好的".encode("big5")
    with over_wsgi(receiver(calls)) as base, connected(base) as raw:
        raw.sendall(f"GET /every8d/{SECRET}?".encode() + query + b" HTTP/1.0\r\n\r\n")
        assert raw.recv(1000).split()[1] == b"200"
    (reply,) = calls.handled
    assert isinstance(reply, InboundMessage)
    assert reply.text == "好的"


@pytest.mark.parametrize("root_path", ["", "/hooks", "/every8d"])
def test_an_asgi_server_may_have_a_root_path(root_path: str) -> None:
    calls = Calls()
    with uvicorn_of(receiver(calls).asgi, root_path=root_path) as base:
        assert EVERY8D.send(base).status == 200


def test_an_asgi_app_is_mounted_as_it_is() -> None:
    calls = Calls()
    app = Starlette()
    app.mount("/a/b", receiver(calls).asgi)
    with uvicorn_of(app) as base:
        assert EVERY8D.send(f"{base}/a/b").status == 200
        assert EVERY8D.send(base).status == 404
    assert len(calls.handled) == 1


def test_a_blueprint_may_be_registered_under_another_name() -> None:
    calls = Calls()
    with over_flask(receiver(calls)) as base:
        assert call(base.removesuffix("/hooks/sms")).status == 404
        assert SMSGO.send(base).body == SMSGO.acknowledgement
