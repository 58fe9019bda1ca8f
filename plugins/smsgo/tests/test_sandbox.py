"""The provider and the face against each other: two readings of one document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import sms_core
from sms_core import (
    AuthenticationFailed,
    Client,
    DeliveryStatus,
    InsufficientCredit,
    Message,
    RecipientRefused,
    VendorError,
)
from sms_core.http import Response
from sms_core.testing import check_promise
from sms_core_sandbox import Sandbox
from sms_core_smsgo import SendOptions
from sms_core_smsgo.sandbox import acknowledged
from sms_core_smsgo.sandbox.pushes import push

Status = DeliveryStatus
WAYS = [(method, rtype) for method in ("GET", "POST") for rtype in ("text", "json", "xml")]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["smsgo"]) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fresh(box: Sandbox) -> None:
    box.reset()


def client(box: Sandbox, **options: Any) -> Client:
    return sms_core.connect(box.dsn("smsgo", **options))


@pytest.mark.parametrize(("method", "rtype"), WAYS)
def test_every_operation_in_every_way(box: Sandbox, method: str, rtype: str) -> None:
    with client(box, method=method, rtype=rtype) as sms:
        sms.check()
        before = sms.balance().credit
        result = sms.send("您好 50% + & = 1", ["0900000001", "+12025550903"])
        assert sms.balance().credit == before - (result.cost or 0) == before - 2
        assert [(report.number, report.status) for report in sms.reports(result)] == [
            ("+886900000001", Status.DELIVERED),
            ("+12025550903", Status.UNDELIVERABLE),
        ]
        (report,) = sms.reports(sms.send("a", "+12025550904"))
        assert (report.number, report.status) == ("+12025550904", Status.BLOCKED)
        booked = sms.send("later", "0900000001", send_at=datetime.now(UTC) + timedelta(days=1))
        assert [report.status for report in sms.reports(booked)] == [Status.UNKNOWN]
        assert sms.cancel(booked.batches[0]).count == 1
        assert [report.status for report in sms.reports(booked)] == [Status.CANCELLED]
        with pytest.raises(VendorError):
            sms.cancel(booked.batches[0])
    assert box.exchange.accepted[0].text == "您好 50% + & = 1"


TEXTS = ["a" * 160, "a" * 330, "字" * 70, "字" * 330, "é" * 70, "é" * 330, "😀" * 35, "€" * 80, "`" * 71, "碁裏" * 35]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_no_text_is_cut_or_changed(box: Sandbox, text: str) -> None:
    """The face cuts as the vendor does, and has question marks for what an encoding lacks."""
    with client(box) as sms:
        check_promise(box.exchange, sms.send(text, "0900000001"))
    assert [sent.text for sent in box.exchange.accepted] == [text]


def test_long_texts_abroad(box: Sandbox) -> None:
    text = "[字😀]" * 50
    with client(box) as sms:
        result = sms.send(Message(text, "+12025550100", options=SendOptions(long_abroad="split")))
    assert "".join(sent.text.partition(" ")[2] for sent in box.exchange.accepted) == text
    assert len(set(result.batches)) == len(box.exchange.accepted)


@pytest.mark.parametrize("wishes", [{"popup": True}, {"push_url": "http://example.org/"}, {"reply_url": "http://a/"}])
def test_wishes(box: Sandbox, wishes: dict[str, Any]) -> None:
    with client(box) as sms:
        assert sms.send(Message("您好", "0900000001", options=SendOptions(**wishes))).accepted == 1


def test_refusals(box: Sandbox) -> None:
    with client(box) as sms:
        with pytest.raises(RecipientRefused, match="-5"):
            sms.send("a", "0900000909")
        box.exchange.set_credit("sandbox", 1)
        with pytest.raises(InsufficientCredit, match="-8"):
            sms.send("a", ["0900000001", "0900000002"])
    with pytest.raises(AuthenticationFailed, match="-2"):
        client(box, password="wrong").send("a", "0900000001")
    assert box.exchange.accepted == ()


def test_wrong_credentials_are_not_tried_again(box: Sandbox) -> None:
    sms = client(box, password="wrong")
    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            sms.balance()
    assert box.exchange.login_count == 1


def test_pushes_are_understood_and_acknowledged() -> None:
    with Sandbox(faces=["smsgo"]) as box, client(box) as sms:
        heard: list[Any] = []

        def listener(event: Any) -> None:
            request = push(event, "http://127.0.0.1/response.php")
            callback = sms.parse_callback(sms_core.CallbackRequest("GET", "/", request.url.partition("?")[2]))
            answer = callback.response
            assert acknowledged(Response(answer.status, answer.headers, answer.body))
            assert not acknowledged(Response(200, answer.headers, b"OK"))
            heard.extend(callback.events)

        box.exchange.subscribe(listener)
        result = sms.send("a", ["0900000908", "+12025550901"])
        assert [type(event).__name__ for event in heard] == ["DeliveryReport", "InboundMessage", "DeliveryReport"]
        assert [event.number for event in heard] == ["+886900000908", "+886900000908", "+12025550901"]
        assert {event.batch_id for event in heard} == set(result.batches)
        assert heard[1].text == "好的，收到了。"
        assert heard[1].received_at is not None
        assert heard[2].status is Status.EXPIRED
        assert {event.key for event in heard if event is not heard[1]} == {report.key for report in sms.reports(result)}
