"""Machines that do all that can happen to rows, in any order, against the vendors' own books of what they took."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from outbox_vendor import HASH_KEY, Answer, Vendor, accepted_but_unheard
from test_settling import KEYED

from sms_core import DeliveryReport, DeliveryStatus, Message, TransportError
from sms_core.http import Request, Response
from sms_core.provider import Limits
from sms_core_outbox import Alarm, Failover, Outbox, Row, State
from tests.support.tiny import INFO, fields_of

NUMBERS = ("+886900000001", "+886900000002")
TEXTS = ("hi", "ho")


class Machine(RuleBasedStateMachine):
    """Puts, passes that end well and badly, lost holders with late answers, reports early and late, a person's word."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = self.make_vendor()
        self.alarms: list[Alarm] = []
        options: dict[str, Any] = {"hash_key": HASH_KEY, "on_alarm": self.alarms.append, "concurrency": 1}
        self.outbox = Outbox("sqlite://", accounts={"main": self.vendor.client()}, **options)
        self.outbox.create()
        self.count = 0

    def make_vendor(self) -> Vendor:
        return Vendor()

    def teardown(self) -> None:
        self.outbox.close()

    @rule(number=st.sampled_from(NUMBERS), text=st.sampled_from(TEXTS))
    def put(self, number: str, text: str) -> None:
        self.count += 1
        ticket = self.outbox.put(Message(text, number), key=f"k{self.count}")
        assert ticket.is_new
        assert not self.outbox.put(Message(text, number), key=f"k{self.count}").is_new

    def drain(self, *answers: Answer) -> None:
        self.vendor.answers = [*answers]
        self.outbox.drain()
        self.vendor.answers = []

    @rule()
    def all_goes_well(self) -> None:
        self.drain()

    @rule()
    def nothing_is_reached(self) -> None:
        self.drain(*[TransportError("no connection", sent=False)] * 3)
        self.execute("UPDATE sms_outbox_row SET ready_at = 0 WHERE state = 'ready'")  # the backoff is over

    @rule()
    def the_answer_is_lost(self) -> None:
        self.drain(accepted_but_unheard(self.vendor))

    @rule()
    def the_request_is_lost(self) -> None:
        self.drain(TransportError("cut off", sent=True))

    @rule()
    def it_is_refused(self) -> None:
        self.drain("NO text")

    @rule(decision=st.sampled_from([None, State.NOT_SENT, State.REFUSED]), reported=st.booleans())
    def the_holder_is_taken_for_lost_and_answers_late(self, decision: State | None, reported: bool) -> None:
        def answer_late(request: Request) -> Response:
            batch = self.vendor.take(request)
            number = self.vendor.taken[-1][0]
            before = {row.id for row in self.outbox.unknown()}
            self.execute("UPDATE sms_outbox_row SET state = 'unknown' WHERE state = 'sending'")
            lost = [row for row in self.outbox.unknown() if row.id not in before]
            if decision is not None:
                for row in lost:
                    self.outbox.resolve(row, decision, because="nothing was heard", by="ann")
            if reported:
                self.outbox.record(report(number, batch))
            return Response(200, body=f"OK {batch}".encode())

        self.drain(answer_late)

    @rule(data=st.data())
    def a_report_comes(self, data: st.DataObject) -> None:
        if not self.vendor.taken:
            return
        place = data.draw(st.integers(1, len(self.batches())))
        batch = f"b{place}"
        for number in self.batches()[batch]:
            self.outbox.record(report(number, batch))

    @precondition(lambda self: self.outbox.unknown())
    @rule(known=st.booleans())
    def the_vendor_is_asked(self, known: bool) -> None:
        pairs = {number: batch for batch, numbers in self.batches().items() for number in numbers} if known else {}
        self.vendor.found = " ".join(f"{number}={batch}" for number, batch in pairs.items())
        self.outbox.settle()

    @precondition(lambda self: self.outbox.unknown())
    @rule(outcome=st.sampled_from([State.ACCEPTED, State.REFUSED, State.NOT_SENT]))
    def a_person_decides(self, outcome: State) -> None:
        row = self.outbox.unknown()[-1]
        self.outbox.resolve(row, outcome, because="as its page shows", by="ann")

    def execute(self, statement: str) -> None:
        with self.outbox._database.write() as connection:
            connection.exec_driver_sql(statement)

    def batches(self) -> dict[str, list[str]]:
        return self.vendor.batches

    def rows(self) -> list[Row]:
        return [row for number in range(1, self.count + 1) for row in self.outbox.get(f"k{number}").rows]

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        """Each acceptance at the vendor is of a row of its own: as many at most as were put."""
        put = Counter(row.number for row in self.rows())
        taken = Counter(number for number, _ in self.vendor.taken)
        assert all(taken[number] <= put[number] for number in NUMBERS)
        assert not any(alarm.kind == "double" for alarm in self.alarms)

    @invariant()
    def no_batch_is_two_rows(self) -> None:
        places = Counter((row.batch_id, row.number) for row in self.rows() if row.batch_id)
        assert all(count == 1 for count in places.values()), places

    @invariant()
    def what_the_holder_heard_stays(self) -> None:
        """A row whose own send was answered with a yes is accepted, whatever else was said of it."""
        for row in self.rows():
            own = [change for change in row.history if change.state is State.ACCEPTED and change.batch_id]
            by_holder = [change for change in own if change.by not in ("settling", "report")]
            if by_holder:
                assert row.state is State.ACCEPTED
                assert row.batch_id == by_holder[0].batch_id

    @invariant()
    def nothing_is_left_in_hand(self) -> None:
        assert State.SENDING not in {row.state for row in self.rows()}

    @invariant()
    def the_history_ends_where_the_row_is(self) -> None:
        for row in self.rows():
            assert row.state in {change.state for change in row.history}


@attrs.define
class KeyedVendor(Vendor):
    """It takes each recipient's key once: asked again under it, it gives the batch of the first time."""

    known: dict[str, str] = attrs.field(factory=dict)

    def take(self, request: Request) -> str:
        (key,) = fields_of(request)["references"]  # one a request, for its answer names one batch
        if key not in self.known:
            self.known[key] = Vendor.take(self, request)
        return self.known[key]


class KeyedMachine(Machine):
    """The same at a vendor that may be asked again under its keys."""

    def make_vendor(self) -> Vendor:
        return KeyedVendor(info=attrs.evolve(INFO, replay=KEYED.replay, limits=Limits(recipients=1)))

    @precondition(lambda self: self.outbox.unknown())
    @rule(lost=st.booleans())
    def it_is_asked_again_under_its_key(self, lost: bool) -> None:
        self.vendor.found = ""
        self.vendor.answers = [accepted_but_unheard(self.vendor)] if lost else []
        self.outbox.settle(replay=True)
        self.vendor.answers = []


class FailoverMachine(RuleBasedStateMachine):
    """Two vendors of one account: what one surely did not take goes to the other, and late answers count all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.vendors = {"first": Vendor(), "second": Vendor()}
        self.alarms: list[Alarm] = []
        clients = {name: vendor.client(retries=0) for name, vendor in self.vendors.items()}
        options: dict[str, Any] = {"hash_key": HASH_KEY, "on_alarm": self.alarms.append, "concurrency": 1}
        self.outbox = Outbox("sqlite://", accounts={"main": Failover(clients)}, **options)
        self.outbox.create()
        self.count = 0

    def teardown(self) -> None:
        self.outbox.close()

    @rule(number=st.sampled_from(NUMBERS), text=st.sampled_from(TEXTS))
    def put(self, number: str, text: str) -> None:
        self.count += 1
        self.outbox.put(Message(text, number), key=f"k{self.count}")

    @rule(endings=st.lists(st.sampled_from(["accept", "away", "unheard", "cut off", "NO text", "late"]), max_size=6))
    def drain(self, endings: list[str]) -> None:
        for place, ending in enumerate(endings):
            vendor = list(self.vendors.values())[place % 2]
            vendor.answers.append(self.answer(vendor, ending))
        self.outbox.drain()
        for vendor in self.vendors.values():
            vendor.answers = []
        with self.outbox._database.write() as connection:  # backoffs and rests are over
            connection.exec_driver_sql("UPDATE sms_outbox_row SET ready_at = 0 WHERE state = 'ready'")
            connection.exec_driver_sql("UPDATE sms_outbox_account SET rests_until = 1 WHERE rests_until IS NOT NULL")

    def answer(self, vendor: Vendor, ending: str) -> Answer:
        def answer_late(request: Request) -> Response:
            batch = vendor.take(request)
            with self.outbox._database.write() as connection:
                connection.exec_driver_sql("UPDATE sms_outbox_row SET state = 'unknown' WHERE state = 'sending'")
            return Response(200, body=f"OK {batch}".encode())

        special: dict[str, Answer] = {
            "away": TransportError("no connection", sent=False),
            "unheard": accepted_but_unheard(vendor),
            "cut off": TransportError("cut off", sent=True),
            "late": answer_late,
        }
        return special.get(ending, ending)

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        rows = [row for number in range(1, self.count + 1) for row in self.outbox.get(f"k{number}").rows]
        taken = Counter(number for vendor in self.vendors.values() for number, _ in vendor.taken)
        assert all(taken[number] <= count for number, count in Counter(row.number for row in rows).items())
        accepted = Counter(row.number for row in rows if row.state is State.ACCEPTED)
        assert all(count <= taken[number] for number, count in accepted.items())
        assert not any(alarm.kind == "double" for alarm in self.alarms)
        places = Counter((row.vendor, row.batch_id, row.number) for row in rows if row.batch_id)
        assert all(count == 1 for count in places.values()), places

    @invariant()
    def what_waits_was_surely_not_taken(self) -> None:
        """By nobody: a row goes on, or is refused, only after the vendor's own word or a failure before any byte."""
        for number in NUMBERS:
            rows = self.outbox.find(number=number)
            doubtful = sum(row.state in (State.ACCEPTED, State.UNKNOWN) for row in rows)
            taken = sum(found == number for vendor in self.vendors.values() for found, _ in vendor.taken)
            assert taken <= doubtful


def report(number: str, batch: str) -> DeliveryReport:
    return DeliveryReport(number, DeliveryStatus.DELIVERED, batch, key=f"{batch} {number}")


TestModel = Machine.TestCase
TestModel.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
TestKeyed = KeyedMachine.TestCase
TestKeyed.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
TestFailover = FailoverMachine.TestCase
TestFailover.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
