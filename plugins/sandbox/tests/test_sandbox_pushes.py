"""Pushes to a receiver on a real socket: retries, order, and an end to them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from sms_core.http import Request
from sms_core.testing import Draft, Exchange, Push, Reply
from sms_core_sandbox import Face, Sandbox


def test_nothing_is_pushed_without_a_url(wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
    wire("SendSMS.ashx", MSG="x", DEST="0900000001")
    receiver = receive()
    box.callback_url = receiver.url
    assert box.wait_pushed()
    assert (receiver.queries, box.pushes) == ([], ())


def test_until_the_receiver_says_200(wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
    answers = itertools.chain([500, 404, 302, 201], itertools.repeat(200))
    receiver = receive(lambda _: next(answers))
    box.callback_url = receiver.url
    wire("SendSMS.ashx", MSG="x", DEST="0900000001")
    assert box.wait_pushed()
    assert [(attempt.attempt, attempt.taken, attempt.status) for attempt in box.pushes] == [
        (1, False, 500),
        (2, False, 404),
        (3, False, 302),
        (4, False, 201),
        (5, True, 200),
    ]
    assert len({str(query) for query in receiver.queries}) == 1


def test_ten_times_more_and_then_no_more(wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
    receiver = receive(lambda _: 500)
    box.callback_url = receiver.url
    wire("SendSMS.ashx", MSG="x", DEST="0900000001")
    assert box.wait_pushed()
    assert len(receiver.queries) == 11


def test_a_receiver_that_is_not_there(wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
    receiver = receive()
    receiver.stop()
    box.callback_url = receiver.url
    wire("SendSMS.ashx", MSG="x", DEST="0900000001")
    assert box.wait_pushed()
    assert [(attempt.taken, attempt.status) for attempt in box.pushes] == [(False, None)] * 11


def test_order_within_a_number_whatever_fails(wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
    count = itertools.count()
    receiver = receive(lambda _: 200 if next(count) % 3 == 2 else 503)
    box.callback_url = receiver.url
    wire("SendSMS.ashx", MSG="x", DEST="0900000001,0900000002")
    for number in range(3):
        for ending in (1, 2):
            box.exchange.reply(f"+88690000000{ending}", f"{number}")
    assert box.wait_pushed()
    for ending in (1, 2):
        taken = [
            query["SM"]
            for query, attempt in zip(receiver.queries, box.pushes, strict=True)
            if attempt.taken and query["RM"] == f"+88690000000{ending}"
        ]
        assert taken == ["", "0", "1", "2"]


def test_one_number_does_not_wait_for_another(wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
    receiver = receive(lambda query: 500 if query["RM"].endswith("1") else 200)
    box.callback_url = receiver.url
    wire("SendSMS.ashx", MSG="x", DEST="0900000001,0900000002")
    assert box.wait_pushed()
    order = [query["RM"][-1] for query in receiver.queries]
    assert order.index("2") < order.index("1", order.index("1") + 1)


def test_a_slow_report_is_pushed_when_the_clock_says_so(wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
    receiver = receive()
    box.callback_url = receiver.url
    wire("SendSMS.ashx", MSG="x", DEST="0900000907")
    assert box.wait_pushed()
    assert receiver.queries == []
    box.clock.advance(10)
    assert box.wait_pushed()
    assert [query["STATUS"] for query in receiver.queries] == ["100"]


def test_what_comes_due_in_real_time_is_pushed(receive: Callable[..., Any]) -> None:
    from datetime import timedelta  # noqa: PLC0415 - here alone

    arrived = threading.Event()

    def status(_: dict[str, str]) -> int:
        arrived.set()
        return 200

    slow = timedelta(milliseconds=50)
    with Sandbox(faces=["every8d"], callback_url=receive(status).url, slow=slow, push_delay=0.0) as box:
        box.exchange.submit("sandbox", [Draft("+886900000907", "x")], face="every8d")
        assert arrived.wait(5)


def test_stopping_waits_for_no_retry(receive: Callable[..., Any]) -> None:
    receiver = receive(lambda _: 500)
    with Sandbox(faces=["every8d"], callback_url=receiver.url, push_delay=0.0, push_interval=3600.0) as box:
        box.exchange.submit("sandbox", [Draft("+886900000001", "x")], face="every8d")
        assert not box.wait_pushed(timeout=0.2)
    assert len(receiver.queries) <= 1


def test_reset_forgets_what_is_left(wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
    box.callback_url = receive(lambda _: 500).url
    wire("SendSMS.ashx", MSG="x", DEST="0900000001")
    box.reset()
    assert box.wait_pushed()
    assert box.pushes == ()


@pytest.mark.parametrize("retries", [0, 2])
def test_a_face_decides_form_retries_and_acknowledgement(receive: Callable[..., Any], retries: int) -> None:
    def push(pushed: Push, url: str) -> Request:
        del pushed
        return Request("GET", f"{url}?hello=1")

    def factory(exchange: Exchange) -> Face:
        del exchange
        app = PlainTextResponse("a vendor")
        return Face(app, push=push, retries=retries, acknowledged=lambda response: response.body == b"taken")

    receiver = receive()
    with Sandbox(faces={"mine": factory}, callback_url=receiver.url, push_delay=0.0, push_interval=0.01) as box:
        box.exchange.submit("sandbox", [Draft("+886900000001", "x")], face="mine")
        assert box.wait_pushed()
        assert receiver.queries == [{"hello": "1"}] * (retries + 1)


def test_what_a_vendor_does_not_push_holds_nothing_up(receive: Callable[..., Any]) -> None:
    def push(pushed: Push, url: str) -> Request | None:
        return None if isinstance(pushed, Reply) else Request("GET", f"{url}?text={pushed.text}")

    def factory(exchange: Exchange) -> Face:
        del exchange
        return Face(PlainTextResponse(""), push=push)

    receiver = receive()
    with Sandbox(faces={"mine": factory}, callback_url=receiver.url, push_delay=0.0) as box:
        for text in ("one", "two"):  # the number's owner answers each
            box.exchange.submit("sandbox", [Draft("+886900000908", text)], face="mine")
        assert box.wait_pushed()
        assert receiver.queries == [{"text": "one"}, {"text": "two"}]
        assert [attempt.taken for attempt in box.pushes] == [True, True]


def test_a_face_that_fails_does_not_end_the_pushing(
    receive: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    def push(pushed: Push, url: str) -> Request:
        if pushed.number.endswith("1"):  # type: ignore[union-attr]
            raise RuntimeError("a bug")
        return Request("GET", url)

    def factory(exchange: Exchange) -> Face:
        del exchange
        return Face(PlainTextResponse(""), push=push, retries=0)

    receiver = receive()
    with Sandbox(faces={"mine": factory}, callback_url=receiver.url, push_delay=0.0) as box:
        box.exchange.submit("sandbox", [Draft(f"+88690000000{ending}", "x") for ending in (1, 2)], face="mine")
        assert box.wait_pushed()
        assert [attempt.taken for attempt in box.pushes] == [False, True]
    assert "the face 'mine' failed to push" in caplog.text


def test_no_repr_shows_a_number(wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
    box.callback_url = receive().url
    wire("SendSMS.ashx", MSG="x", DEST="0900000001")
    assert box.wait_pushed()
    assert "900000001" not in repr(box.pushes)
