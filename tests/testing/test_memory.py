from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

import sms_core
from sms_core import DeliveryStatus, Media, Message, NotSent, Outcome, Recipient
from sms_core.clocks import BeginBefore
from sms_core.testing import Exchange, memory_exchange


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex}"


@pytest.fixture
def exchange(name: str) -> Exchange:
    return memory_exchange(name)


@pytest.fixture
def sms(name: str) -> Iterator[sms_core.Client]:
    with sms_core.connect(f"memory://{name}") as client:
        yield client


def test_the_example_of_the_documentation() -> None:
    memory_exchange().reset()
    with sms_core.connect("memory://") as sms:
        sms.send("您的驗證碼是 123456", to="0900000001")
    assert [sent.text for sent in memory_exchange().accepted] == ["您的驗證碼是 123456"]


def test_clients_of_one_name_share_an_exchange_and_others_do_not(sms: sms_core.Client, name: str) -> None:
    with sms_core.connect(f"memory://{name.upper()}") as twin, sms_core.connect(f"memory://{name}x") as other:
        result = sms.send("hello", to="0900000001")
        assert len(list(twin.reports(result))) == 1
        with pytest.raises(sms_core.NotFound):
            list(other.reports(result))


def test_send_report_reply(sms: sms_core.Client) -> None:
    message = Message("hello", [Recipient("0900000001", reference="a"), Recipient("0900000908", reference="b")])
    result = sms.send(message)
    assert (result.accepted, result.unsent, result.cost) == (2, 0, Decimal(2))
    assert [(row.outcome, row.batch_id, row.reference) for row in result.outcomes] == [
        (Outcome.ACCEPTED, result.batch_id, "a"),
        (Outcome.ACCEPTED, result.batch_id, "b"),
    ]
    reports = list(sms.reports(result))
    assert [(report.number, report.reference, report.status) for report in reports] == [
        ("+886900000001", "a", DeliveryStatus.DELIVERED),
        ("+886900000908", "b", DeliveryStatus.DELIVERED),
    ]
    (reply,) = sms.inbound(result)
    assert (reply.number, reply.text, reply.batch_id) == ("+886900000908", "好的，收到了。", result.batch_id)
    assert len({*(report.key for report in reports), reply.key}) == 3


def test_reports_keep_their_key_and_change_it_with_the_status(sms: sms_core.Client, exchange: Exchange) -> None:
    result = sms.send("hello", to="0900000907")
    (early,), (again,) = sms.reports(result), sms.reports(result)
    exchange.clock.advance(5)
    (late,) = sms.reports(result)
    assert (early.status, late.status) == (DeliveryStatus.SENT, DeliveryStatus.DELIVERED)
    assert early.key == again.key != late.key


def test_personal_texts(sms: sms_core.Client, exchange: Exchange) -> None:
    to = [Recipient("0900000001", params={"name": "小明"}), Recipient("0900000002", text="just you")]
    sms.send(Message("hello {name}", to))
    assert [sent.text for sent in exchange.accepted] == ["hello 小明", "just you"]


def test_a_refused_number_among_others(sms: sms_core.Client, exchange: Exchange) -> None:
    with pytest.raises(sms_core.PartiallySent) as caught:
        sms.send("hello", to=["0900000001", "0900000909"])
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert len(exchange.accepted) == 1


def test_a_refused_number_alone(sms: sms_core.Client, exchange: Exchange) -> None:
    with pytest.raises(sms_core.RecipientRefused) as caught:
        sms.send("hello", to="0900000909")
    assert isinstance(caught.value, sms_core.SendError)
    assert caught.value.result.batches == ()
    assert exchange.accepted == ()


def test_the_points_run_out(name: str) -> None:
    with sms_core.connect(f"memory://{name}?credit=1") as sms:
        assert sms.balance().credit == 1
        with pytest.raises(sms_core.PartiallySent) as caught:
            sms.send("hello", to=["0900000001", "0900000002"])
        assert (caught.value.result.accepted, caught.value.result.unsent) == (1, 1)
        with pytest.raises(sms_core.InsufficientCredit):
            sms.send("hello", to="0900000003")


def test_each_credit_is_an_account_of_its_own(name: str) -> None:
    with sms_core.connect(f"memory://{name}?credit=5") as few, sms_core.connect(f"memory://{name}") as many:
        few.send("hello", to="0900000001")
        assert few.balance().credit == 4
        assert many.balance().credit > 1000


@pytest.mark.parametrize("credit", ["many", "-1", ""])
def test_a_credit_that_is_no_number(credit: str) -> None:
    with pytest.raises(sms_core.ConfigurationError, match="credit"):
        sms_core.connect(f"memory://?credit={credit}")


@pytest.mark.parametrize(
    ("text", "number", "points"),
    [
        ("字" * 70, "0900000001", 1),
        ("字" * 71, "0900000001", 2),
        ("字" * 333, "0900000001", 5),
        ("字" * 334, "0900000001", 6),
        ("字" * 70, "+12025550100", 3),
    ],
)
def test_the_price_is_the_one_of_the_preview(sms: sms_core.Client, text: str, number: str, points: int) -> None:
    assert sms.preview(Message(text, number)).points == points
    assert sms.send(text, to=number).cost == points


def test_a_picture(sms: sms_core.Client, exchange: Exchange) -> None:
    result = sms.send("look", to="0900000001", media=Media(b"any bytes", "png"), subject="Sea")
    assert result.cost == Decimal(3)
    (stored,) = exchange.messages
    assert (stored.kind, stored.media, stored.subject) == ("MMS", b"any bytes", "Sea")


def test_a_booking_and_its_end(sms: sms_core.Client, exchange: Exchange) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    kept, dropped = (sms.send(text, to="0900000001", send_at=tomorrow) for text in ("kept", "dropped"))
    cancelled = sms.cancel(dropped.batch_id or "")
    assert (cancelled.count, cancelled.refunded) == (1, Decimal(1))
    assert [report.status for report in sms.reports(kept)] == [DeliveryStatus.SCHEDULED]
    exchange.clock.advance(days=1)
    assert [report.status for report in sms.reports(kept)] == [DeliveryStatus.DELIVERED]
    assert [report.status for report in sms.reports(dropped)] == [DeliveryStatus.CANCELLED]
    for batch in (kept.batch_id, dropped.batch_id, "unheard-of"):
        with pytest.raises(sms_core.NotFound):
            sms.cancel(batch or "")


def test_a_client_in_the_time_of_the_exchange(name: str, exchange: Exchange) -> None:
    exchange.clock.advance(days=400)
    with sms_core.connect(f"memory://{name}", clock=exchange.clock.now) as sms, pytest.raises(sms_core.InvalidMessage):
        sms.send("hello", to="0900000001", send_at=datetime.now(UTC) + timedelta(days=399))


def test_pages(name: str) -> None:
    with sms_core.connect(f"memory://{name}") as sms:
        result = sms.send("hello", to=[f"09{number // 800:05}{number % 800:03}" for number in range(1000)])
        assert len(result.batches) == 1
        assert len({report.number for report in sms.reports(result)}) == 1000


def test_an_unknown_outcome_can_be_settled(sms: sms_core.Client) -> None:
    result = sms.send("hello", to="0900000001")
    (row,) = result.outcomes
    lost = sms_core.SendResult(
        (sms_core.RecipientOutcome(row.number, Outcome.UNKNOWN, None, row.reference),),
        message=result.message,
        sent_at=result.sent_at,
    )
    assert sms.settle(lost).outcomes[0].batch_id == result.batch_id


class TestPasswords:
    def test_any_will_do_for_a_user_whom_nobody_knows(self, name: str) -> None:
        with sms_core.connect(f"memory://me:anything@{name}") as sms:
            sms.check()

    def test_a_known_user_has_one(self, name: str, exchange: Exchange) -> None:
        exchange.add_account("me", "secret", 3)
        with sms_core.connect(f"memory://me:secret@{name}") as sms:
            assert sms.balance().credit == 3
        with sms_core.connect(f"memory://me:guess@{name}") as sms:
            with pytest.raises(sms_core.AuthenticationFailed):
                sms.check()
            with pytest.raises(sms_core.AuthenticationFailed) as caught:
                sms.send("hello", to="0900000001")
        assert isinstance(caught.value, sms_core.SendError)
        assert exchange.login_count == 2, "a refused password is not tried again"
        assert exchange.accepted == ()

    def test_refused_at_the_send(self, name: str, exchange: Exchange) -> None:
        exchange.add_account("me", "secret")
        with sms_core.connect(f"memory://me:guess@{name}") as sms, pytest.raises(sms_core.SendError) as caught:
            sms.send("hello", to="0900000001")
        assert isinstance(caught.value, sms_core.AuthenticationFailed)
        assert "guess" not in f"{caught.value!r}"


def test_it_pushes_nothing(sms: sms_core.Client) -> None:
    with pytest.raises(sms_core.Unsupported):
        sms.parse_callback(sms_core.CallbackRequest("GET", "/"))
    assert {"pushed reports", "pushed inbound messages"}.isdisjoint(
        capability.value for capability in sms.info.capabilities
    )


def test_what_comes_too_late_is_not_sent(sms: sms_core.Client, exchange: Exchange) -> None:
    plan = sms.plan(Message("hi", to="0900000001"))
    with pytest.raises(NotSent, match="too late to begin"):
        sms.send(plan.begin_before(BeginBefore.within(0)))
    assert not exchange.accepted
    sms.send(plan.begin_before(BeginBefore.within(60)))
    assert len(exchange.accepted) == 1
