"""What a test that kills senders asks of their outbox."""

from __future__ import annotations

from sqlalchemy import text

from sms_core_outbox import Outbox, State


def waiting(outbox: Outbox) -> int:
    """How many rows are on their way."""
    counts = outbox.stats().counts
    return counts.get(State.READY, 0) + counts.get(State.SENDING, 0)


def settle_at_once(outbox: Outbox) -> int:
    """Settle as if the time of every dead claim had passed; gives how many rows have ever been unknown."""
    with outbox.engine.begin() as connection:
        question = text("SELECT count(DISTINCT row_id) FROM sms_outbox_history WHERE state = 'unknown'")
        unknown: int = connection.execute(question).scalar_one()
        connection.execute(text("UPDATE sms_outbox_row SET claimed_at = claimed_at - 3600000000"))
    outbox.settle()
    return unknown
