from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import DeliveryStatus
from sms_core.testing import (
    Allowance,
    Clock,
    Draft,
    Exchange,
    LoginRefused,
    NoSuchBatch,
    NotBooked,
    Push,
    Reply,
    StoredMessage,
    behaviour_ending,
    credit_for,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def exchange() -> Exchange:
    made = Exchange(Clock(NOON))
    made.add_account("shop", "secret", 10)
    return made


def drafts(*endings: int, text: str = "hello", **details: object) -> list[Draft]:
    return [Draft(f"+886900000{ending:03}", text, **details) for ending in endings]  # type: ignore[arg-type]


class TestClock:
    def test_it_stands_where_it_is_put_and_moves_when_told(self) -> None:
        clock = Clock(NOON)
        assert clock.now() == clock.now() == NOON
        assert clock.advance(1.5, minutes=1, hours=2, days=3) == NOON + timedelta(
            days=3, hours=2, minutes=1, seconds=1.5
        )

    def test_it_is_the_real_time_unless_moved(self) -> None:
        clock = Clock()
        before = datetime.now(UTC)
        assert before <= clock.now() <= datetime.now(UTC)
        clock.advance(hours=1)
        assert clock.now() >= before + timedelta(hours=1)

    def test_it_never_goes_back(self) -> None:
        with pytest.raises(ValueError, match="does not go back"):
            Clock().advance(-1)

    def test_it_wants_an_aware_time(self) -> None:
        with pytest.raises(ValueError, match="aware"):
            Clock(datetime(2026, 1, 2))  # noqa: DTZ001 - what is refused


class TestLogin:
    def test_right(self, exchange: Exchange) -> None:
        assert exchange.login("shop", "secret").credit == 10
        assert exchange.login_count == 1

    def test_unknown_user_and_wrong_password(self, exchange: Exchange) -> None:
        with pytest.raises(LoginRefused) as unknown:
            exchange.login("nobody", "secret")
        with pytest.raises(LoginRefused) as wrong:
            exchange.login("shop", "guess")
        assert (unknown.value.reason, wrong.value.reason) == ("user", "password")

    def test_ten_wrong_passwords_block_the_account(self, exchange: Exchange) -> None:
        for _ in range(10):
            with pytest.raises(LoginRefused):
                exchange.login("shop", "guess")
        with pytest.raises(LoginRefused) as blocked:
            exchange.login("shop", "secret")
        assert blocked.value.reason == "blocked"
        assert exchange.account("shop").blocked

    def test_a_right_one_starts_the_count_over(self, exchange: Exchange) -> None:
        for _ in range(9):
            with pytest.raises(LoginRefused):
                exchange.login("shop", "guess")
        exchange.login("shop", "secret")
        assert exchange.account("shop").failed_logins == 0

    def test_sessions_live_for_a_day(self, exchange: Exchange) -> None:
        token = exchange.open_session("shop")
        assert (len(token), exchange.session_user(token)) == (32, "shop")
        exchange.clock.advance(hours=23)
        assert exchange.session_user(token) == "shop"
        exchange.clock.advance(hours=1)
        assert exchange.session_user(token) is None

    def test_sessions_can_be_closed_and_expired(self, exchange: Exchange) -> None:
        first, second = exchange.open_session("shop"), exchange.open_session("shop")
        assert exchange.close_session(first)
        assert not exchange.close_session(first)
        exchange.expire_sessions()
        assert exchange.session_user(second) is None
        assert exchange.session_user("") is None


class TestSubmit:
    def test_what_was_accepted_is_kept_in_order(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", [Draft("+886900000001", "a", reference="r1"), Draft("+886900000002", "b")])
        assert (batch.sent, batch.unsent, batch.cost, batch.credit) == (2, 0, Decimal(2), Decimal(8))
        assert [(sent.number, sent.text, sent.reference) for sent in exchange.accepted] == [
            ("+886900000001", "a", "r1"),
            ("+886900000002", "b", ""),
        ]
        assert {sent.batch_id for sent in exchange.accepted} == {batch.batch_id}
        assert exchange.account("shop").credit == 8

    def test_delivered_at_once(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", drafts(1))
        (message,) = exchange.batch("shop", batch.batch_id)
        assert (message.status, message.sent_at, message.done_at) == (DeliveryStatus.DELIVERED, NOON, NOON)

    def test_silent_stays_sent(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", drafts(900))
        exchange.clock.advance(days=9)
        assert exchange.batch("shop", batch.batch_id)[0].status is DeliveryStatus.SENT

    def test_slow_comes_late(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", drafts(907))
        assert exchange.batch("shop", batch.batch_id)[0].status is DeliveryStatus.SENT
        assert exchange.next_due() == NOON + exchange.slow
        exchange.clock.advance(5)
        done = exchange.batch("shop", batch.batch_id)[0]
        assert (done.status, done.done_at) == (DeliveryStatus.DELIVERED, NOON + exchange.slow)
        assert exchange.next_due() is None

    def test_the_points_run_out_in_the_middle(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", drafts(*range(12)))
        assert (batch.sent, batch.unsent, batch.credit) == (10, 2, Decimal())
        statuses = [message.status for message in exchange.batch("shop", batch.batch_id)]
        assert statuses[10:] == [DeliveryStatus.NO_CREDIT] * 2
        assert len(exchange.accepted) == 10

    def test_an_allowance_ends_the_points_for_its_block_alone(self, exchange: Exchange) -> None:
        with credit_for(Allowance(2)):
            batch = exchange.submit("shop", drafts(1, 2, 3))
        assert (batch.sent, batch.unsent, batch.credit) == (2, 1, Decimal())
        assert exchange.submit("shop", drafts(4)).credit == 7

    def test_a_behaviour_can_be_given(self, exchange: Exchange) -> None:
        refused = exchange.submit("shop", drafts(903)).messages[0].behaviour
        assert exchange.submit("shop", drafts(1, behaviour=refused)).messages[0].status is DeliveryStatus.UNDELIVERABLE

    @given(costs=st.lists(st.integers(1, 5), max_size=12), credit=st.integers(0, 20))
    def test_points_are_neither_made_nor_lost(self, costs: list[int], credit: int) -> None:
        exchange = Exchange(Clock(NOON))
        exchange.add_account("shop", "secret", credit)
        batch = exchange.submit("shop", [Draft("+886900000001", "x", Decimal(cost)) for cost in costs])
        assert batch.credit + batch.cost == credit
        assert batch.credit >= 0
        assert batch.sent + batch.unsent == len(costs)
        assert len(exchange.accepted) == batch.sent

    def test_many_threads(self, exchange: Exchange) -> None:
        exchange.set_credit("shop", 1000)

        def send(ending: int) -> None:
            for _ in range(20):
                exchange.submit("shop", drafts(ending))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(exchange.accepted) == 160
        assert exchange.account("shop").credit == 840

    def test_all_or_none_is_asked_beforehand(self, exchange: Exchange) -> None:
        ten = [Draft(f"+8869000000{last:02}", "a") for last in range(10)]
        assert exchange.can_pay("shop", ten)
        assert not exchange.can_pay("shop", [*ten, Draft("+886900000001", "b")])
        with credit_for(Allowance(9)):
            assert exchange.can_pay("shop", ten[:9])
            assert not exchange.can_pay("shop", ten)
        assert exchange.accepted == ()


class TestVendors:
    def test_each_sees_its_own(self) -> None:
        exchange = Exchange(Clock(NOON))
        first, second = exchange.of("first"), exchange.of("second")
        for vendor in (first, second):
            vendor.add_account("shop", "secret", 5)
        batch = first.submit("shop", drafts(1))
        assert (first.account("shop").credit, second.account("shop").credit) == (4, 5)
        assert (len(first.messages), len(second.messages), len(exchange.messages)) == (1, 0, 1)
        assert [sent.vendor for sent in exchange.accepted] == ["first"]
        with pytest.raises(NoSuchBatch):
            second.batch("shop", batch.batch_id)
        assert first.session_user(first.open_session("shop")) == "shop"
        assert second.session_user(first.open_session("shop")) is None
        assert exchange.has_batch(batch.batch_id)

    def test_settings_are_the_exchange_s(self) -> None:
        exchange = Exchange()
        view = exchange.of("vendor")
        exchange.filter_sees_all = True
        assert view.filter_sees_all

    def test_an_api_key_logs_in_to_its_account_alone(self) -> None:
        exchange = Exchange()
        exchange.add_account("shop", "secret", keys={"SK1": "other"})
        exchange.add_account("else", "secret")
        assert exchange.login("shop", "other", key="SK1").user == "shop"
        for user, password, key in (("shop", "secret", "SK1"), ("else", "other", "SK1"), ("shop", "other", "")):
            with pytest.raises(LoginRefused):
                exchange.login(user, password, key)
        assert "other" not in repr(exchange.accounts)


class TestFilter:
    def test_a_filtered_text_is_held_back_for_a_day(self, exchange: Exchange) -> None:
        first = exchange.submit("shop", drafts(1), filtered=True)
        second = exchange.submit("shop", drafts(1, 2), filtered=True)
        assert [(draft.number, earlier) for draft, earlier in second.duplicates] == [("+886900000001", first.batch_id)]
        assert [message.number for message in second.messages] == ["+886900000002"]
        exchange.clock.advance(hours=24)
        assert exchange.submit("shop", drafts(1), filtered=True).sent == 1

    def test_nothing_left_makes_no_batch(self, exchange: Exchange) -> None:
        exchange.submit("shop", drafts(1), filtered=True)
        nothing = exchange.submit("shop", drafts(1), filtered=True)
        assert (nothing.batch_id, nothing.messages, nothing.sent) == ("", (), 0)

    @pytest.mark.parametrize("sees_all", [False, True])
    def test_plain_sends_are_seen_only_where_the_filter_sees_all(self, sees_all: bool) -> None:
        exchange = Exchange(filter_sees_all=sees_all)
        exchange.add_account("shop", "secret")
        plain = exchange.submit("shop", drafts(1))
        expected = {"+886900000001": plain.batch_id} if sees_all else {}
        assert exchange.find_duplicates("shop", "hello", ["+886900000001", "+886900000002"]) == expected
        assert exchange.submit("shop", drafts(1), filtered=True).sent == (0 if sees_all else 1)

    def test_another_text_number_or_account_is_none(self, exchange: Exchange) -> None:
        exchange.add_account("other", "secret")
        exchange.submit("shop", drafts(1), filtered=True)
        assert exchange.submit("shop", drafts(1, text="else"), filtered=True).sent == 1
        assert exchange.submit("other", drafts(1), filtered=True).sent == 1

    def test_what_could_not_be_paid_was_not_sent(self, exchange: Exchange) -> None:
        exchange.set_credit("shop", 0)
        exchange.submit("shop", drafts(1), filtered=True)
        assert exchange.find_duplicates("shop", "hello", ["+886900000001"]) == {}

    def test_the_exchange_itself_knows_every_send(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", drafts(1))
        assert exchange.find_accepted("shop", "hello", ["+886900000001"]) == {"+886900000001": batch.batch_id}


class TestBookings:
    def test_a_booking_waits_for_its_time(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", drafts(1, send_at=NOON + timedelta(hours=1)))
        assert exchange.batch("shop", batch.batch_id)[0].status is DeliveryStatus.SCHEDULED
        exchange.clock.advance(hours=1)
        assert exchange.batch("shop", batch.batch_id)[0].sent_at == NOON + timedelta(hours=1)

    def test_a_time_in_the_past_is_now(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", drafts(1, send_at=NOON - timedelta(hours=1)))
        assert batch.messages[0].sent_at == NOON

    def test_cancelling_gives_the_points_back(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", drafts(1, 2, send_at=NOON + timedelta(hours=1), cost=Decimal(3)))
        cancelled = exchange.cancel("shop", batch.batch_id)
        assert (cancelled.count, cancelled.refunded) == (2, Decimal(6))
        assert exchange.account("shop").credit == 10
        exchange.clock.advance(hours=2)
        assert {message.status for message in exchange.messages} == {DeliveryStatus.CANCELLED}

    def test_only_what_waits_is_cancelled(self, exchange: Exchange) -> None:
        batch = exchange.submit("shop", [*drafts(1), *drafts(2, send_at=NOON + timedelta(hours=1))])
        assert exchange.cancel("shop", batch.batch_id).count == 1
        with pytest.raises(NotBooked):
            exchange.cancel("shop", batch.batch_id)

    def test_batches_are_an_accounts_own(self, exchange: Exchange) -> None:
        exchange.add_account("other", "secret")
        batch = exchange.submit("shop", drafts(1))
        for question in (exchange.batch, exchange.cancel, exchange.replies_to):
            with pytest.raises(NoSuchBatch):
                question("other", batch.batch_id)
            with pytest.raises(NoSuchBatch):
                question("shop", "")


class TestEvents:
    def test_reports_and_replies_are_told_in_order(self, exchange: Exchange) -> None:
        told: list[Push] = []
        exchange.subscribe(told.append)
        batch = exchange.submit("shop", drafts(1, 900, 907, 908))
        assert [(type(push), (push.message if isinstance(push, Reply) else push).position) for push in told] == [
            (StoredMessage, 1),
            (StoredMessage, 4),
            (Reply, 4),
        ]
        exchange.clock.advance(5)
        assert len(told) == 4
        (reply,) = exchange.replies_to("shop", batch.batch_id)
        assert reply.text == "好的，收到了。"

    def test_the_steps_before_are_told_to_whoever_asks_for_them(self, exchange: Exchange) -> None:
        told: list[Push] = []
        exchange.subscribe(told.append, steps=True)
        exchange.submit("shop", drafts(903))
        booked = exchange.submit("shop", drafts(1, send_at=NOON + timedelta(hours=1)))
        exchange.cancel("shop", booked.batch_id)
        assert [push.status for push in told if isinstance(push, StoredMessage)] == [
            DeliveryStatus.ACCEPTED,
            DeliveryStatus.SENT,
            DeliveryStatus.UNDELIVERABLE,
            DeliveryStatus.CANCELLED,
        ]

    def test_a_test_can_write_back(self, exchange: Exchange) -> None:
        first = exchange.submit("shop", drafts(1))
        second = exchange.submit("shop", drafts(1))
        assert exchange.reply("+886900000001", "which?").message.batch_id == second.batch_id
        assert exchange.reply("+886900000001", "that", first.batch_id).message.batch_id == first.batch_id
        assert [reply.text for reply in exchange.replies] == ["which?", "that"]

    def test_nobody_answers_what_was_not_sent(self, exchange: Exchange) -> None:
        exchange.submit("shop", drafts(1, send_at=NOON + timedelta(hours=1)))
        with pytest.raises(LookupError) as error:
            exchange.reply("+886900000001", "what?")
        assert "900000001" not in str(error.value)


class TestWaiting:
    def test_for_what_another_thread_does(self, exchange: Exchange) -> None:
        thread = threading.Thread(target=lambda: exchange.submit("shop", drafts(1)))
        thread.start()
        assert exchange.wait_for(lambda: len(exchange.accepted) == 1)
        thread.join()

    def test_for_what_comes_due_in_real_time(self) -> None:
        exchange = Exchange(slow=timedelta(milliseconds=30))
        exchange.add_account("shop", "secret")
        exchange.submit("shop", drafts(907))
        assert exchange.wait_for(lambda: exchange.messages[0].status is DeliveryStatus.DELIVERED)

    def test_not_for_ever(self, exchange: Exchange) -> None:
        assert not exchange.wait_for(lambda: False, timeout=0.02)

    def test_a_condition_from_outside_needs_a_wake(self, exchange: Exchange) -> None:
        done = threading.Event()

        def finish() -> None:
            done.set()
            exchange.wake()

        threading.Timer(0.01, finish).start()
        assert exchange.wait_for(done.is_set)


def test_reset_forgets_messages_and_keeps_accounts(exchange: Exchange) -> None:
    token = exchange.open_session("shop")
    exchange.submit("shop", drafts(907, 908))
    exchange.reset()
    assert (exchange.messages, exchange.accepted, exchange.replies) == ((), (), ())
    assert exchange.account("shop").credit == 10
    assert (exchange.session_user(token), exchange.login_count) == (None, 0)
    exchange.clock.advance(days=1)
    assert exchange.find_accepted("shop", "hello", ["+886900000907"]) == {}


def test_no_repr_shows_a_number_a_text_or_a_password(exchange: Exchange) -> None:
    batch = exchange.submit("shop", [Draft("+886900000908", "a private text", name="王小明")], subject="whispered")
    shown = repr((exchange.accounts, exchange.accepted, exchange.messages, exchange.replies, batch, drafts(1)))
    for secret in ("secret", "private", "900000908", "王小明", "whispered", "收到", "900000001"):
        assert secret not in shown


class TestWatching:
    def test_a_watcher_hears_each_state_in_order(self, exchange: Exchange) -> None:
        heard: list[str] = []
        exchange.watch(lambda changes: heard.extend(type(change).__name__ for change in changes))
        exchange.submit("shop", [Draft("+886900000908", "x")])
        assert heard == ["StoredMessage", "StoredMessage", "StoredMessage", "Reply"]

    def test_a_reset_is_told_as_no_changes(self, exchange: Exchange) -> None:
        heard: list[int] = []
        exchange.submit("shop", [Draft("+886900000001", "x")])
        exchange.watch(lambda changes: heard.append(len(changes)))
        exchange.reset()
        assert heard == [0]

    def test_serials_go_on_after_a_reset(self, exchange: Exchange) -> None:
        first = exchange.submit("shop", [Draft("+886900000001", "x")]).messages[0]
        exchange.reset()
        assert exchange.submit("shop", [Draft("+886900000001", "x")]).messages[0].serial > first.serial


class TestByHand:
    def test_finish_reports_as_the_behaviour_does(self, exchange: Exchange) -> None:
        pushed: list[object] = []
        exchange.subscribe(pushed.append)
        (message,) = exchange.submit("shop", [Draft("+886900000900", "x")]).messages
        finished = exchange.finish(message.batch_id, 1, behaviour_ending(DeliveryStatus.EXPIRED))
        assert finished.status is DeliveryStatus.EXPIRED
        assert finished.behaviour.name == "handset_off"
        assert pushed == [finished]

    def test_finish_is_final(self, exchange: Exchange) -> None:
        (message,) = exchange.submit("shop", [Draft("+886900000907", "x")]).messages
        exchange.finish(message.batch_id, 1, behaviour_ending(DeliveryStatus.FAILED))
        exchange.clock.advance(minutes=1)
        assert exchange.messages[0].status is DeliveryStatus.FAILED

    def test_report_again(self, exchange: Exchange) -> None:
        (message,) = exchange.submit("shop", [Draft("+886900000001", "x")]).messages
        pushed: list[object] = []
        exchange.subscribe(pushed.append)
        exchange.report_again(message.batch_id, 1)
        assert pushed == [message]

    def test_what_was_never_sent_has_no_end_and_no_report(self, exchange: Exchange) -> None:
        exchange.set_credit("shop", 0)
        (message,) = exchange.submit("shop", [Draft("+886900000001", "x")]).messages
        with pytest.raises(LookupError):
            exchange.finish(message.batch_id, 1, behaviour_ending(DeliveryStatus.DELIVERED))
        with pytest.raises(LookupError):
            exchange.report_again(message.batch_id, 1)
        with pytest.raises(LookupError):
            exchange.report_again("nowhere", 1)

    def test_no_recipient_makes_a_message_scheduled(self) -> None:
        with pytest.raises(LookupError):
            behaviour_ending(DeliveryStatus.SCHEDULED)


class TestKeep:
    def test_the_oldest_are_forgotten(self) -> None:
        exchange = Exchange(keep=3)
        exchange.add_account("shop", "pw")
        for index in range(5):
            exchange.submit("shop", [Draft("+886900000908", f"text {index}")])
        assert [message.text for message in exchange.messages] == ["text 2", "text 3", "text 4"]
        assert [sent.text for sent in exchange.accepted] == ["text 2", "text 3", "text 4"]
        assert len(exchange.replies) == 3
        assert exchange.find_accepted("shop", "text 1", ["+886900000908"]) == {}
        assert exchange.find_accepted("shop", "text 2", ["+886900000908"])

    def test_a_booking_that_is_forgotten_is_not_sent(self) -> None:
        exchange = Exchange(keep=1)
        exchange.add_account("shop", "pw")
        tomorrow = exchange.clock.now() + timedelta(days=1)
        exchange.submit("shop", [Draft("+886900000001", "booked", send_at=tomorrow)])
        exchange.submit("shop", [Draft("+886900000001", "later")])
        exchange.clock.advance(days=2)
        assert [message.text for message in exchange.messages] == ["later"]


def test_restore_goes_on_where_an_earlier_exchange_stopped() -> None:
    clock = Clock()
    states: dict[int, StoredMessage] = {}
    earlier = Exchange(clock)
    earlier.add_account("shop", "pw")
    earlier.watch(
        lambda changes: states.update(
            {change.serial: change for change in changes if isinstance(change, StoredMessage)}
        )
    )
    tomorrow = clock.now() + timedelta(days=1)
    earlier.submit("shop", [Draft("+886900000001", "now")], filtered=True)
    earlier.submit("shop", [Draft("+886900000001", "booked", send_at=tomorrow), Draft("+886900000907", "slow")])

    later = Exchange(clock)
    later.add_account("shop", "pw")
    later.restore(states.values(), earlier.replies)
    assert later.messages == earlier.messages
    assert later.accepted == earlier.accepted
    assert later.find_duplicates("shop", "now", ["+886900000001"])
    clock.advance(days=2)
    assert [message.status for message in later.messages] == [DeliveryStatus.DELIVERED] * 3
    assert later.submit("shop", [Draft("+886900000001", "x")]).messages[0].serial == 4
