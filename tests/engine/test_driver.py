"""The blocking driver: what it answers to each step of a flow, and what it lets a flow see."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from sms_core import AuthenticationFailed, MemorySessions, TransportError
from sms_core._engine.driver import Driver, new_nonce, utc_now
from sms_core._engine.login import Login
from sms_core.http import Request, Response, Transport
from sms_core.provider import Attempt, Flow, Session, Sleep, StartAttempt
from sms_core.testing import FakeTransport
from tests.support.tiny import NOW, TOKEN, Sleeps, Tiny, Vendor, provider_of, text

QUESTION = Request("GET", "https://tiny.invalid/question")
CUT_OFF = TransportError("cut off", sent=True)


def driver_of(
    transport: Transport,
    plugin: object | None = None,
    *,
    clock: Callable[[], datetime] = lambda: NOW,
    sleep: Callable[[float], object] | None = None,
) -> Driver:
    """A driver of Tiny whose nonces are numbers."""
    provider = provider_of(plugin)
    nonces = map(str, itertools.count(1))
    login = Login(provider, MemorySessions(), clock)
    return Driver(provider, transport, login, clock=clock, sleep=sleep or Sleeps(), nonce=lambda: next(nonces))


def test_a_request_is_answered_with_its_response() -> None:
    network = FakeTransport([text("first"), text("second")])

    def flow() -> Flow[list[bytes]]:
        first: Response = yield QUESTION
        second: Response = yield QUESTION
        return [first.body, second.body]

    assert driver_of(network).run(flow()) == [b"first", b"second"]
    assert network.requests == [QUESTION, QUESTION]


def test_a_flow_that_asks_nothing_has_a_result_too() -> None:
    def flow() -> Flow[str]:
        yield from ()
        return "done"

    network = FakeTransport([])
    assert driver_of(network).run(flow()) == "done"


def test_a_sleep_is_slept_and_answered_with_none() -> None:
    def flow() -> Flow[list[object]]:
        return [(yield Sleep(0.25)), (yield Sleep(4))]

    sleeps = Sleeps()
    assert driver_of(FakeTransport([]), sleep=sleeps).run(flow()) == [None, None]
    assert sleeps.seconds == [0.25, 4]


def test_each_attempt_has_the_time_a_nonce_of_its_own_and_the_account_s_session() -> None:
    times = (NOW + timedelta(seconds=second) for second in itertools.count())

    def flow() -> Flow[list[Attempt]]:
        return [(yield StartAttempt()), (yield StartAttempt(with_session=False)), (yield StartAttempt())]

    network = FakeTransport(Vendor())
    first, without, third = driver_of(network, clock=lambda: next(times)).run(flow())
    assert isinstance(first.session, Session)
    assert (first.session.token, third.session, without.session) == (TOKEN, first.session, None)
    assert first.now < without.now < third.now
    assert len({first.nonce, without.nonce, third.nonce}) == 3
    assert len(network.requests) == 1


def test_without_a_login_an_attempt_has_no_session() -> None:
    def flow() -> Flow[Attempt]:
        attempt: Attempt = yield StartAttempt()
        return attempt

    assert driver_of(FakeTransport([]), Tiny(logs_in=False)).run(flow()) == Attempt(NOW, "1", None)


@pytest.mark.parametrize("error", [CUT_OFF, KeyboardInterrupt(), RuntimeError("a transport's bug")])
def test_whatever_a_transport_raises_the_flow_sees_where_it_asked(error: BaseException) -> None:
    seen: list[BaseException] = []

    def answer(request: Request) -> Response:
        raise error

    def flow() -> Flow[str]:
        try:
            yield QUESTION
        except BaseException as caught:  # noqa: BLE001 - that it is every kind is the point
            seen.append(caught)
        return "gone on"

    assert driver_of(FakeTransport(answer)).run(flow()) == "gone on"
    assert seen == [error]


def test_what_a_flow_does_not_catch_comes_out_as_it_is() -> None:
    def flow() -> Flow[None]:
        yield QUESTION

    with pytest.raises(TransportError) as caught:
        driver_of(FakeTransport([CUT_OFF])).run(flow())
    assert caught.value is CUT_OFF


def test_an_interrupted_sleep_interrupts_the_flow() -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    def flow() -> Flow[str]:
        try:
            yield Sleep(1)
        except KeyboardInterrupt:
            return "interrupted"
        return "slept"

    assert driver_of(FakeTransport([]), sleep=interrupt).run(flow()) == "interrupted"


def test_a_login_that_is_refused_is_seen_where_the_attempt_began() -> None:
    def flow() -> Flow[str]:
        try:
            yield StartAttempt()
        except AuthenticationFailed as error:
            return error.code
        return "logged in"

    assert driver_of(FakeTransport(Vendor(login=["NO auth"]))).run(flow()) == "auth"


def test_what_the_driver_takes_by_itself_is_aware_and_never_the_same() -> None:
    assert utc_now().utcoffset() == timedelta()
    nonces = {new_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert all(len(nonce) == 32 and set(nonce) <= set("0123456789abcdef") for nonce in nonces)
