"""The promise under fire, over HTTP and SOAP: what the vendor really accepted is exactly what the result says."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import frozen

import sms_core
import sms_core_every8d
from sms_core import (
    Client,
    DeliveryStatus,
    Media,
    Message,
    Outcome,
    OutcomeUnknown,
    Recipient,
    SendError,
    SendResult,
    SmsError,
)
from sms_core.testing import check_promise
from sms_core_sandbox import Sandbox
from sms_core_sandbox.faults import KINDS

NUMBERS = [f"+8869000000{n:02}" for n in range(1, 9)]
FILTERED = sms_core_every8d.SendOptions(skip_duplicates=True)
PICTURE = Media(b"\x89PNG\r\n\x1a\npicture", "png")

OUTCOMES_LEFT_OPEN = frozenset(KINDS) - {"429", "403"}
"""After these a client cannot know; after the others the vendor has said that it did nothing."""
MOST_PATIENCE = 0.3
"""Seconds until a client gives up where the vendor is slow; its answer comes later than that."""
ENOUGH = 10.0
"""Seconds until it does elsewhere, however busy the machine is."""


def plain(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers)


def personal(text: str, numbers: list[str]) -> Message:
    return Message("", [Recipient(number, text=f"{text} {n % 3}") for n, number in enumerate(numbers)])


def with_params(text: str, numbers: list[str]) -> Message:
    return Message(
        text + " {name}", [Recipient(number, params={"name": f"{n % 2}"}) for n, number in enumerate(numbers)]
    )


def valid(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers, validity=timedelta(hours=1))


def valid_personal(text: str, numbers: list[str]) -> Message:
    to = [Recipient(number, text=f"{text} {n % 2}") for n, number in enumerate(numbers)]
    return Message("", to, validity=timedelta(hours=1))


def filtered(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers, options=FILTERED)


def filtered_personal(text: str, numbers: list[str]) -> Message:
    to = [Recipient(number, text=f"{text} {n % 2}") for n, number in enumerate(numbers)]
    return Message("", to, options=FILTERED)


def mms(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers, subject="subject", media=PICTURE)


def personal_mms(text: str, numbers: list[str]) -> Message:
    to = [Recipient(number, text=f"{text} {n}") for n, number in enumerate(numbers)]
    return Message("", to, subject="subject", media=PICTURE)


Make = Callable[[str, list[str]], Message]
BY_FILTER = {filtered, filtered_personal}
WITH_PICTURE = {mms, personal_mms}


@frozen
class Api:
    """One of the vendor's two APIs: what can be sent, and what its other requests are called.

    ``options`` are those of the DSN that make another wire. Of ``reads`` and ``login`` the name is a part of the path
    or the SOAPAction.
    """

    provider: str
    sends: tuple[Make, ...]
    login: str
    reads: tuple[tuple[str, Callable[[Client, str], Any]], ...]
    options: Mapping[str, tuple[str, ...]]
    bare_numbers: frozenset[str] = frozenset()


HTTP = Api(
    "every8d",
    sends=(plain, personal, with_params, filtered, filtered_personal, mms, personal_mms),
    login="ConnectionHandler",
    reads=(
        ("GetCredit", lambda sms, batch: sms.balance()),
        ("GetDeliveryStatus", lambda sms, batch: list(sms.reports(batch))),
        ("GetReplyMessage", lambda sms, batch: list(sms.inbound(batch))),
        ("ConnectionHandler", lambda sms, batch: sms.check()),
    ),
    options={"auth": ("token", "password")},
    # Half of a bare number, correctly framed, is a number: nobody can tell.
    bare_numbers=frozenset({"GetCredit"}),
)
SOAP = Api(
    "every8d-soap",
    sends=(plain, personal, with_params, valid, valid_personal, mms, personal_mms),
    login="getConnection",
    reads=(
        ("getCredit", lambda sms, batch: sms.balance()),
        ("getDeliveryStatus", lambda sms, batch: list(sms.reports(batch))),
        ("getDeliveryStatus", lambda sms, batch: list(sms.inbound(batch))),
        ("getCredit", lambda sms, batch: sms.check()),
    ),
    options={"soap": ("1.1", "1.2")},
)


@frozen
class Vendor:
    """An API of the sandbox, with a filter that sees all sends or only filtered ones. SOAP cannot ask it."""

    api: Api
    box: Sandbox
    sees_all: bool = False
    runs: int = 500

    def client(self, kind: str = "", **options: object) -> Client:
        """A client whose patience is short where the vendor is slow."""
        patience = MOST_PATIENCE if kind in {"slow", "late"} else ENOUGH
        witness = {"filter_sees_all": str(self.sees_all).lower()} if self.api is HTTP else {}
        dsn = self.box.dsn(self.api.provider, read_timeout=patience, **{**witness, **options})
        return sms_core.connect(dsn, sleep=lambda seconds: None)


FILTERED_ONLY, SEES_ALL = "every8d, filter sees filtered sends", "every8d, filter sees all"
API_OF = {FILTERED_ONLY: HTTP, SEES_ALL: HTTP, "every8d-soap": SOAP}
WITH_FILTER = [name for name, api in API_OF.items() if api is HTTP]


@pytest.fixture(scope="module")
def vendors() -> Iterator[dict[str, Vendor]]:
    made = {
        FILTERED_ONLY: Vendor(HTTP, Sandbox()),
        SEES_ALL: Vendor(HTTP, Sandbox(filter_sees_all=True), sees_all=True),
        "every8d-soap": Vendor(SOAP, Sandbox(), runs=1000),
    }
    with ExitStack() as running:
        for one in made.values():
            running.enter_context(one.box)
        yield made


@pytest.fixture
def vendor(request: pytest.FixtureRequest, vendors: dict[str, Vendor]) -> Vendor:
    """One of them, emptied."""
    one = vendors[request.param]
    one.box.reset()
    return one


every_vendor = pytest.mark.parametrize("vendor", API_OF, indirect=True)


def send(sms: Client, message: Message) -> SendResult:
    try:
        return sms.send(message)
    except SendError as error:
        return error.result


def check(vendor: Vendor, mark: str, result: SendResult) -> None:
    """The promise, and that what was accepted has a batch."""
    check_promise(vendor.box.exchange, result, mark)
    assert all(row.batch_id for row in result.outcomes if row.outcome is Outcome.ACCEPTED)


IN_TIME = [kind for kind in KINDS if kind not in {"slow", "late"}]
FAULTS = [*IN_TIME, "slow"]


@pytest.mark.parametrize(
    ("vendor", "make"), [(name, make) for name, api in API_OF.items() for make in api.sends], indirect=["vendor"]
)
@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_in_each_send(vendor: Vendor, kind: str, make: Make) -> None:
    vendor.box.faults.add(kind, match="Send", times=1, after=1, seconds=3 * MOST_PATIENCE)
    with vendor.client(kind, batch_size=2) as sms:
        result = send(sms, make("mark", NUMBERS[:3]))
        check(vendor, "mark", result)
        unknown = [row for row in result.outcomes if row.outcome is Outcome.UNKNOWN]
        assert kind in OUTCOMES_LEFT_OPEN or not unknown
        settled = sms.settle(result)
    check_promise(vendor.box.exchange, settled, "mark")
    left = [row for row in settled.outcomes if row.outcome is Outcome.UNKNOWN]
    assert len(left) <= len(unknown)
    assert not any(row.batch_id for row in left), "the reports were there"
    if make in BY_FILTER or (vendor.sees_all and make not in WITH_PICTURE):
        assert not left, "the evidence was there"


@pytest.mark.parametrize(
    ("vendor", "name", "ask", "kind"),
    [
        pytest.param(name, match, ask, kind, id=f"{name}-{number}-{match}-{kind}")
        for name, api in API_OF.items()
        for number, (match, ask) in enumerate(api.reads)
        for kind in FAULTS
        if kind != "half_text" or match not in api.bare_numbers
    ],
    indirect=["vendor"],
)
def test_each_fault_in_each_read(vendor: Vendor, name: str, ask: Callable[[Client, str], Any], kind: str) -> None:
    with vendor.client(kind) as sms:
        result = sms.send("mark", NUMBERS[0])
        undisturbed = ask(sms, result.batches[0])
        vendor.box.faults.add(kind, match=name, times=1, seconds=3 * MOST_PATIENCE)
        try:
            assert ask(sms, result.batches[0]) == undisturbed
        except SmsError as error:
            assert not isinstance(error, SendError)
        assert len(vendor.box.faults.applied) == 1
    check(vendor, "mark", result)


@every_vendor
@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_in_the_login(vendor: Vendor, kind: str) -> None:
    """Nothing of a message leaves before the login has succeeded, so nothing is ever unknown."""
    vendor.box.faults.add(kind, match=vendor.api.login, times=1, seconds=3 * MOST_PATIENCE)
    with vendor.client(kind) as sms:
        result = send(sms, plain("mark", NUMBERS[:2]))
    assert len(vendor.box.faults.applied) == 1
    assert {row.outcome for row in result.outcomes} <= {Outcome.ACCEPTED, Outcome.NOT_SENT}
    check(vendor, "mark", result)


@every_vendor
@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_in_a_cancel(vendor: Vendor, kind: str) -> None:
    """A cancel is not repeated once it may have been read; the points come back once or not at all."""
    with vendor.client(kind) as sms:
        before = sms.balance().credit
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        batch = sms.send("mark", NUMBERS[0], send_at=tomorrow).batches[0]
        vendor.box.faults.add(kind, match="EraseBooking", times=1, seconds=3 * MOST_PATIENCE)
        try:
            assert sms.cancel(batch).count == 1
        except SmsError as error:
            assert not isinstance(error, SendError)
        assert len(vendor.box.faults.applied) == 1
        cancelled = vendor.box.exchange.messages[0].status is DeliveryStatus.CANCELLED
        assert sms.balance().credit == (before if cancelled else before - 1)


@pytest.mark.parametrize("vendor", WITH_FILTER, indirect=True)
def test_a_vendor_that_acts_after_the_time_out(vendor: Vendor) -> None:
    """Silence proves nothing while the vendor may still be at work."""
    vendor.box.faults.add("late", match="Send", times=1, seconds=3 * MOST_PATIENCE)
    with vendor.client("late", filter_sees_all="true") as sms:
        with pytest.raises(OutcomeUnknown) as caught:
            sms.send(filtered("mark", NUMBERS[:1]))
        assert [row.outcome for row in sms.settle(caught.value).outcomes] == [Outcome.UNKNOWN]
        assert vendor.box.exchange.wait_for(lambda: bool(vendor.box.exchange.accepted))
        assert [row.outcome for row in sms.settle(caught.value).outcomes] == [Outcome.ACCEPTED]


@pytest.mark.parametrize("vendor", WITH_FILTER, indirect=True)
def test_a_batch_that_the_caller_knows_is_not_taken_for_this_one(vendor: Vendor) -> None:
    """The same text went there before; this time the request was never read."""
    with vendor.client() as sms:
        earlier = sms.send(filtered("mark", NUMBERS[:1]))
        vendor.box.faults.add("drop_before", match="Send", times=1)
        with pytest.raises(OutcomeUnknown) as caught:
            sms.send(filtered("mark", NUMBERS[:1]))
        settled = sms.settle(caught.value, known_batches=earlier.batches)
    assert [row.outcome for row in settled.outcomes] == [Outcome.NOT_SENT]


@pytest.mark.parametrize("vendor", ["every8d-soap"], indirect=True)
@pytest.mark.parametrize(("kind", "taken"), [("drop_before", 0), ("drop_after", 1), ("late", 1)])
def test_over_soap_what_has_no_batch_stays_open_and_is_not_sent_again(vendor: Vendor, kind: str, taken: int) -> None:
    """No filter can be asked there; and the vendor is not asked anything."""
    vendor.box.faults.add(kind, match="sendSMS", times=1, seconds=3 * MOST_PATIENCE)
    with vendor.client(kind) as sms:
        with pytest.raises(OutcomeUnknown) as caught:
            sms.send(plain("mark", NUMBERS[:1]))
        assert vendor.box.exchange.wait_for(lambda: len(vendor.box.exchange.accepted) == taken)
        assert [row.outcome for row in sms.settle(caught.value).outcomes] == [Outcome.UNKNOWN]
    assert len(vendor.box.exchange.accepted) == taken


@pytest.mark.parametrize("vendor", [SEES_ALL], indirect=True)
@pytest.mark.parametrize(("kind", "outcome"), [("drop_before", Outcome.NOT_SENT), ("drop_after", Outcome.ACCEPTED)])
def test_the_same_account_over_http_settles_what_soap_left_open(vendor: Vendor, kind: str, outcome: Outcome) -> None:
    vendor.box.faults.add(kind, match="sendSMS", times=1)
    with sms_core.connect(vendor.box.dsn("every8d-soap")) as soap, pytest.raises(OutcomeUnknown) as caught:
        soap.send(plain("mark", NUMBERS[:2]))
    with vendor.client() as http:
        settled = http.settle(caught.value)
    assert {row.outcome for row in settled.outcomes} == {outcome}
    check(vendor, "mark", settled)


@every_vendor
def test_credit_that_runs_out_in_the_middle_is_settled_by_the_reports(vendor: Vendor) -> None:
    vendor.box.exchange.set_credit("sandbox", 2)
    with vendor.client() as sms:
        with pytest.raises(OutcomeUnknown, match="no credit for 2 of 4") as caught:
            sms.send("mark", NUMBERS[:4])
        assert caught.value.result.accepted == 2
        settled = sms.settle(caught.value)
    check(vendor, "mark", settled)
    assert Counter(row.outcome.value for row in settled.outcomes) == {"accepted": 2, "refused": 2}


THREADS = 4


@every_vendor
def test_random_runs(vendor: Vendor) -> None:
    """1,000 seeded runs of each API, several threads at a time, any fault in any request."""
    generators = {f"run {seed}": random.Random(seed) for seed in range(vendor.runs)}
    kinds = [kind for kind in IN_TIME for _ in range(4)] + ["slow", None, *[None] * 3 * len(IN_TIME)]
    lock = threading.Lock()
    dice = random.Random(4711)

    def choose(info: object) -> str | None:
        with lock:
            return dice.choice(kinds)

    vendor.box.faults.choose = choose
    texts = itertools.count()
    findings: list[tuple[str, SendResult, SendResult]] = []

    def one(mark: str) -> None:
        chance = generators[mark]
        numbers = chance.sample(NUMBERS, chance.randint(1, 5))
        message = chance.choice(vendor.api.sends)(f"{mark}|{next(texts)}", numbers)
        options = {name: chance.choice(values) for name, values in vendor.api.options.items()}
        if vendor.sees_all and chance.random() < 0.5:
            options["filter_sees_all"] = "false"
        with vendor.client("slow", batch_size=chance.randint(1, 4), **options) as sms:
            result = send(sms, message)
            try:
                settled = sms.settle(result)
            except SmsError:
                settled = result
        findings.append((f"{mark}|", result, settled))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, generators))
    assert len(findings) == vendor.runs
    for mark, result, settled in findings:
        check(vendor, mark, result)
        check_promise(vendor.box.exchange, settled, mark)
    rows = Counter(row.outcome for _, result, _ in findings for row in result.outcomes)
    assert set(rows) == set(Outcome), "the runs did not reach every outcome"
