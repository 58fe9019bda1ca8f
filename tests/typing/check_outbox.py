"""How an outbox's names are used, for the type checkers alone: nobody runs it."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from sms_core import AsyncClient, Client, InsufficientCredit, Message
from sms_core_outbox import AsyncOutbox, Failover, Outbox, Put, PutOptions, Ticket


def put_with_options(outbox: Outbox, message: Message) -> None:
    """The options of a put, kept as a value."""
    options: PutOptions = {"purpose": "otp", "priority": 5, "deadline": timedelta(minutes=2)}
    assert_type(outbox.put(message, key="k", **options), Ticket)
    assert_type(outbox.put_many([Put(message, "k", **options)]), list[Ticket])
    outbox.put(message, key="k", purpos="otp")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    wrong: PutOptions = {"priority": "high"}  # type: ignore[typeddict-item]  # pyright: ignore[reportAssignmentType]
    del wrong


async def put_in_a_loop(outbox: AsyncOutbox, message: Message) -> None:
    """The same names in an event loop."""
    options: PutOptions = {"account": "main"}
    assert_type(await outbox.put(message, key="k", **options), Ticket)


def several_vendors(first: Client, second: Client) -> None:
    """An account of several vendors, of clients and DSNs, beside one of a single vendor."""
    by_order = Failover([first, second], also_after=[InsufficientCredit], rest=timedelta(minutes=1))
    by_name = Failover[Client]({"every8d": first, "mitake": "mitake://user:password@"})
    Outbox("sqlite:///sms.db", accounts={"main": by_order, "other": by_name, "single": "memory://", "own": first})
    Outbox("sqlite:///sms.db", accounts={"main": Failover(["every8d://user:password@", "mitake://user:password@"])})


def several_vendors_in_a_loop(first: AsyncClient) -> None:
    """The same of clients for event loops."""
    AsyncOutbox("sqlite:///sms.db", accounts={"main": Failover([first, "mitake://user:password@"])})
