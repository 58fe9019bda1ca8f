"""A home for every send: one table that is the truth, from before the first byte to the last report.

::

    from sms_core_outbox import Outbox

    outbox = Outbox("sqlite:///sms.db", accounts={"main": "every8d://UID:PWD@new.e8d.tw"})
    outbox.create()
    outbox.put(Message("您的訂單A17已出貨。", to="0900000001"), key="order-A17-shipped")
    outbox.drain()
    outbox.get("order-A17-shipped").rows
"""

from sms_core_outbox.aio import AsyncOutbox
from sms_core_outbox.errors import DatabaseUnavailable, KeyConflict, OutboxError, StateChanged, UnknownKey
from sms_core_outbox.model import (
    Alarm,
    CancelledRow,
    Change,
    DrainResult,
    LaneStats,
    PollResult,
    Put,
    PutOptions,
    Row,
    SettleResult,
    Stats,
    Ticket,
    WorkerStats,
)
from sms_core_outbox.outbox import Outbox
from sms_core_outbox.rates import Rate
from sms_core_outbox.schema import metadata
from sms_core_outbox.states import State
from sms_core_outbox.tracing import Traces
from sms_core_outbox.vendors import Failover, SeveralVendors
from sms_core_outbox.worker import Worker

__all__ = [
    "Alarm",
    "AsyncOutbox",
    "CancelledRow",
    "Change",
    "DatabaseUnavailable",
    "DrainResult",
    "Failover",
    "KeyConflict",
    "LaneStats",
    "Outbox",
    "OutboxError",
    "PollResult",
    "Put",
    "PutOptions",
    "Rate",
    "Row",
    "SettleResult",
    "SeveralVendors",
    "State",
    "StateChanged",
    "Stats",
    "Ticket",
    "Traces",
    "UnknownKey",
    "Worker",
    "WorkerStats",
    "metadata",
]
