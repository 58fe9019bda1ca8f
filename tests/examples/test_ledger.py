"""The ledger of the examples: an event's effect and its mark are kept or lost together."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sms_core import DeliveryReport, DeliveryStatus, InboundMessage
from tests.examples.application import EXAMPLES

NUMBER = "+886900000001"
REPORT = DeliveryReport(NUMBER, DeliveryStatus.DELIVERED, "batch", key="one")
REPLY = InboundMessage(NUMBER, "好", "batch", key="two")


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ledger_of_the_examples", EXAMPLES / "shared" / "ledger.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    return load().Ledger(str(tmp_path / "messages.sqlite3"))


def reports(ledger: Any) -> list[str]:
    with ledger.transaction() as connection:
        return [status for (status,) in connection.execute("SELECT status FROM report")]


def test_what_a_failing_handler_wrote_is_undone_with_the_mark_and_the_next_push_is_handled(ledger: Any) -> None:
    def fail() -> None:
        with ledger.claim("one") as is_new:
            assert is_new
            ledger.add(REPORT)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert reports(ledger) == []
    for expected in (True, False):
        with ledger.claim("one") as is_new:
            assert is_new is expected
            if is_new:
                ledger.add(REPORT)
    assert reports(ledger) == ["delivered"]


def test_of_many_threads_with_the_same_event_one_handles_it(ledger: Any) -> None:
    together = threading.Barrier(8)

    def push() -> None:
        together.wait()
        with ledger.claim("two") as is_new:
            if is_new:
                ledger.add(REPLY)

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.replies() == [{"batch_id": "batch", "number": NUMBER, "text": "好"}]


@pytest.mark.parametrize("statuses", [["sent", "expired", "delivered"], ["delivered", "sent", "expired"]])
def test_the_highest_status_stands_in_whichever_order_the_reports_come(ledger: Any, statuses: list[str]) -> None:
    with ledger.transaction() as connection:
        connection.execute("INSERT INTO message VALUES ('reference', ?, '好', 'accepted', 'batch')", (NUMBER,))
    for position, status in enumerate(map(DeliveryStatus, statuses)):
        with ledger.claim(f"{position}"):
            ledger.add(DeliveryReport(NUMBER, status, "batch"))
    assert [message["status"] for message in ledger.messages()] == ["delivered"]
