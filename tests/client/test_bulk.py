"""`Client.send_many`: what the vendor took is what the caller hears of, however the iteration ends."""

from __future__ import annotations

import contextlib
import gc
import json
import pickle
import signal
import subprocess
import sys
import threading
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sms_core import Bulk, Client, InvalidMessage, Message, Outcome, SendError, Sent, TransportError, hookimpl
from sms_core.http import Request, Response
from sms_core.provider import Flow, Operation, Provider, Send
from sms_core.serialize import to_data
from sms_core.testing import FakeTransport
from sms_core_sandbox import Sandbox
from tests.support.children import child
from tests.support.frames import shown_by
from tests.support.tiny import PASSWORD, TOKEN, Vendor, bind, fields_of, text

A, B, C = (f"+88690000000{last}" for last in range(1, 4))
PATIENCE = 20.0
SCRIPT = Path(__file__).parent / "interrupted_bulk.py"


def messages(count: int) -> list[Message]:
    return [Message(str(place), A, reference=f"m{place}") for place in range(count)]


class Tapped:
    """A vendor that takes every text and notes it; ``before`` is called first, in the thread of its request."""

    def __init__(self, before: Callable[[str], object] = lambda _: None) -> None:
        self.took: list[str] = []
        self.network = FakeTransport(Vendor(send=self._send))
        self._before = before

    def _send(self, request: Request) -> Response:
        sent = fields_of(request)["texts"][0]
        self._before(sent)
        self.took.append(sent)
        return text(f"OK batch-{sent}")

    def connect(self, **options: Any) -> Client:
        return bind(self.network, **options)


def accepted(heard: list[Sent]) -> list[str]:
    """The texts that these say the vendor took."""
    results = [sent.result for sent in heard if sent.result is not None]
    return sorted(
        result.message.text
        for result in results
        for row in result.outcomes
        if row.outcome is Outcome.ACCEPTED and result.message
    )


# What comes back


def test_each_message_comes_back_once_with_its_place_result_and_error() -> None:
    def send(request: Request) -> Response:
        sent = fields_of(request)["texts"][0]
        return text("NO credit" if sent == "0900" else f"OK batch-{sent}")

    given = messages(40)
    given[7] = Message("0900", A)
    given[9] = Message("", A)
    given[11] = Message("x", [A, B, C])
    with bind(FakeTransport(Vendor(send=send))) as sms, sms.send_many(given, concurrency=4) as bulk:
        heard = sorted(bulk, key=lambda sent: sent.index)
    assert [sent.index for sent in heard] == list(range(40))
    assert [sent.message for sent in heard] == given
    for sent in heard:
        if sent.index == 7:
            assert isinstance(sent.error, SendError)
            assert sent.result is sent.error.result
        elif sent.index == 9:
            assert isinstance(sent.error, InvalidMessage)
            assert sent.result is None
        else:
            assert sent.error is None
            assert sent.result is not None
            assert sent.result.batch_id == f"batch-{given[sent.index].text}"
    assert bulk.results == ()


def test_a_slow_send_holds_up_no_other() -> None:
    others_are_heard = threading.Event()

    def wait(sent: str) -> None:
        if sent == "0":
            assert others_are_heard.wait(PATIENCE)

    with Tapped(wait).connect() as sms, sms.send_many(messages(30), concurrency=2) as bulk:
        heard = [next(bulk).index for _ in range(29)]
        others_are_heard.set()
        heard += [sent.index for sent in bulk]
    assert heard == [*range(1, 30), 0]


def test_messages_are_taken_as_places_get_free_and_given_ones_are_forgotten() -> None:
    taken = 0
    alive: weakref.WeakSet[Message] = weakref.WeakSet()

    def source() -> Iterator[Message]:
        nonlocal taken
        for message in (Message(str(place), A) for place in range(100)):
            taken += 1
            alive.add(message)
            yield message

    with Tapped().connect() as sms, sms.send_many(source(), concurrency=2) as bulk:
        for given, _ in enumerate(bulk, 1):
            assert taken <= given + 2
            if given % 30 == 0:
                gc.collect()
                assert len(alive) <= 4
    assert taken == 100


def test_as_many_are_under_way_as_asked_for() -> None:
    gate = threading.Barrier(4)  # passes only if four are there at once
    with Tapped(lambda _: gate.wait(PATIENCE)).connect() as sms:
        assert len(list(sms.send_many(messages(12), concurrency=4))) == 12
    with pytest.raises(ValueError, match="greater than 0"):
        sms.send_many([], concurrency=0)


def test_of_nothing_comes_nothing() -> None:
    with bind(FakeTransport([])) as sms, sms.send_many([]) as bulk:
        assert list(bulk) == []


def test_what_became_of_a_message_can_be_stored() -> None:
    with Tapped().connect() as sms, sms.send_many([Message("x", A), Message("", A)]) as bulk:
        first, second = sorted(bulk, key=lambda sent: sent.index)
    assert pickle.loads(pickle.dumps(first)) == first
    again = pickle.loads(pickle.dumps(second))
    assert (type(again.error), again.error.args) == (InvalidMessage, second.error.args if second.error else None)
    data = json.loads(json.dumps(to_data(second)))
    assert (data["index"], data["result"], data["error"]["type"]) == (1, None, "InvalidMessage")
    bug = to_data(Sent(0, first.message, first.result, KeyError("x")))
    assert (bug["error"], bug["result"]["batches"]) == (
        {"type": "KeyError", "message": "'x'", "code": "", "details": {}},
        ["batch-x"],
    )
    assert A not in repr(first)


def test_an_async_iterable_is_for_the_other_client() -> None:
    async def source() -> AsyncIterator[Message]:
        yield Message("x", A)

    with bind(FakeTransport([])) as sms, pytest.raises(TypeError, match=r"sms_core\.connect_async\(\) can"):
        sms.send_many(source())  # type: ignore[arg-type]


# What goes wrong with one message


class Clumsy:
    """A middleware with a bug, before or after the vendor answers."""

    def __init__(self, place: str, error: BaseException) -> None:
        self.place = place
        self.error = error

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Any:
        flow = yield
        if isinstance(operation, Send) and operation.message.text == "3":
            return self._stumble(flow)
        return flow

    def _stumble(self, flow: Flow[Any]) -> Flow[Any]:
        if self.place == "before":
            raise self.error
        yield from flow
        raise self.error


@pytest.mark.parametrize("error", [ValueError("a bug"), SystemExit(1)], ids=["ValueError", "SystemExit"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_whatever_a_message_raises_is_its_error_and_stops_no_other(place: str, error: BaseException) -> None:
    vendor = Tapped()
    with vendor.connect(middleware=[Clumsy(place, error)]) as sms, sms.send_many(messages(20)) as bulk:
        heard = {sent.index: sent for sent in bulk}
    assert heard.keys() == set(range(20))
    failed = heard.pop(3)
    assert failed.error is error
    assert failed.result is not None
    known = Outcome.ACCEPTED if place == "after" else Outcome.UNKNOWN
    assert [row.outcome for row in failed.result.outcomes] == [known]
    assert all(sent.error is None for sent in heard.values())
    assert ("3" in vendor.took) is (place == "after")
    assert accepted(list(heard.values())) == sorted(set(vendor.took) - {"3"})


def test_an_error_of_a_message_shows_no_secret_in_its_frames() -> None:
    def fail(_: Request) -> Response:
        raise TransportError("cut off", sent=True)

    with (
        bind(FakeTransport(Vendor(send=fail))) as sms,
        sms.send_many([Message("a text", A), Message("a text", "1")]) as bulk,
    ):
        errors = [sent.error for sent in bulk]
    for error in errors:
        assert error is not None
        assert shown_by(error, [PASSWORD, TOKEN, A, A[4:], "a text"], but_not_in=__file__) == []


def test_what_the_iterable_raises_comes_after_all_that_was_taken_from_it() -> None:
    def source() -> Iterator[Message]:
        yield from messages(5)
        raise LookupError("row 6 of the file has no number")

    vendor = Tapped()
    heard: list[Sent] = []
    with vendor.connect() as sms, pytest.raises(LookupError, match="row 6") as caught:
        heard.extend(sms.send_many(source(), concurrency=2))
    assert accepted(heard) == sorted(vendor.took) == list("01234")
    assert caught.value.sms_results == []  # type: ignore[attr-defined]


# How an iteration may end


def leave(bulk: Bulk, heard: list[Sent]) -> None:
    with bulk:
        for sent in bulk:
            heard.append(sent)
            if len(heard) == 10:
                break
    heard.extend(bulk.results)


def close(bulk: Bulk, heard: list[Sent]) -> None:
    heard.extend(next(bulk) for _ in range(10))
    bulk.close()
    heard.extend(bulk.results)


def close_at_once(bulk: Bulk, heard: list[Sent]) -> None:
    bulk.close()
    heard.extend(bulk.results)


def fail(bulk: Bulk, heard: list[Sent]) -> None:
    try:
        with bulk:
            heard.extend(next(bulk) for _ in range(10))
            raise KeyError("the caller's bug")
    except KeyError as error:
        heard.extend(error.sms_results)  # type: ignore[attr-defined]


def fail_while_handing_out(bulk: Bulk, heard: list[Sent]) -> None:
    """As Ctrl-C in the iterable of messages does."""
    try:
        for sent in bulk:
            heard.append(sent)
            if len(heard) == 10:
                bulk._source = interrupting()
    except KeyboardInterrupt as interruption:
        heard.extend(interruption.sms_results)  # type: ignore[attr-defined]


def interrupting() -> Iterator[Message]:
    raise KeyboardInterrupt
    yield


def end_a_generator(bulk: Bulk, heard: list[Sent]) -> None:
    def texts() -> Iterator[str]:
        with bulk:
            for sent in bulk:
                heard.append(sent)
                yield sent.message.text if isinstance(sent.message, Message) else ""

    generator = texts()
    for _ in range(10):
        next(generator)
    generator.close()  # type: ignore[attr-defined]
    heard.extend(bulk.results)


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("end", [leave, close, close_at_once, fail, fail_while_handing_out, end_a_generator])
def test_all_that_the_vendor_took_is_heard_of(end: Callable[[Bulk, list[Sent]], None], concurrency: int) -> None:
    vendor = Tapped()
    heard: list[Sent] = []
    with vendor.connect() as sms:
        bulk = sms.send_many(messages(60), concurrency=concurrency)
        end(bulk, heard)
        took = sorted(vendor.took)
        assert list(bulk) == []
        bulk.close()
    assert accepted(heard) == took == sorted(vendor.took)
    assert len({sent.index for sent in heard}) == len(heard) <= 10 + concurrency


def test_one_exception_may_end_several_bulks() -> None:
    vendor = Tapped()

    def copy(outer: Bulk, inner: Bulk) -> None:
        with outer, inner:
            next(outer)
            next(inner)
            raise KeyError

    with vendor.connect() as sms, pytest.raises(KeyError) as caught:
        copy(sms.send_many(messages(5)), sms.send_many(messages(5)))
    heard: list[Sent] = caught.value.sms_results  # type: ignore[attr-defined]
    assert len(heard) == 8
    assert len(accepted(heard)) == len(vendor.took) - 2
    assert "what became of 4 more messages" in "".join(caught.value.__notes__)


def test_a_message_for_which_no_thread_can_be_started_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more_threads(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    vendor = Tapped()
    with vendor.connect() as sms, monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more_threads)
        heard = list(sms.send_many(messages(5)))
    assert [type(sent.error) for sent in heard] == [RuntimeError] * 5
    assert vendor.took == []


def test_a_bulk_that_is_dropped_sends_nothing_more_and_warns() -> None:
    release = threading.Event()
    vendor = Tapped(lambda _: release.wait(PATIENCE))
    with vendor.connect() as sms:
        bulk = sms.send_many(messages(50), concurrency=2)
        threading.Timer(0.1, release.set).start()
        next(bulk)
        with pytest.warns(RuntimeWarning, match="nobody hears of them: use it in a with block"):
            del bulk
    assert len(vendor.took) <= 3


# Ctrl-C, in a process of its own


@contextlib.contextmanager
def interrupted(dsn: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(SCRIPT), dsn, *arguments]
    with child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        yield running


def rows(running: subprocess.Popen[str]) -> dict[tuple[str, str], str]:
    """The outcome of each text to each number that it heard of."""
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    heard = {(index, number): outcome for index, number, outcome in json.loads(out.splitlines()[-1])}
    assert len(heard) == len(json.loads(out.splitlines()[-1])), "told twice"
    return heard


def test_ctrl_c_hands_out_nothing_more_and_awaits_what_is_under_way() -> None:
    with Sandbox() as box:
        box.faults.add("slow", match="Send", times=None, seconds=0.5)
        with interrupted(box.dsn("every8d"), A) as running:
            assert box.exchange.wait_for(lambda: len(box.exchange.accepted) >= 5, timeout=PATIENCE)
            running.send_signal(signal.SIGINT)
            heard = rows(running)
        assert set(heard.values()) <= {"accepted", "not_sent"}  # the latter of what was taken and not handed out
        told_accepted = {key for key, outcome in heard.items() if outcome == "accepted"}
        assert told_accepted == {(message.text, message.number) for message in box.exchange.accepted}
        assert len(heard) < 300


def test_a_second_ctrl_c_waits_no_longer_and_calls_unknown_what_is_under_way() -> None:
    """Of a message in two requests the first one's answer may be there, and the second one's not."""
    with Sandbox() as box:
        for seconds, times in ((0, 4), (60, None)):
            box.faults.add("slow", match="Send", times=times, seconds=seconds)
        # The interpreter ends when its threads do: at the deadline of what is under way.
        with interrupted(box.dsn("every8d", batch_size=1, deadline=4), A, B) as running:
            assert box.exchange.wait_for(lambda: len(box.exchange.accepted) >= 8, timeout=PATIENCE)
            assert running.stdout is not None
            running.send_signal(signal.SIGINT)
            assert running.stdout.readline() == "waiting\n"
            running.send_signal(signal.SIGINT)
            heard = rows(running)
        took = {(message.text, message.number) for message in box.exchange.accepted}
    assert {key for key, outcome in heard.items() if outcome != "not_sent"} >= took
    answered = Counter(heard.values())
    assert answered["accepted"] == 4
    assert answered["unknown"] >= 4


@pytest.mark.parametrize("kind", ["rounds", "groups"])
def test_ctrl_c_at_any_moment_loses_nothing(kind: str) -> None:
    """In the child's own process, which tells of a difference between the vendor's count and what was heard."""
    with interrupted("memory://", kind) as running:
        out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    figures = json.loads(out)
    assert figures["interrupted"] > figures["rounds"] / 2
    assert (figures["lost"], figures["lied"], figures["told_twice"]) == (0, 0, 0), figures
