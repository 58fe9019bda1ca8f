"""The promise under fire: tests that break a vendor's sandbox in every way, and hold the results against what it took.

A vendor's test file names the messages to send and how its requests are called::

    from sms_core_kit.faults import FaultChecks, Read, personal, plain

    class TestAcmeUnderFire(FaultChecks):
        provider = "acme"
        sends = (plain, personal)
        reads = (Read("balance", lambda sms, result: sms.balance()),)

It needs the sandbox: ``pip install sms-core-sandbox``.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from attrs import field, frozen

import sms_core
from sms_core import (
    Client,
    DeliveryStatus,
    MemorySessions,
    Message,
    Outcome,
    Recipient,
    SendError,
    SendResult,
    SessionStore,
    SmsError,
)
from sms_core.model import RecipientOutcome
from sms_core.testing import check_promise, connect_provider
from sms_core_kit.sandboxes import fault_kinds, open_sandbox
from sms_core_kit.selection import offer_test
from sms_core_kit.stage import no_sleep

if TYPE_CHECKING:
    from sms_core_sandbox import RequestInfo, Sandbox

NUMBERS = tuple(f"+8869000000{n:02}" for n in range(1, 9))
"""Recipients who get what they are sent, in the sandbox."""
MANY_NUMBERS = tuple(f"+8869{group:05}{n:03}" for group in range(8) for n in range(1, 9))
"""The same for the random runs, which share them: so many that a vendor asked for a number's messages has few to tell."""
TOO_LATE = ("slow", "late")
"""The faults after which an answer comes when the client has given up."""
ANSWERED_NO = frozenset({"429", "403"})
"""The faults after which the vendor has said that it did nothing; after all others a client cannot know."""
MOST_PATIENCE = 0.3
"""Seconds until a client gives up where the vendor is slow; its answer comes later than that."""
ENOUGH = 10.0
"""Seconds until it does elsewhere, however busy the machine is."""
LATENESS = 3 * MOST_PATIENCE
"""Seconds that a slow vendor takes."""

MakeMessage = Callable[[str, Sequence[str]], Message]
"""Makes a message of a text and numbers. Each text that arrives has to begin with that text."""


def plain(text: str, numbers: Sequence[str]) -> Message:
    """One text to all."""
    return Message(text, numbers)


def personal(text: str, numbers: Sequence[str]) -> Message:
    """Texts of their own, some of them alike."""
    return Message("", [Recipient(number, text=f"{text} {n % 3}") for n, number in enumerate(numbers)])


def with_params(text: str, numbers: Sequence[str]) -> Message:
    """A text with a placeholder."""
    to = [Recipient(number, params={"name": str(n % 2)}) for n, number in enumerate(numbers)]
    return Message(text + " {name}", to)


def booked(text: str, numbers: Sequence[str]) -> Message:
    """One text to all, tomorrow."""
    return Message(text, numbers, send_at=datetime.now(UTC) + timedelta(days=1))


@frozen
class ByMethod:
    """The requests of one HTTP method, for a vendor whose paths do not tell a send from a question."""

    method: str

    def __call__(self, info: RequestInfo) -> bool:
        """Whether the request is one of them."""
        return info.method == self.method


Match = str | ByMethod
"""Which requests are meant: a part of their path or SOAPAction, in any case; or their method."""


@frozen
class Read:
    """A question: which request asks it, and how it is asked.

    ``about`` makes the message of ``recipients`` that is sent before. ``bare_number`` says that the answer is a number
    and nothing else, so that half of it, correctly framed, is a number too: nobody can tell.
    """

    match: Match
    ask: Callable[[Client, SendResult], Any]
    about: MakeMessage = plain
    recipients: int = 1
    bare_number: bool = False


@frozen
class Trial:
    """One send with one fault: what it came to, and what `Client.settle` made of that."""

    box: Sandbox = field(repr=False)
    fault: str
    make: MakeMessage
    result: SendResult
    settled: SendResult

    @property
    def unknown(self) -> list[RecipientOutcome]:
        """The rows that the send left open."""
        return _unknown(self.result)

    @property
    def left(self) -> list[RecipientOutcome]:
        """The rows that are open still."""
        return _unknown(self.settled)


class FaultChecks:
    """Every fault in every kind of request, and random ones in all: nothing is sent twice, said wrongly, or lost.

    ``provider`` is the name of an installed provider; one that is not installed has its module or object as ``plugin``
    and its ``face`` beside it. ``sends`` are the kinds of messages, ``reads`` the questions. ``send_match``,
    ``login_match`` and ``cancel_match`` tell which requests send, log in and cancel; without the last two there is no
    such test. ``options`` are the DSN options of every client, ``wires`` those that make another wire, with each of
    which each send is tried, and ``random_options`` those that the random runs choose from. ``answered_no`` are the
    faults after which the vendor has said that it did nothing, ``credit_after`` is how many messages `out_of_credit`
    lets through. `open_box`, `numbers_for`, `check_settled` and `check_evidence` are for a vendor to override.
    """

    provider: ClassVar[str]
    plugin: ClassVar[object] = None
    face: ClassVar[Callable[[Any], Any] | None] = None
    sends: ClassVar[Sequence[MakeMessage]] = (plain,)
    reads: ClassVar[Sequence[Read]] = ()
    send_match: ClassVar[Match] = "send"
    login_match: ClassVar[Match | None] = None
    cancel_match: ClassVar[Match | None] = None
    options: ClassVar[Mapping[str, str]] = {}
    wires: ClassVar[Sequence[Mapping[str, str]]] = ({},)
    random_options: ClassVar[Mapping[str, Sequence[str]]] = {}
    answered_no: ClassVar[frozenset[str]] = ANSWERED_NO
    credit_after: ClassVar[int] = 1
    most_recipients: ClassVar[int] = 5
    runs: ClassVar[int] = 100
    threads: ClassVar[int] = 4

    def __init_subclass__(cls) -> None:
        """Leave out the tests of what the vendor does not have."""
        super().__init_subclass__()
        for name, needed in {
            "test_each_fault_in_each_read": cls.reads,
            "test_each_fault_in_the_login": cls.login_match,
            "test_each_fault_in_a_cancel": cls.cancel_match,
        }.items():
            offer_test(cls, FaultChecks, name, offered=bool(needed))

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each fault with each send, and with each read that can have it."""
        names = metafunc.fixturenames
        in_time = _in_time()
        if "read" in names:
            metafunc.parametrize(("read", "fault"), list(self._reads_with_faults([*in_time, "slow"])))
        elif "fault" in names:
            metafunc.parametrize("fault", [*in_time, "slow"])
        if "lateness" in names:
            metafunc.parametrize("lateness", TOO_LATE)
        if "make" in names:
            metafunc.parametrize("make", self.sends, ids=lambda make: make.__name__)
        if "wire" in names:
            metafunc.parametrize("wire", self.wires, ids=lambda wire: "-".join(wire.values()) or "as-it-is")

    def _reads_with_faults(self, kinds: Iterable[str]) -> Iterator[Any]:
        for kind in kinds:
            for number, read in enumerate(self.reads):
                if kind != "half_text" or not read.bare_number:
                    name = read.match if isinstance(read.match, str) else read.match.method
                    yield pytest.param(read, kind, id=f"{number}-{name}-{kind}")

    # What a vendor may override

    @classmethod
    def open_box(cls) -> Sandbox:
        """The sandbox, with this vendor alone."""
        return open_sandbox(faces=[cls.provider] if cls.face is None else {cls.provider: cls.face})

    def numbers_for(self, make: MakeMessage) -> Sequence[str]:
        """The recipients of a random run's message."""
        del make
        return MANY_NUMBERS

    def check_settled(self, box: Sandbox, result: SendResult, settled: SendResult) -> None:
        """What settling may never do: change what was known. A vendor adds what it can be held to."""
        del box
        for before, after in zip(result.outcomes, settled.outcomes, strict=True):
            assert before.outcome is Outcome.UNKNOWN or after == before

    def check_evidence(self, trial: Trial) -> None:
        """What settling has to tell after one fault. Without more ado it need not tell anything."""

    # The tools of the tests

    @pytest.fixture(scope="class")
    @classmethod
    def running_box(cls) -> Iterator[Sandbox]:
        """One sandbox for all tests of the class."""
        with cls.open_box() as box:
            yield box

    @pytest.fixture
    def box(self, running_box: Sandbox) -> Sandbox:
        """The sandbox, empty."""
        running_box.reset()
        return running_box

    def connect(self, box: Sandbox, fault: str = "", **options: str) -> Client:
        """A client that waits for no retry. Its patience is short where the vendor is slow."""
        return self._open(box, fault, MemorySessions(), options)

    @contextmanager
    def connect_both(self, box: Sandbox, fault: str) -> Generator[tuple[Client, Client]]:
        """A patient client and, with the same login, one that meets the fault.

        What goes before the fault and comes after it must not fail because the machine is busy.
        """
        sessions = MemorySessions()
        with self._open(box, "", sessions, {}) as patient, self._open(box, fault, sessions, {}) as sms:
            yield patient, sms

    def _open(self, box: Sandbox, fault: str, sessions: SessionStore, options: Mapping[str, str]) -> Client:
        patience = MOST_PATIENCE if fault in TOO_LATE else ENOUGH
        dsn = box.dsn(self.provider, **{"read_timeout": str(patience), **self.options, **options})
        if self.plugin is None:
            return sms_core.connect(dsn, sessions=sessions, sleep=no_sleep)
        return connect_provider(self.plugin, dsn, sessions=sessions, sleep=no_sleep)

    def send(self, sms: Client, message: Message) -> SendResult:
        """The result of a send, however it ends."""
        try:
            return sms.send(message)
        except SendError as error:
            return error.result

    def check(self, box: Sandbox, result: SendResult, mark: str = "mark") -> None:
        """The promise; and that what the vendor said it accepted has a batch. What settling finds may have none."""
        check_promise(box.exchange, result, mark)
        assert all(row.batch_id for row in result.outcomes if row.outcome is Outcome.ACCEPTED)

    def settle(self, box: Sandbox, sms: Client, result: SendResult, mark: str = "mark") -> SendResult:
        """Ask the vendor, by a replay too where it takes a key, and hold the answers against what it really has."""
        settled = sms.settle(result)
        check_promise(box.exchange, settled, mark)
        self.check_settled(box, result, settled)
        if sms.info.replay is not None:
            replayed = sms.settle(settled, replay=True)
            check_promise(box.exchange, replayed, mark)
            self.check_settled(box, settled, replayed)
        return settled

    # The tests

    def test_each_fault_in_each_send(
        self, box: Sandbox, fault: str, make: MakeMessage, wire: Mapping[str, str]
    ) -> None:
        """The outcomes are true, and open only where nobody can know; settling makes them no less true."""
        box.faults.add(fault, match=self.send_match, times=1, after=self.credit_after, seconds=LATENESS)
        with self.connect(box, fault, batch_size="2", **wire) as sms:
            result = self.send(sms, make("mark", NUMBERS[:3]))
            self.check(box, result)
        assert fault not in self.answered_no or not _unknown(result)
        with self.connect(box, batch_size="2", **wire) as patient:
            settled = self.settle(box, patient, result)
        self.check_evidence(Trial(box, fault, make, result, settled))

    def test_an_answer_that_comes_too_late(self, box: Sandbox, lateness: str, wire: Mapping[str, str]) -> None:
        """Silence proves nothing while the vendor may still be at work; and it is not asked again."""
        box.faults.add(lateness, match=self.send_match, times=1, seconds=LATENESS)
        with self.connect(box, lateness, **wire) as sms:
            result = self.send(sms, plain("mark", NUMBERS[:2]))
        outcomes = [row.outcome for row in result.outcomes]
        assert outcomes[0] is Outcome.UNKNOWN
        assert set(outcomes) <= {Outcome.UNKNOWN, Outcome.NOT_SENT}
        taken = outcomes.count(Outcome.UNKNOWN)
        assert box.exchange.wait_for(lambda: len(box.exchange.accepted) == taken)
        self.check(box, result)

    def test_each_fault_in_each_read(self, box: Sandbox, read: Read, fault: str) -> None:
        """The answer is as it is without the fault, or a named error."""
        with self.connect_both(box, fault) as (patient, sms):
            result = patient.send(read.about("mark", NUMBERS[: read.recipients]))
            undisturbed = read.ask(patient, result)
            box.faults.add(fault, match=read.match, times=1, seconds=LATENESS)
            try:
                assert read.ask(sms, result) == undisturbed
            except SmsError as error:
                _assert_tells_of_nobody(error)
            assert len(box.faults.applied) == 1
        self.check(box, result)

    def test_each_fault_in_the_login(self, box: Sandbox, fault: str) -> None:
        """Nothing of a message leaves before the login has succeeded, so nothing is ever unknown."""
        box.faults.add(fault, match=self.login_match, times=1, seconds=LATENESS)
        with self.connect(box, fault) as sms:
            result = self.send(sms, plain("mark", NUMBERS[:2]))
        assert len(box.faults.applied) == 1
        assert {row.outcome for row in result.outcomes} <= {Outcome.ACCEPTED, Outcome.NOT_SENT}
        self.check(box, result)

    def test_each_fault_in_a_cancel(self, box: Sandbox, fault: str) -> None:
        """A cancel is not repeated once it may have been read; the points come back once or not at all."""
        with self.connect_both(box, fault) as (patient, sms):
            before = patient.balance().credit
            result = patient.send(booked("mark", NUMBERS[:1]))
            cost = before - patient.balance().credit
            box.faults.add(fault, match=self.cancel_match, times=1, seconds=LATENESS)
            try:
                assert sms.cancel(result.batches[0]).count == 1
            except SmsError as error:
                _assert_tells_of_nobody(error)
            assert len(box.faults.applied) == 1
            cancelled = box.exchange.messages[0].status is DeliveryStatus.CANCELLED
            assert patient.balance().credit == (before if cancelled else before - cost)

    def test_many_threads_with_a_wrong_password_show_it_once(self, box: Sandbox) -> None:
        """A vendor blocks an account after a few wrong logins."""
        with self.connect(box, password="wrong") as sms, ThreadPoolExecutor(8) as pool:  # noqa: S106 - it is wrong
            messages = [plain(f"mark {number}", NUMBERS[:1]) for number in range(16)]
            results = list(pool.map(partial(self.send, sms), messages))
        outcomes = {row.outcome for result in results for row in result.outcomes}
        assert outcomes <= {Outcome.REFUSED, Outcome.NOT_SENT}
        assert (box.exchange.login_count, box.exchange.accepted) == (1, ())

    def test_random_runs(self, box: Sandbox) -> None:
        """Seeded runs, several threads at a time, any fault in any request."""
        box.faults.choose = _Dice(_in_time()).choose
        with ThreadPoolExecutor(self.threads) as pool:
            runs = list(pool.map(partial(self._run, box), range(self.runs)))
        for mark, result, settled in runs:
            self.check(box, result, mark)
            if settled is not None:
                check_promise(box.exchange, settled, mark)
        outcomes = {row.outcome for _, result, _ in runs for row in result.outcomes}
        assert outcomes == set(Outcome), "the runs did not reach every outcome"
        answered = [settled for _, _, settled in runs if settled is not None]
        assert len(answered) > len(runs) / 2, "most of the runs could not be settled"

    def _run(self, box: Sandbox, seed: int) -> tuple[str, SendResult, SendResult | None]:
        """One send with what its seed chooses, settled at its end where the faults let it."""
        chance = random.Random(seed)  # noqa: S311 - for tests
        mark = f"run {seed}|"
        make = chance.choice(self.sends)
        numbers = chance.sample(self.numbers_for(make), chance.randint(1, self.most_recipients))
        message = make(mark, numbers)
        options = {name: chance.choice(values) for name, values in self.random_options.items()}
        with self.connect(box, "slow", batch_size=str(chance.randint(1, 4)), **options) as sms:
            result = self.send(sms, message)
            try:
                settled = sms.settle(result, replay=sms.info.replay is not None)
            except SmsError as error:
                _assert_tells_of_nobody(error)
                return mark, result, None
        self.check_settled(box, result, settled)
        return mark, result, settled


class _Dice:
    """Which fault a request gets: often none, seldom one that takes time, and no credit more often than another.

    That is the one which refuses a message, and a hundred runs have to see it, whatever the order of the threads.
    """

    def __init__(self, in_time: Sequence[str]) -> None:
        nothing = [None] * (3 * len(in_time) + 1)
        self._kinds: list[str | None] = [*list(in_time) * 4, *["out_of_credit"] * 12, "slow", *nothing]
        self._random = random.Random(4711)  # noqa: S311 - for tests
        self._lock = threading.Lock()

    def choose(self, info: RequestInfo) -> str | None:
        """The next request's fault. The sandbox's threads may ask."""
        del info
        with self._lock:
            return self._random.choice(self._kinds)


def _assert_tells_of_nobody(error: SmsError) -> None:
    """Only the error of a send has outcomes."""
    assert not isinstance(error, SendError) or not error.result.outcomes


def _in_time() -> list[str]:
    """The faults that take no time."""
    return [kind for kind in fault_kinds() if kind not in TOO_LATE]


def _unknown(result: SendResult) -> list[RecipientOutcome]:
    return [row for row in result.outcomes if row.outcome is Outcome.UNKNOWN]
