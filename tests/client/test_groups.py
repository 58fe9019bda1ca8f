"""``send_many(…, group=True)``: messages share requests, and each is told of as if it had gone alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sms_core
from sms_core import (
    AsyncClient,
    Capability,
    Client,
    InvalidMessage,
    Limits,
    MemorySessions,
    Message,
    Outcome,
    OutcomeUnknown,
    ProviderInfo,
    Recipient,
    RecipientRefused,
    SendResult,
    Sent,
    Tariff,
    TransportError,
    hookimpl,
)
from sms_core.http import Request, Response
from sms_core.provider import Destination, Operation, Provider, Send
from sms_core.testing import FakeTransport
from sms_core_sandbox import Sandbox
from tests.support.colours import InThreads, bind_async, connect_blocking, in_loop
from tests.support.tiny import INFO, NOW, Tiny, Vendor, bind, fields_of, provider_of, text

PATIENCE = 20.0
LATER = NOW + timedelta(hours=1)


def number(place: int) -> str:
    return f"+8869{place:08}"


def message(place: int, **named: Any) -> Message:
    return Message(f"text {place}", number(place), **{"reference": f"m{place}", **named})


class Network:
    """Tiny's vendor, which names a batch for each request and notes what it was asked."""

    def __init__(self, answer: Callable[[int], str | Exception] = lambda request: f"OK batch-{request}") -> None:
        self.requests: list[dict[str, Any]] = []
        self.transport = FakeTransport(Vendor(send=self._send))
        self._answer = answer

    def _send(self, request: Request) -> Response:
        self.requests.append(fields_of(request))
        answer = self._answer(len(self.requests))
        if isinstance(answer, Exception):
            raise answer
        return text(answer)

    @property
    def sizes(self) -> list[int]:
        return [len(fields["numbers"]) for fields in self.requests]

    @property
    def took(self) -> list[str]:
        return sorted(text for fields in self.requests for text in fields["texts"])


@pytest.fixture(params=[bind, bind_async], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Callable[..., Any]:
    found: Callable[..., Any] = request.param
    return found


def heard_of(sms: Any, messages: Iterable[Any], **named: Any) -> list[Sent]:
    return sorted(sms.send_many(messages, group=True, **named), key=lambda sent: sent.index)


def outcomes(sent: Sent) -> list[tuple[str, str, str | None, str]]:
    assert sent.result is not None
    return [(row.number, row.outcome.value, row.batch_id, row.reference) for row in sent.result.outcomes]


def test_messages_share_requests_and_each_has_its_own_result(connect: Callable[..., Any]) -> None:
    given_messages = [message(place) for place in range(7)]
    network = Network()
    with connect(network.transport) as sms:
        heard = heard_of(sms, given_messages, concurrency=1)
    assert network.sizes == [3, 3, 1]
    assert [fields["references"] for fields in network.requests[:1]] == [["m0", "m1", "m2"]]
    assert network.took == [f"text {place}" for place in range(7)]
    for place, sent in enumerate(heard):
        batch = f"batch-{place // 3 + 1}"
        assert (sent.index, sent.message, sent.error) == (place, given_messages[place], None)
        assert outcomes(sent) == [(number(place), "accepted", batch, f"m{place}")]
        assert sent.result is not None
        assert (sent.result.batches, sent.result.accepted, sent.result.unsent) == ((batch,), 1, 0)
        assert (sent.result.sent_at, sent.result.balance) == (NOW, Decimal(100))
        assert sent.result.message is not None
        assert sent.result.message.text == f"text {place}"


def test_a_message_to_several_stays_in_one_request(connect: Callable[..., Any]) -> None:
    both = Message("x", [number(1), Recipient(number(2), reference="mine"), number(1)], reference="both")
    many = Message("y", [number(place) for place in range(10, 15)], reference="many")
    network = Network()
    with connect(network.transport) as sms:
        heard = heard_of(sms, [message(0), both, many, sms.plan(message(3))], concurrency=1)
    assert network.sizes == [3, 3, 2, 1]
    assert outcomes(heard[1]) == [
        (number(1), "accepted", "batch-1", "both-0"),
        (number(2), "accepted", "batch-1", "mine"),
    ]
    assert heard[1].result is not None
    assert [(found.position, found.of) for found in heard[1].result.duplicates] == [(2, 0)]
    assert heard[2].result is not None
    assert heard[2].result.batches == ("batch-2", "batch-3")
    assert outcomes(heard[3]) == [(number(3), "accepted", "batch-4", "m3")]


@pytest.mark.parametrize(
    "second",
    [
        message(1, send_at=LATER),
        Message("x", [Recipient(number(1), send_at=LATER)]),
        message(1, subject="another"),
        message(1, validity=timedelta(hours=1)),
        message(0, reference="the same number"),
        message(1, reference="m0"),
    ],
    ids=["send_at", "a recipient's send_at", "subject", "validity", "number", "reference"],
)
def test_what_does_not_go_together_goes_apart(connect: Callable[..., Any], second: Message) -> None:
    network = Network()
    with connect(network.transport) as sms:
        heard = heard_of(sms, [message(0), second, message(2)])
    assert sorted(network.sizes) == [1, 2]
    assert [sent.error for sent in heard] == [None] * 3
    assert all("m2" in fields["references"] for fields in network.requests if len(fields["references"]) == 2)


def test_two_bookings_never_share_a_batch(connect: Callable[..., Any]) -> None:
    network = Network()
    with connect(network.transport) as sms:
        heard_of(sms, [message(place, send_at=LATER) for place in range(3)])
    assert network.sizes == [1, 1, 1]


def test_a_vendor_without_personal_texts_gets_one_text_in_each_request(connect: Callable[..., Any]) -> None:
    without = INFO.capabilities - {Capability.PERSONAL}
    info = attrs.evolve(INFO, capabilities=without, limits=Limits(recipients=6))
    network = Network()
    with connect(network.transport, Tiny(info)) as sms:
        heard_of(sms, [Message("ab"[place % 2], number(place)) for place in range(6)])
    assert sorted(fields["texts"] for fields in network.requests) == [["a"] * 3, ["b"] * 3]


def test_braces_that_are_no_placeholders_stay_as_they_are(connect: Callable[..., Any]) -> None:
    filled = Message("{name}", Recipient(number(1), params={"name": "Ann"}))
    network = Network()
    with connect(network.transport) as sms:
        heard = heard_of(sms, [Message("{name}", number(0)), filled, Message("{name}", number(2))])
    assert network.requests[0]["texts"] == ["{name}", "Ann", "{name}"]
    assert heard[1].result is not None
    assert heard[1].result.message is not None
    assert heard[1].result.message.text == "{name}"


def test_a_message_that_is_refused_stops_no_other(connect: Callable[..., Any]) -> None:
    network = Network()
    messages = [message(0), Message("", number(1)), message(2), Message("x", "no number"), message(4)]
    with connect(network.transport) as sms:
        heard = heard_of(sms, messages, concurrency=1)
    assert [type(sent.error).__name__ for sent in heard if sent.error] == ["InvalidMessage"] * 2
    assert [outcomes(heard[place])[0][1] for place in (0, 2, 4)] == ["accepted"] * 3
    assert sum(network.sizes) == 3


def test_each_has_its_own_error(connect: Callable[..., Any]) -> None:
    network = Network(lambda _: f"OK batch {number(1)}")
    with connect(network.transport) as sms:
        heard = heard_of(sms, [message(place) for place in range(3)])
    assert network.sizes == [3]
    assert [sent.error for sent in heard if sent.index != 1] == [None, None]
    error = heard[1].error
    assert isinstance(error, RecipientRefused)
    assert error.result is heard[1].result
    assert outcomes(heard[1]) == [(number(1), "refused", None, "m1")]
    assert error.result.batches == ()
    assert (error.result.accepted, error.result.unsent, error.result.cost) == (0, 1, Decimal())


def test_a_lost_answer_leaves_each_unknown_and_each_can_be_settled(connect: Callable[..., Any]) -> None:
    network = Network(lambda _: TransportError("cut off", sent=True))
    network.transport = FakeTransport(Vendor(send=network._send, find_sent=[f"OK {number(0)}=b0 proof"]))
    with connect(network.transport) as sms:
        heard = heard_of(sms, [message(0), message(1)])
        assert network.sizes == [2]
        for sent in heard:
            assert isinstance(sent.error, OutcomeUnknown)
            assert [row[1] for row in outcomes(sent)] == ["unknown"]
        settled = [sms.settle(sent.error) for sent in heard]
    assert [(row.reference, row.outcome) for result in settled for row in result.outcomes] == [
        ("m0", Outcome.ACCEPTED),
        ("m1", Outcome.NOT_SENT),
    ]


class Together(Tiny):
    """A vendor whose requests for several take no ``$``."""

    @hookimpl
    def sms_prepare(self, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
        if len(destinations) > 1 and any("$" in destination.text for destination in destinations):
            raise InvalidMessage("text", "has $ in it: send to this number alone")
        return destinations


def test_what_the_vendor_takes_alone_and_not_together_goes_alone(connect: Callable[..., Any]) -> None:
    messages = [Message(f"{'$' if place == 5 else 'x'}{place}", number(place)) for place in range(8)]
    network = Network()
    with connect(network.transport, Together(attrs.evolve(INFO, limits=Limits(recipients=8)))) as sms:
        heard = heard_of(sms, messages)
    assert [sent.error for sent in heard] == [None] * 8
    assert [fields["texts"] for fields in network.requests if "$5" in fields["texts"]] == [["$5"]]
    assert sorted(network.sizes) == [1, 1, 2, 4]


class NoNumber:
    """A middleware that refuses what is to go to one number."""

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Any:
        if isinstance(operation, Send) and number(1) in [found.number for found in operation.destinations]:
            raise InvalidMessage("to", "has opted out")
        return (yield)


def test_what_a_middleware_refuses_before_it_is_sent_stops_no_other(connect: Callable[..., Any]) -> None:
    network = Network()
    with connect(network.transport, middleware=[NoNumber()]) as sms:
        heard = heard_of(sms, [message(place) for place in range(3)])
    assert [type(sent.error) for sent in heard] == [type(None), InvalidMessage, type(None)]
    assert network.took == ["text 0", "text 2"]


def with_tariff(steps: tuple[int, ...] | None) -> ProviderInfo:
    return attrs.evolve(INFO, tariff=Tariff(steps) if steps else None)


@pytest.mark.parametrize(
    ("texts", "steps", "costs"),
    [
        (["a", "b"], (70, 140), [1, 1]),  # each costs the same
        (["a", "b" * 100], (70, 140), [None, None]),  # 1 and 2 are not what the vendor says
        (["a", "b"], None, [None, None]),  # who knows
        (["a", "a"], None, [1, 1]),
    ],
)
def test_the_cost_of_a_request_is_shared_where_that_can_be_told(
    connect: Callable[..., Any], texts: list[str], steps: tuple[int, ...] | None, costs: list[int | None]
) -> None:
    with connect(Network().transport, Tiny(with_tariff(steps))) as sms:
        heard = heard_of(sms, [Message(said, number(place)) for place, said in enumerate(texts)])
    assert [sent.result.cost if sent.result else "" for sent in heard] == costs


# However it ends


@pytest.mark.parametrize("given_before", [0, 1, 4])
def test_whoever_leaves_early_hears_of_all_that_was_sent(connect: Callable[..., Any], given_before: int) -> None:
    network = Network()
    if connect is bind:
        with (
            connect(network.transport) as sms,
            sms.send_many(map(message, range(90)), group=True, concurrency=2) as bulk,
        ):
            heard = [next(bulk) for _ in range(given_before)]
        heard += bulk.results
    else:
        heard = in_loop(leave_early(network, given_before))
    assert len({sent.index for sent in heard}) == len(heard) <= given_before + 6
    accepted = [sent for sent in heard if outcomes(sent)[0][1] == "accepted"]
    assert sorted(f"text {sent.index}" for sent in accepted) == network.took
    assert {outcomes(sent)[0][1] for sent in heard} <= {"accepted", "not_sent"}


async def leave_early(network: Network, given_before: int) -> list[Sent]:
    async with client(network) as sms:
        async with sms.send_many(map(message, range(90)), group=True, concurrency=2) as bulk:
            heard = [await anext(bulk) for _ in range(given_before)]
        return [*heard, *bulk.results]


def client(network: Network, **named: Any) -> AsyncClient:
    return AsyncClient(
        provider_of(Tiny()), InThreads(network.transport), sessions=MemorySessions(), clock=lambda: NOW, **named
    )


class Gated:
    """An `AsyncTransport` that answers when it is told to."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.has_come = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def asend(self, request: Request) -> Response:
        if request.url.endswith("login"):
            return text("OK token")
        self.requests.append(fields_of(request)["texts"])
        self.has_come.set()
        await self.may_answer.wait()
        return text(f"OK batch-{len(self.requests)}")

    async def aclose(self) -> None:
        """Nothing is open."""


def over(transport: Gated, recipients: int = 3, **named: Any) -> AsyncClient:
    info = attrs.evolve(INFO, limits=Limits(recipients=recipients))
    return AsyncClient(provider_of(Tiny(info)), transport, sessions=MemorySessions(), clock=lambda: NOW, **named)


def run(work: Any) -> None:
    asyncio.run(asyncio.wait_for(work, PATIENCE))


def test_what_an_async_iterable_gives_while_all_are_under_way_goes_together() -> None:
    async def main() -> None:
        transport = Gated()

        async def source() -> AsyncIterator[Message]:
            yield message(0)
            await transport.has_come.wait()  # it pauses, and what it gave is not held back
            for place in range(1, 6):
                await asyncio.sleep(0)
                yield message(place)
            transport.may_answer.set()

        async with over(transport, recipients=10) as sms, sms.send_many(source(), group=True, concurrency=1) as bulk:
            heard = [sent.index async for sent in bulk]
        assert transport.requests[0] == ["text 0"]
        assert transport.requests[1] == [f"text {place}" for place in range(1, 6)]
        assert sorted(heard) == list(range(6))

    run(main())


def test_cancelled_twice_each_of_a_group_is_unknown_and_the_rest_is_not_sent() -> None:
    async def main() -> None:
        transport = Gated()
        told: list[SendResult] = []

        async def consume() -> None:
            async with sms.send_many(map(message, range(9)), group=True, concurrency=1) as bulk:
                async for _ in bulk:
                    pass

        async with over(transport, on_result=told.append) as sms:
            task = asyncio.create_task(consume())
            await transport.has_come.wait()
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(0.01)
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
        heard: list[Sent] = caught.value.sms_results  # type: ignore[attr-defined]
        assert [(sent.index, type(sent.error)) for sent in heard] == [(place, OutcomeUnknown) for place in range(3)]
        assert [[row.reference for row in result.outcomes] for result in told] == [["m0"], ["m1"], ["m2"]]

    run(main())


def test_on_result_hears_of_each_message() -> None:
    async def main() -> None:
        told: list[SendResult] = []
        async with client(Network(), on_result=told.append) as sms:
            heard = {sent.index: sent async for sent in sms.send_many(map(message, range(7)), group=True)}
        results = [sent.result for sent in heard.values()]
        assert sorted(told, key=str) == sorted(results, key=str)
        assert sorted(row.reference for result in told for row in result.outcomes) == [
            f"m{place}" for place in range(7)
        ]

    run(main())


# Whatever the messages are

TEXTS = st.sampled_from(["a", "b"])
MESSAGES = st.builds(
    Message,
    TEXTS,
    st.lists(st.integers(0, 6).map(number), min_size=1, max_size=4),
    subject=st.sampled_from(["", "s"]),
    send_at=st.sampled_from([None, None, None, LATER]),
    reference=st.sampled_from(["", "", "", "r"]),
)


@given(st.lists(MESSAGES, max_size=12), st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_the_messages_are_each_is_sent_once(messages: list[Message], is_personal: bool) -> None:
    info = INFO if is_personal else attrs.evolve(INFO, capabilities=INFO.capabilities - {Capability.PERSONAL})
    network = Network()
    with bind(network.transport, Tiny(info)) as sms:
        heard = heard_of(sms, messages, concurrency=2)
        alone = [sms.plan(found) for found in messages]
    assert [sent.message for sent in heard] == messages
    assert [sent.error for sent in heard] == [None] * len(messages)
    wanted = sorted((row.number, row.text) for plan in alone for row in plan.destinations)
    went = [
        (to, said) for fields in network.requests for to, said in zip(fields["numbers"], fields["texts"], strict=True)
    ]
    assert sorted(went) == wanted
    for plan, sent in zip(alone, heard, strict=True):
        assert [row[0] for row in outcomes(sent)] == [row.number for row in plan.destinations]
    for fields in network.requests:
        assert len(set(fields["numbers"])) == len(fields["numbers"]) <= 3
        assert len(set(fields["references"])) == len(fields["references"])
        assert is_personal or len(set(fields["texts"])) == 1


def test_a_message_is_taken_when_a_request_has_a_place() -> None:
    taken = 0

    def source() -> Iterator[Message]:
        nonlocal taken
        for place in range(100):
            taken += 1
            yield message(place)

    sms: Client
    with bind(Network().transport) as sms, sms.send_many(source(), group=True, concurrency=2) as bulk:
        for given_so_far, _ in enumerate(bulk, 1):
            assert taken <= given_so_far + 6
    assert taken == 100


class Count:
    """A middleware that counts requests."""

    sends = 0

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Any:
        self.sends += isinstance(operation, Send)
        return (yield)


@pytest.mark.parametrize(
    ("face", "requests"),
    [("every8d", 1), ("every8d-soap", 1), ("mitake", 1), ("sms-get", 1), ("smsgo", 1), ("twilio", 4)],
)
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_at_each_vendor_messages_of_one_text_share_a_request(face: str, requests: int, colour: str) -> None:
    given_messages = [Message("您好", f"090000000{place}", reference=f"m{place}") for place in range(4)]
    open_client: Callable[..., Any] = sms_core.connect if colour == "sync" else connect_blocking
    with Sandbox(faces=[face]) as box:
        count = Count()
        with open_client(box.dsn(face), plugins=[count]) as sms:
            heard = heard_of(sms, given_messages)
        assert [sent.error for sent in heard] == [None] * 4
        assert sorted(found.number for found in box.exchange.accepted) == [f"+88690000000{place}" for place in range(4)]
        assert count.sends == requests
    assert [outcomes(sent)[0][::3] for sent in heard] == [(f"+88690000000{place}", f"m{place}") for place in range(4)]
    if face != "twilio":
        assert [sent.result.cost for sent in heard if sent.result] in ([1] * 4, [None] * 4)
