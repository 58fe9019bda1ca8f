"""Plans of some recipients: split by requests, without those that cannot be sent to, without some more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType

import attrs
import pytest

from sms_core import Capability, InvalidMessage, Limits, Message, Plan, ProviderInfo, Recipient, Unsupported
from sms_core._engine.plan import Prepare, make_plan
from sms_core.provider import Destination

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALL = frozenset(Capability)
INFO = ProviderInfo("tiny", "Tiny", ALL, Limits(3))
ONE_TEXT = attrs.evolve(INFO, capabilities=ALL - {Capability.PERSONAL})


def people(*texts: str) -> list[Recipient]:
    return [Recipient(f"0900{place:06}", text=text, reference=f"r{place}") for place, text in enumerate(texts)]


def rows(plan: Plan) -> list[list[tuple[str, str]]]:
    """Of each request the references and texts that it carries."""
    return [[(destination.reference, destination.text) for destination in send.destinations] for send in plan.sends]


def in_halves(message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    """A vendor that sends a text of two words as two messages."""
    del message
    halves = []
    for destination in destinations:
        words = destination.text.split(" ")
        for number, word in enumerate(words, 1):
            reference = destination.reference if len(words) == 1 else f"{destination.reference}/{number}"
            halves.append(attrs.evolve(destination, text=word, reference=reference))
    return tuple(halves)


class Refusing:
    """A vendor's check, which counts how often it is asked."""

    def __init__(self, problem: Callable[[Message, tuple[Destination, ...]], tuple[str, str] | None]) -> None:
        self.problem = problem
        self.asked: list[int] = []

    def __call__(self, message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
        self.asked.append(len(destinations))
        if (problem := self.problem(message, destinations)) is not None:
            raise InvalidMessage(*problem)
        return destinations


def planned(to: list[Recipient], prepare: Prepare | None = None, info: ProviderInfo = INFO) -> Plan:
    return make_plan(Message("", to, reference="m"), info, NOW, prepare, skip_refused=True)


def test_each_part_of_a_split_plan_is_a_message_to_its_own_recipients() -> None:
    to = [*people("a", "b", "a"), Recipient("0900000009", text="c")]
    parts = planned(to).split()
    assert [rows(part) for part in parts] == [[[("r0", "a"), ("r1", "b"), ("r2", "a")]], [[("m-3", "c")]]]
    last = parts[1]
    assert [(recipient.number, recipient.reference) for recipient in last.message.to] == [("0900000009", "m-3")]
    assert [destination.position for destination in last.destinations] == [0]
    assert last.rendered == last.destinations == last.sends[0].destinations
    assert last.sends[0].message is last.message
    again = make_plan(last.message, INFO, NOW)
    assert (again.rendered, again.sends) == (last.rendered, last.sends)


def test_a_text_that_takes_several_requests_is_not_torn_apart() -> None:
    plan = planned(people("one end", "two end", "one end", "three"), in_halves, ONE_TEXT)
    assert len(plan.sends) == 4
    assert [rows(part) for part in plan.split()] == [
        [[("r0/1", "one"), ("r2/1", "one")], [("r0/2", "end"), ("r2/2", "end")]],
        [[("r1/1", "two")], [("r1/2", "end")]],
        [[("r3", "three")]],
    ]
    first = plan.split()[0]
    assert [destination.reference for destination in first.destinations] == ["r0/1", "r0/2", "r2/1", "r2/2"]
    assert [destination.reference for destination in first.rendered] == ["r0", "r2"]


def test_a_plan_without_some_recipients() -> None:
    plan = planned(people("a", "b", "c", "d", "e")).without({1, 3, 4})
    assert rows(plan) == [[("r0", "a"), ("r2", "c")]]
    assert [recipient.reference for recipient in plan.message.to] == ["r0", "r2"]
    assert [destination.position for destination in plan.rendered] == [0, 1]
    with pytest.raises(InvalidMessage, match="is empty"):
        plan.without({0, 1})


def test_who_cannot_be_sent_to_is_left_out_and_told_why() -> None:
    to = [*people("a", "", "a"), Recipient("1"), Recipient("0900000000", text="a"), Recipient("0900000007", text="x")]
    to.append(Recipient("0900000008", text="y", reference="r0"))
    plan = planned(to)
    assert rows(plan) == [[("r0", "a"), ("r2", "a"), ("m-5", "x")]]
    assert {position: str(error) for position, error in plan.refused.items()} == {
        1: "to[1].text: is empty: vendors refuse that, some after a charge",
        3: "to[3].number: has no country code that can be told: write + in front of it",
        6: "to[6].reference: 'r0' is that of to[0] too: reports could not be told apart",
    }
    assert [(duplicate.position, duplicate.of) for duplicate in plan.duplicates] == [(4, 0)]


def test_a_capability_that_single_recipients_need_is_refused_to_them() -> None:
    to = [Recipient("0900000001", text="a", email="a@example.org"), Recipient("0900000002", text="a")]
    plan = planned(to, info=attrs.evolve(INFO, capabilities=ALL - {Capability.EMAIL}))
    assert isinstance(plan.refused[0], Unsupported)
    assert len(plan.destinations) == 1
    with pytest.raises(Unsupported):
        make_plan(Message("x", to, subject="s"), attrs.evolve(INFO, capabilities=frozenset()), NOW, skip_refused=True)


def test_a_vendor_that_refuses_nobody_is_asked_once() -> None:
    vendor = Refusing(lambda _message, _destinations: None)
    assert len(planned(people(*"abcdefgh"), vendor).destinations) == 8
    assert vendor.asked == [8]


def test_a_vendor_s_refusal_names_the_recipient_by_its_place_in_the_whole_message() -> None:
    def problem(message: Message, _: tuple[Destination, ...]) -> tuple[str, str] | None:
        for place, recipient in enumerate(message.to):  # as a provider may do it, rather than by its destinations
            if "!" in (recipient.text or ""):
                return f"to[{place}].text", "is too loud"
        return None

    vendor = Refusing(problem)
    plan = planned([Recipient("1"), *people("a", "b!", "c", "d!", "b!")], vendor)
    assert rows(plan) == [[("r0", "a"), ("r2", "c")]]
    assert [(position, str(plan.refused[position])) for position in (2, 4, 5)] == [
        (2, "to[2].text: is too loud"),
        (4, "to[4].text: is too loud"),
        (5, "to[5].text: is too loud"),
    ]
    assert vendor.asked == [5, 1, 1, 1, 1, 1, 2]


def test_a_repetition_of_somebody_refused_is_refused_and_no_repetition() -> None:
    def problem(_: Message, destinations: tuple[Destination, ...]) -> tuple[str, str] | None:
        for destination in destinations:
            if destination.text == "b!":
                return destination.text_path, "is too loud"
        return None

    to = [Recipient("0900000001", text="b!"), Recipient("0900000001", text="b!"), *people("a")]
    plan = planned(to, Refusing(problem))
    assert sorted(plan.refused) == [0, 1]
    assert plan.duplicates == ()


def test_a_rule_about_several_together_leaves_out_whom_it_names() -> None:
    def problem(_: Message, destinations: tuple[Destination, ...]) -> tuple[str, str] | None:
        for destination in destinations:
            if len(destinations) > 1 and "$" in destination.text:
                return destination.text_path, "has $ in it: send to this number alone"
        return None

    plan = planned(people("a", "$", "b", "$$"), Refusing(problem))
    assert rows(plan) == [[("r0", "a"), ("r2", "b")]]
    assert [plan.refused[position].reason for position in (1, 3)] == ["has $ in it: send to this number alone"] * 2
    assert rows(planned(people("$"), Refusing(problem))) == [[("r0", "$")]]


@pytest.mark.parametrize("field", ["options.event", "to[7].text", "to"])
def test_a_rule_that_names_nobody_there_is_about_the_whole_message(field: str) -> None:
    def problem(_: Message, destinations: tuple[Destination, ...]) -> tuple[str, str] | None:
        return (field, "is not possible for several") if len(destinations) > 1 else None

    with pytest.raises(InvalidMessage, match="for several"):
        planned(people("a", "b"), Refusing(problem))


def test_references_that_a_vendor_makes_up_are_told_apart_too() -> None:
    to = [Recipient("0900000001", text="a b", reference="r"), Recipient("0900000002", text="c", reference="r/2")]
    with pytest.raises(InvalidMessage, match="is that of to") as caught:
        make_plan(Message("", to), ONE_TEXT, NOW, in_halves)
    assert caught.value.field == "to[1].reference"
    plan = planned(to, in_halves, ONE_TEXT)
    assert rows(plan) == [[("r/1", "a")], [("r/2", "b")]]
    assert plan.refused[1].reason == "'r/2' is that of to[0] too: reports could not be told apart"


def test_if_nobody_is_left_nothing_is_to_be_sent() -> None:
    plan = planned([Recipient("1"), Recipient("0900000001", text="")])
    assert (plan.sends, plan.rendered, plan.split()) == ((), (), ())
    assert sorted(plan.refused) == [0, 1]


def test_twice_the_recipients_are_about_twice_the_work() -> None:
    """Requests of one recipient each, of whom a third is refused by the vendor."""

    def problem(message: Message, _: tuple[Destination, ...]) -> tuple[str, str] | None:
        for place, recipient in enumerate(message.to):
            if "!" in (recipient.text or ""):
                return f"to[{place}].text", "is too loud"
        return None

    def calls(count: int) -> int:
        to = people(*(f"{number}!" if number % 3 == 0 else str(number) for number in range(count)))
        return calls_of(lambda: planned(to, Refusing(problem), attrs.evolve(INFO, limits=Limits(1))).split())

    assert calls(400) < 2.2 * calls(200)


def calls_of(run: Callable[[], object]) -> int:
    """How many functions of Python are called."""
    count = 0

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count
