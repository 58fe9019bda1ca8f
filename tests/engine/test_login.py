"""One account's login: who logs in, how long a session is kept, and that refused credentials are never shown again."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import sms_core
from sms_core import (
    AuthenticationFailed,
    Balance,
    MemorySessions,
    Message,
    Outcome,
    PartiallySent,
    RecipientOutcome,
    SendError,
    SendResult,
    SessionStore,
    SmsError,
    TransportError,
    VendorError,
)
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from tests.support import tiny
from tests.support.colours import bind_async
from tests.support.tiny import NOW, PASSWORD, Tiny, Vendor, bind, fields_of, operation_of, text

A = "+886900000001"
PATIENCE = 20.0
THREADS = 20
CUT_OFF = TransportError("cut off", sent=True)


@pytest.fixture(params=[tiny.bind, bind_async], ids=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "bind", request.param)


def asked(network: FakeTransport) -> list[str]:
    return [operation_of(request) for request in network.requests]


def secrets(network: FakeTransport, operation: str) -> list[str]:
    """What the requests of an operation showed the vendor: a token, or the password."""
    return [fields_of(request)["secret"] for request in network.requests if operation_of(request) == operation]


def test_a_session_is_kept_until_it_ends() -> None:
    moment: list[datetime] = [NOW]
    network = FakeTransport(Vendor(login=["OK t1", "OK t2"], balance=["OK 1"]))
    with bind(network, clock=lambda: moment[0]) as sms:
        sms.balance()
        moment[0] = NOW + timedelta(hours=8) - timedelta(seconds=1)
        sms.balance()
        moment[0] = NOW + timedelta(hours=8)
        sms.balance()
    assert asked(network) == ["login", "balance", "balance", "login", "balance"]
    assert secrets(network, "balance") == ["t1", "t1", "t2"]


def test_a_session_that_the_vendor_no_longer_takes_is_renewed_once() -> None:
    network = FakeTransport(Vendor(login=["OK t1", "OK t2"], send=["NO expired", "OK b1"]))
    with bind(network) as sms:
        assert sms.send("x", to=A).batch_id == "b1"
        assert asked(network) == ["login", "send", "login", "send"]
        sms.send("x", to=A)
    assert fields_of(network.requests[-1])["secret"] == "t2"
    assert asked(network).count("login") == 2


def test_clients_may_share_their_logins() -> None:
    sessions = MemorySessions()
    network = FakeTransport(Vendor(balance=["OK 1"]))
    for _ in range(3):
        with bind(network, sessions=sessions) as sms:
            sms.balance()
    assert asked(network) == ["login", "balance", "balance", "balance"]
    with bind(network, sessions=sessions, password="another") as sms:
        sms.balance()
    assert asked(network)[4:] == ["login", "balance"]


class Shelf(dict[str, Any]):
    """A store of one's own: empty at first and therefore false in a condition, and its lock is taken once at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def lock(self, key: str) -> threading.Lock:
        return self.locks[key]

    def put(self, key: str, found: Any) -> None:
        self[key] = found


def test_an_empty_store_of_one_s_own_is_used() -> None:
    shelf = Shelf()
    with sms_core.connect("memory://shelf:p@", sessions=shelf) as sms:
        sms.balance()
    assert len(shelf) == 1


@pytest.mark.parametrize("logs_in", [True, False])
def test_a_first_use_that_is_repeated_does_not_wait_for_itself(logs_in: bool) -> None:
    network = FakeTransport(Vendor(balance=[CUT_OFF, CUT_OFF, "OK 1"]))
    shelf = Shelf()
    with bind(network, Tiny(logs_in=logs_in), sessions=shelf) as sms:
        assert sms.balance() == Balance(Decimal(1))
    assert asked(network).count("balance") == 3
    # Each is free again: in a moment, where a thread lets it go.
    assert all(lock.acquire(timeout=5) for lock in shelf.locks.values())


@pytest.mark.parametrize("logs_in", [True, False])
def test_a_refused_login_is_not_repeated(logs_in: bool) -> None:
    answers: dict[str, list[str]] = {"login": ["NO auth nobody"]} if logs_in else {}
    network = FakeTransport(Vendor(**answers, send=["NO auth nobody"], balance=["NO auth nobody"]))
    sessions = MemorySessions()
    with bind(network, Tiny(logs_in=logs_in), sessions=sessions) as sms:
        with pytest.raises(AuthenticationFailed) as first:
            sms.send("x", to=A)
        assert isinstance(first.value, SendError)
        assert first.value.code == "auth"
        for call in (sms.balance, sms.check, lambda: sms.send("x", to=A), lambda: list(sms.reports("b"))):
            with pytest.raises(AuthenticationFailed, match="refused before") as again:
                call()
            assert (again.value.code, again.value.vendor_text) == ("auth", "nobody")
    assert len(network.requests) == 1
    # Another client with the same credentials does not try them either; one with others does.
    with bind(network, Tiny(logs_in=logs_in), sessions=sessions) as sms, pytest.raises(AuthenticationFailed):
        sms.balance()
    assert len(network.requests) == 1
    with (
        bind(network, Tiny(logs_in=logs_in), sessions=sessions, password="new") as sms,
        pytest.raises(AuthenticationFailed),
    ):
        sms.balance()
    assert len(network.requests) == 2


def test_a_token_that_is_refused_for_good_is_not_shown_again() -> None:
    network = FakeTransport(Vendor(balance=["NO auth the account is blocked", "OK 1"]))
    with bind(network) as sms:
        for _ in range(3):
            with pytest.raises(AuthenticationFailed, match="the account is blocked"):
                sms.balance()
    assert asked(network) == ["login", "balance"]


def test_a_refusal_in_the_middle_of_a_message_is_remembered_too() -> None:
    network = FakeTransport(Vendor(send=["OK b1", "NO auth"], balance=["OK 1"]))
    with bind(network, Tiny(logs_in=False)) as sms:
        with pytest.raises(PartiallySent):
            sms.send("x", to=[A, "0900000002", "0900000003", "0900000004"])
        with pytest.raises(AuthenticationFailed, match="refused before"):
            sms.balance()
    assert asked(network) == ["send", "send"]


def test_a_remembered_refusal_leaves_a_send_surely_unsent() -> None:
    with bind(FakeTransport(Vendor(login=["NO auth"]))) as sms:
        for _ in range(2):
            with pytest.raises(AuthenticationFailed) as caught:
                sms.send("x", to=A)
            assert isinstance(caught.value, SendError)
            assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.NOT_SENT]


@pytest.mark.parametrize("logs_in", [True, False])
def test_an_operation_that_asks_nothing_does_not_unblock_refused_credentials(logs_in: bool) -> None:
    network = FakeTransport(Vendor(login=["NO auth"], balance=["NO auth"]))
    settled = SendResult((RecipientOutcome(A, Outcome.ACCEPTED, "b1", "m"),), message=Message("x", A, reference="m"))
    with bind(network, Tiny(logs_in=logs_in)) as sms:
        for _ in range(3):
            with pytest.raises(AuthenticationFailed):
                sms.balance()
            assert sms.settle(settled) == settled
    assert len(network.requests) == 1


def test_a_session_is_ended_only_on_request() -> None:
    network = FakeTransport(Vendor(balance=["OK 1"], logout=["OK"]))
    with bind(network) as sms:
        sms.balance()
    assert asked(network) == ["login", "balance"]
    network = FakeTransport(Vendor(balance=["OK 1"], logout=["OK"]))
    with bind(network, close_session=True) as sms:
        sms.balance()
    assert asked(network) == ["login", "balance", "logout"]
    assert network.closed


@pytest.mark.parametrize("logs_in", [True, False])
def test_nothing_is_ended_that_was_not_begun(logs_in: bool) -> None:
    network = FakeTransport(Vendor(balance=["OK 1"]))
    bind(network, Tiny(logs_in=logs_in), close_session=True).close()
    assert not network.requests
    with bind(network, Tiny(logs_in=False), close_session=True) as sms:
        sms.balance()
    assert asked(network) == ["balance"]


def test_closing_does_not_log_in_to_log_out() -> None:
    moment: list[datetime] = [NOW]
    network = FakeTransport(Vendor(balance=["OK 1"], logout=["OK"]))
    with bind(network, close_session=True, clock=lambda: moment[0]) as sms:
        sms.balance()
        moment[0] += timedelta(days=1)
    assert asked(network).count("login") == 1


def test_a_logout_that_fails_still_closes_the_connections() -> None:
    network = FakeTransport(Vendor(balance=["OK 1"], logout=[CUT_OFF]))
    sms = bind(network, close_session=True)
    sms.balance()
    with pytest.raises(TransportError):
        sms.close()
    assert network.closed


# Threads


def together(count: int, work: Callable[[int], object]) -> list[object]:
    """Run in so many threads, let go at once; the results or errors in order."""
    gate = threading.Barrier(count)

    def run(number: int) -> object:
        gate.wait(PATIENCE)
        try:
            return work(number)
        except SmsError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count), timeout=PATIENCE))


def test_many_threads_log_in_once() -> None:
    network = FakeTransport(Vendor(balance=["OK 1"]))
    with bind(network) as sms:
        found = together(THREADS, lambda _: sms.balance())
    assert found == [Balance(Decimal(1))] * THREADS
    assert asked(network).count("login") == 1


def test_one_login_is_in_flight_while_others_wait_for_it() -> None:
    in_login, may_answer = threading.Event(), threading.Event()

    def login(request: Request) -> Response:
        in_login.set()
        assert may_answer.wait(PATIENCE)
        return text("OK t1")

    network = FakeTransport(Vendor(login=login, balance=["OK 1"]))
    with bind(network) as sms, ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(sms.balance)]
        assert in_login.wait(PATIENCE)
        waiting.extend(pool.submit(sms.balance) for _ in range(THREADS - 1))
        assert asked(network) == ["login"]
        may_answer.set()
        assert [future.result(PATIENCE) for future in waiting] == [Balance(Decimal(1))] * THREADS
    assert asked(network).count("login") == 1


def test_many_threads_renew_an_expired_session_once() -> None:
    tokens = iter(["OK t1", "OK t2", "OK t3"])

    def balance(request: Request) -> Response:
        return text("NO expired" if fields_of(request)["secret"] == "t1" else "OK 1")

    network = FakeTransport(Vendor(login=lambda request: text(next(tokens)), balance=balance))
    with bind(network) as sms:
        found = together(THREADS, lambda _: sms.balance())
    assert found == [Balance(Decimal(1))] * THREADS
    assert asked(network).count("login") == 2


def test_many_threads_renew_a_session_whose_time_is_over_once() -> None:
    moment: list[datetime] = [NOW]
    network = FakeTransport(Vendor(login=["OK t1", "OK t2", "OK t3"], balance=["OK 1"]))
    with bind(network, clock=lambda: moment[0]) as sms:
        sms.balance()
        moment[0] += timedelta(hours=8)
        together(THREADS, lambda _: sms.balance())
    assert secrets(network, "balance") == ["t1"] + ["t2"] * THREADS


def test_many_threads_whose_session_ended_show_a_changed_password_once() -> None:
    """The vendor's password was changed while the session lasted."""

    def send(request: Request) -> Response:
        return text("NO expired")

    network = FakeTransport(Vendor(login=["OK t1", "NO auth"], send=send, check=["OK"]))
    with bind(network) as sms:
        sms.check()
        found = together(THREADS, lambda _: sms.send("x", to=A))
    assert [type(error) for error in found] == [AuthenticationFailed] * THREADS
    for error in found:
        assert isinstance(error, AuthenticationFailed)
        assert [row.outcome for row in error.result.outcomes] == [Outcome.NOT_SENT]
    assert asked(network).count("login") == 2


@pytest.mark.parametrize("store", [MemorySessions, Shelf])
def test_many_clients_with_one_store_log_in_once(store: Callable[[], SessionStore]) -> None:
    sessions = store()
    network = FakeTransport(Vendor(balance=["OK 1"]))
    clients = [bind(network, sessions=sessions) for _ in range(THREADS)]
    found = together(THREADS, lambda number: clients[number].balance())
    assert found == [Balance(Decimal(1))] * THREADS
    assert asked(network).count("login") == 1


@pytest.mark.parametrize("store", [MemorySessions, Shelf])
@pytest.mark.parametrize("logs_in", [True, False])
def test_many_clients_with_one_store_show_a_wrong_password_once(
    store: Callable[[], SessionStore], logs_in: bool
) -> None:
    sessions = store()
    network = FakeTransport(lambda request: text("NO auth"))
    clients = [bind(network, Tiny(logs_in=logs_in), sessions=sessions) for _ in range(THREADS)]
    found = together(THREADS, lambda number: clients[number].balance())
    assert [type(error) for error in found] == [AuthenticationFailed] * THREADS
    assert len(network.requests) == 1


def test_a_good_password_that_rides_on_each_request_lets_all_go_on() -> None:
    network = FakeTransport(Vendor(balance=["OK 1"]))
    with bind(network, Tiny(logs_in=False)) as sms:
        assert together(THREADS, lambda _: sms.balance()) == [Balance(Decimal(1))] * THREADS
    assert secrets(network, "balance") == [PASSWORD] * THREADS


@pytest.mark.parametrize("logs_in", [True, False])
def test_many_threads_with_a_wrong_password_make_exactly_one_request(logs_in: bool) -> None:
    network = FakeTransport(lambda request: text("NO auth"))
    with bind(network, Tiny(logs_in=logs_in)) as sms:
        found = together(THREADS, lambda number: sms.send("x", to=A) if number % 2 else sms.balance())
    assert [type(error) for error in found] == [AuthenticationFailed] * THREADS
    assert len(network.requests) == 1
    told_before = [error for error in found if "refused before" in str(error)]
    assert len(told_before) == THREADS - 1


def test_unproven_credentials_are_tried_one_at_a_time_until_they_have_worked() -> None:
    answers: Iterator[str | Exception] = iter([CUT_OFF, "NO auth"])
    network = FakeTransport(Vendor(balance=lambda request: _give(next(answers))))
    with bind(network, Tiny(logs_in=False), retries=0) as sms:
        found = together(THREADS, lambda _: sms.balance())
    kinds = Counter(type(error) for error in found)
    assert kinds == {TransportError: 1, AuthenticationFailed: THREADS - 1}
    assert len(network.requests) == 2


def _give(answer: str | Exception) -> Response:
    if isinstance(answer, Exception):
        raise answer
    return text(answer)


def test_proven_credentials_are_used_side_by_side() -> None:
    gate = threading.Barrier(THREADS)

    def balance(request: Request) -> Response:
        gate.wait(PATIENCE)  # passes only if all are in flight at once
        return text("OK 1")

    network = FakeTransport(Vendor(check=["OK"], balance=balance))
    with bind(network, Tiny(logs_in=False)) as sms:
        sms.check()
        assert together(THREADS, lambda _: sms.balance()) == [Balance(Decimal(1))] * THREADS


def test_a_vendor_s_refusal_of_a_message_proves_nothing_against_the_credentials() -> None:
    network = FakeTransport(Vendor(send=["NO credit", "OK b1"]))
    with bind(network, Tiny(logs_in=False)) as sms:
        with pytest.raises(VendorError):
            sms.send("x", to=A)
        assert sms.send("x", to=A).batch_id == "b1"
