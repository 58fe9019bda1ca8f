"""What is to be done, each thing once: the broker may forget it, this table does not."""

from __future__ import annotations

from attrs import frozen
from ledger import Ledger

from sms_core import DeliveryReport, InboundMessage, Message
from sms_core.serialize import from_json, to_json
from sms_core.webhooks import Event

SCHEMA = "CREATE TABLE IF NOT EXISTS job (key TEXT PRIMARY KEY, kind TEXT, value TEXT)"
UNFINISHED = """
SELECT key FROM job WHERE kind = ? AND key NOT IN (SELECT key FROM handled UNION SELECT reference FROM message)
"""
EVENTS: dict[str, type[Event]] = {"DeliveryReport": DeliveryReport, "InboundMessage": InboundMessage}


@frozen
class Jobs:
    """Messages to send, by their reference, and events to handle, by their key; beside the ledger in its file."""

    ledger: Ledger

    def __attrs_post_init__(self) -> None:
        with self.ledger.transaction() as connection:
            connection.execute(SCHEMA)

    def put(self, job: Message | Event) -> str:
        """Keep a job; one that is there already stays as it is. Gives its key."""
        key = job.reference if isinstance(job, Message) else job.key
        with self.ledger.transaction() as connection:
            row = (key, type(job).__name__, to_json(job))
            connection.execute("INSERT OR IGNORE INTO job VALUES (?, ?, ?)", row)
        return key

    def message(self, reference: str) -> Message:
        """The message of this reference."""
        return from_json(self._get(reference)[1], Message)

    def event(self, key: str) -> Event:
        """The event of this key."""
        kind, value = self._get(key)
        return from_json(value, EVENTS[kind])

    def _get(self, key: str) -> tuple[str, str]:
        with self.ledger.transaction() as connection:
            (kind, value) = connection.execute("SELECT kind, value FROM job WHERE key = ?", (key,)).fetchone()
        return kind, value

    def unfinished(self, kind: type[Message | Event]) -> list[str]:
        """The keys of the jobs of this kind that nobody has begun, or whose transaction nobody has ended."""
        with self.ledger.transaction() as connection:
            return [key for (key,) in connection.execute(UNFINISHED, (kind.__name__,))]
