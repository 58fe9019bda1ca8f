"""Page after page: fetched as they are read, one in memory, and an end to them whatever the vendor says."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from sms_core import (
    Client,
    DeliveryReport,
    InboundMessage,
    MalformedResponse,
    Message,
    Outcome,
    RecipientOutcome,
    SendResult,
)
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from tests.support import tiny
from tests.support.colours import bind_async
from tests.support.tiny import INFO, NOW, Tiny, Vendor, bind, fields_of, operation_of, text

Page = Callable[[int], str]
"""The words of a page, by its number from 1."""
ROWS = 10
"""Of a page."""


@pytest.fixture(params=[tiny.bind, bind_async], ids=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "bind", request.param)


def report_page(page: int) -> str:
    return " ".join(f"+8869{page:04}{row:04}:r:delivered" for row in range(ROWS))


def inbound_page(page: int) -> str:
    return " ".join(f"+8869{page:04}{row:04}" for row in range(ROWS))


def vendor(words: Page, last: int) -> Vendor:
    """Answers with these pages and says that more follow until the last one has come."""

    def answer(request: Request) -> Response:
        page = fields_of(request)["page"]
        more = " more" if page < last else ""
        return text(f"OK {words(page)}{more}")

    return Vendor(reports=answer, inbound=answer)


def pages_asked(network: FakeTransport) -> list[int]:
    return [fields_of(request)["page"] for request in network.requests if operation_of(request) != "login"]


def with_pages(most: int) -> Tiny:
    """A vendor of which an answer has at most so many pages."""
    return Tiny(attrs.evolve(INFO, limits=attrs.evolve(INFO.limits, pages=most)))


def reports(client: Client) -> Iterator[DeliveryReport]:
    return client.reports("b1")


def inbound(client: Client) -> Iterator[InboundMessage]:
    return client.inbound("b1")


KINDS = [pytest.param(reports, report_page, id="reports"), pytest.param(inbound, inbound_page, id="inbound")]
NEVER = 10**9


@pytest.mark.parametrize(("read", "words"), KINDS)
def test_every_row_of_every_page_comes_once_and_in_order(read: Callable[[Client], Iterator[Any]], words: Page) -> None:
    network = FakeTransport(vendor(words, last=5))
    with bind(network) as sms:
        numbers = [row.number for row in read(sms)]
    assert numbers == [f"+8869{page:04}{row:04}" for page in range(1, 6) for row in range(ROWS)]
    assert pages_asked(network) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("read", "words"), KINDS)
def test_a_page_is_fetched_when_its_first_row_is_wanted(read: Callable[[Client], Iterator[Any]], words: Page) -> None:
    network = FakeTransport(vendor(words, last=NEVER))
    with bind(network) as sms:
        rows = read(sms)
        assert pages_asked(network) == []
        for page in (1, 2, 3):
            for _ in range(ROWS):
                next(rows)
                assert pages_asked(network) == [*range(1, page + 1)]


@pytest.mark.parametrize(("read", "words"), KINDS)
def test_one_page_is_in_memory(read: Callable[[Client], Iterator[Any]], words: Page) -> None:
    seen: list[weakref.ref[Any]] = []
    with bind(FakeTransport(vendor(words, last=8))) as sms:
        for row in read(sms):
            seen.append(weakref.ref(row))
            alive = sum(reference() is not None for reference in seen)
            # The page that is being read, and the last row of the one before, which the loop held until now.
            assert alive <= ROWS + 1
    assert len(seen) == 8 * ROWS


@pytest.mark.parametrize(("read", "words"), KINDS)
@pytest.mark.parametrize(
    ("page_of", "fetched"),
    [
        pytest.param(lambda page: 1, 2, id="the same for ever"),
        pytest.param(lambda page: min(page, 3), 4, id="the last one for ever"),
        pytest.param(lambda page: page % 2, 3, id="two in turn"),
        pytest.param(lambda page: page % 5, 6, id="five in turn"),
    ],
)
def test_a_page_that_came_before_ends_it(
    read: Callable[[Client], Iterator[Any]], words: Page, page_of: Callable[[int], int], fetched: int
) -> None:
    network = FakeTransport(vendor(lambda page: words(page_of(page)), last=NEVER))
    found: list[str] = []
    with bind(network) as sms, pytest.raises(MalformedResponse, match=f"page {fetched} is one that came before"):
        found.extend(row.number for row in read(sms))
    assert pages_asked(network) == [*range(1, fetched + 1)]
    assert len(found) == fetched * ROWS


@pytest.mark.parametrize("read", [reports, inbound])
def test_pages_without_rows_are_no_repetition_and_end_with_what_the_provider_allows(
    read: Callable[[Client], Iterator[Any]],
) -> None:
    network = FakeTransport(vendor(lambda page: "", last=NEVER))
    with bind(network, with_pages(4)) as sms, pytest.raises(MalformedResponse, match=r"^more than 4 pages$"):
        next(read(sms))
    assert pages_asked(network) == [1, 2, 3, 4]


def test_rows_after_pages_without_any_are_read() -> None:
    network = FakeTransport(vendor(lambda page: report_page(page) if page == 4 else "", last=5))
    with bind(network) as sms:
        assert len(list(sms.reports("b1"))) == ROWS
    assert pages_asked(network) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("read", "words"), KINDS)
def test_more_pages_than_the_provider_allows_end_it(read: Callable[[Client], Iterator[Any]], words: Page) -> None:
    network = FakeTransport(vendor(words, last=NEVER))
    found: list[str] = []
    with bind(network, with_pages(7)) as sms, pytest.raises(MalformedResponse, match=r"^more than 7 pages$"):
        found.extend(row.number for row in read(sms))
    assert pages_asked(network) == [1, 2, 3, 4, 5, 6, 7]
    assert len(found) == 7 * ROWS


@pytest.mark.parametrize(("read", "words"), KINDS)
def test_as_many_pages_as_the_provider_allows_are_read(read: Callable[[Client], Iterator[Any]], words: Page) -> None:
    with bind(FakeTransport(vendor(words, last=7)), with_pages(7)) as sms:
        assert len(list(read(sms))) == 7 * ROWS


def test_a_page_may_repeat_where_no_more_is_said_to_follow() -> None:
    network = FakeTransport(vendor(lambda page: report_page(1), last=2))
    with bind(network) as sms:
        assert len(list(sms.reports("b1"))) == 2 * ROWS


def test_a_status_that_moved_on_makes_another_page() -> None:
    words = {1: "+886900000001:r:sent", 2: "+886900000001:r:delivered"}
    with bind(FakeTransport(vendor(words.__getitem__, last=2))) as sms:
        assert [report.status.value for report in sms.reports("b1")] == ["sent", "delivered"]


def test_each_batch_has_pages_of_its_own() -> None:
    network = FakeTransport(vendor(report_page, last=2))
    with bind(network) as sms:
        assert len(list(sms.reports(SendResult((), batches=("b1", "b2"))))) == 4 * ROWS
    assert pages_asked(network) == [1, 2, 1, 2]


def test_settling_does_not_ask_for_ever_either() -> None:
    row = RecipientOutcome("+886900000001", Outcome.UNKNOWN, "b1", "m")
    result = SendResult((row,), batches=("b1",), message=Message("x", row.number, reference="m"), sent_at=NOW)
    network = FakeTransport(vendor(lambda page: report_page(page % 2), last=NEVER))
    with bind(network) as sms, pytest.raises(MalformedResponse, match="page 3 is one that came before"):
        sms.settle(result)
    assert pages_asked(network) == [1, 2, 3]
