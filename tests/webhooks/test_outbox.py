"""An outbox's recorder behind each face: a report is in the database before the vendor hears that it was taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy

from sms_core import DeliveryReport, DeliveryStatus, InboundMessage, Message
from sms_core.webhooks import Receiver
from sms_core_outbox import Outbox
from tests.webhooks.serving import ADAPTERS, DSNS, EVERY8D, REPLY, SECRET, Adapter

Handle = Callable[[DeliveryReport | InboundMessage], None]


@pytest.fixture(params=ADAPTERS.values(), ids=ADAPTERS.keys())
def adapter(request: pytest.FixtureRequest) -> Adapter:
    found: Adapter = request.param
    return found


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/sms.db"


@pytest.fixture
def outbox(url: str) -> Iterator[Outbox]:
    """An outbox with one row, which the vendor took in the batch that it pushes a report of."""
    with Outbox(url, accounts={"main": "memory://"}) as outbox:
        outbox.create()
        outbox.put(Message("hi", to=EVERY8D.number), key="k")
        outbox.drain()
        change(url, f"UPDATE sms_outbox_row SET batch_id = '{EVERY8D.fields['BatchID']}'")
        yield outbox


def change(url: str, statement: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(statement))
    engine.dispose()


def stored_status(url: str) -> str | None:
    """What another process would find."""
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        found: str | None = connection.execute(sqlalchemy.text("SELECT status FROM sms_outbox_row")).scalar_one()
    engine.dispose()
    return found


def receiver(handle: Handle) -> Receiver:
    return Receiver({name: DSNS[name] for name in (EVERY8D.name, REPLY.name)}, handle, secrets=SECRET)


def test_a_report_is_stored_before_it_is_acknowledged(adapter: Adapter, outbox: Outbox, url: str) -> None:
    record = outbox.recorder("main")
    stored: list[str | None] = []

    def handle(event: DeliveryReport | InboundMessage) -> None:
        record(event)
        stored.append(stored_status(url))

    with adapter(receiver(handle)) as base:
        answers = [EVERY8D.send(base) for _ in range(2)]
        reply = REPLY.send(base)
    assert [answer.status for answer in (*answers, reply)] == [200, 200, 200]
    assert stored[0] == DeliveryStatus.DELIVERED.value
    assert [change.by for change in outbox.get("k").rows[0].history].count("report") == 1


def test_a_report_that_cannot_be_stored_is_not_acknowledged(adapter: Adapter, outbox: Outbox, url: str) -> None:
    with adapter(receiver(outbox.recorder("main"))) as base:
        change(url, "ALTER TABLE sms_outbox_event RENAME TO elsewhere")
        assert EVERY8D.send(base).status == 500
        assert stored_status(url) is None
        change(url, "ALTER TABLE elsewhere RENAME TO sms_outbox_event")
        assert EVERY8D.send(base).status == 200
        assert stored_status(url) == DeliveryStatus.DELIVERED.value
