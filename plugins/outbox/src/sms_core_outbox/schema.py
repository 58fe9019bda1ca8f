"""The tables: `metadata` is for those who use Alembic, `VERSION` is what every start checks.

Times are microseconds of UTC since 1970, by the database's clock. A state stands in statements as a literal
(`is_state`), since a partial index serves no parameter.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    or_,
)

from sms_core.model import DeliveryStatus
from sms_core_outbox.states import State

VERSION = 2
"""Of the tables. `sms_core_outbox.migrations` has the way from each to the next."""

KEY_LENGTH = 200
"""The longest key, in characters."""
NAME_LENGTH = 100
"""The longest name of an account or of a purpose, in characters."""

ID_LENGTH = 200
"""The longest batch id and reference, in characters."""


def as_stored(text: str) -> str:
    """A vendor's text as both databases take it: without NUL, and without halves of surrogate pairs."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


metadata = MetaData()

_BIG = BigInteger().with_variant(Integer, "sqlite")  # the one type that numbers the rows of SQLite by itself
_HASH = String(32)


def is_state(column: Column[str], *states: State) -> ColumnElement[bool]:
    """That a row is in one of these states, written so that a partial index can serve it."""
    return or_(*(column == literal_column(f"'{state.value}'") for state in states))


def has_no_final_status(column: Column[str | None]) -> ColumnElement[bool]:
    """That a vendor may still report another status, written likewise."""
    open_ones = (status.value for status in DeliveryStatus if not status.is_final)
    return or_(column.is_(None), *(column == literal_column(f"'{status}'") for status in open_ones))


meta = Table(
    "sms_outbox_meta",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
)
"""``version``; ``hash_key_check``, by which a wrong hash key is noticed; until when an account was
polled; and when a rate lets the next row or question go."""

put_ids = Sequence("sms_outbox_put_id_seq")
row_ids = Sequence("sms_outbox_row_id_seq")
"""What PostgreSQL numbers the two tables with. They come with their columns, whoever made those."""

put = Table(
    "sms_outbox_put",
    metadata,
    Column("id", _BIG, primary_key=True),
    Column("account", String(100), nullable=False),
    Column("key", String(KEY_LENGTH), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("purpose", String(100), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("form", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("trace", String(55)),
    UniqueConstraint("account", "key", name="sms_outbox_put_key"),
)
"""One call of `put`: what its rows share. ``fields`` is the message's JSON but for its text and recipients, ``trace``
the W3C traceparent of its caller.
"""

row = Table(
    "sms_outbox_row",
    metadata,
    Column("id", _BIG, primary_key=True),
    Column("put_id", _BIG, ForeignKey(put.c.id, ondelete="CASCADE"), nullable=False),
    Column("account", String(100), nullable=False),
    Column("purpose", String(100), nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("reference", String(200), nullable=False),
    Column("number", String(40), nullable=False),
    Column("number_hash", _HASH, nullable=False),
    Column("text", Text),
    Column("recipient", Text),
    Column("likeness", String(40), nullable=False),
    Column("send_at", BigInteger),
    Column("due_at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("ready_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("claim", _HASH),
    Column("holder", String(100)),
    Column("claimed_at", BigInteger),
    Column("first_claimed_at", BigInteger),
    Column("is_replay", Boolean, nullable=False, default=False),
    Column("batch_id", String(200)),
    Column("is_double", Boolean, nullable=False, default=False),
    Column("error", Text),
    Column("status", String(20)),
    Column("changed_at", BigInteger, nullable=False),
    Column("forgotten_at", BigInteger),
    Column("route", Text),
)
"""One recipient of a put.

``account`` is the carrier at which it is. Where several may carry it, ``route`` has their names in order, as JSON.
``text`` is the final text where it is another than the put's, ``recipient`` the JSON of what else the message says of
this one. Rows with the same ``likeness`` may share a request. ``due_at`` is the caller's ``not_before``, ``ready_at``
when it may be tried next.
"""

_READY = is_state(row.c.state, State.READY)
_SENDING = is_state(row.c.state, State.SENDING)

Index("sms_outbox_row_put", row.c.put_id)
Index("sms_outbox_row_number", row.c.number_hash)
for _name, _columns, _where in (
    ("ready", (row.c.account, row.c.urgency, row.c.ready_at, row.c.id), _READY),
    ("deadline", (row.c.deadline_at,), _READY),
    ("sending", (row.c.holder,), _SENDING),
    ("batch", (row.c.account, row.c.batch_id, row.c.number_hash), row.c.batch_id.is_not(None)),
    (
        "turn",
        (row.c.account, row.c.number_hash, row.c.purpose, row.c.urgency, row.c.id),
        is_state(row.c.state, State.READY, State.SENDING),
    ),
    ("unknown", (row.c.account, row.c.id), is_state(row.c.state, State.UNKNOWN)),
    (
        "unreported",
        (row.c.account, row.c.claimed_at),
        and_(is_state(row.c.state, State.ACCEPTED), has_no_final_status(row.c.status)),
    ),
):
    Index(f"sms_outbox_row_{_name}", *_columns, sqlite_where=_where, postgresql_where=_where)

history = Table(
    "sms_outbox_history",
    metadata,
    Column("id", _BIG, primary_key=True),
    Column("row_id", _BIG, ForeignKey(row.c.id, ondelete="CASCADE"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("by", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("claim", _HASH),
    Column("batch_id", String(200)),
    Column("is_answer", Boolean, nullable=False, default=False),
)
"""Each change of a row, but for its being put, which the put tells.

``is_answer`` marks what a claim's holder said, whether it changed the row or not; ``state`` is what it said then.
"""
Index("sms_outbox_history_row", history.c.row_id)

event = Table(
    "sms_outbox_event",
    metadata,
    Column("id", _BIG, primary_key=True),
    Column("account", String(100), nullable=False),
    Column("key", String(200), nullable=False),
    Column("number_hash", _HASH, nullable=False),
    Column("batch_id", String(200), nullable=False),
    Column("reference", String(200), nullable=False),
    Column("data", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("account", "key", name="sms_outbox_event_key"),
)
"""What vendors reported. It is folded into a row's ``status`` whenever the row or an event of its number is new."""
Index("sms_outbox_event_number", event.c.account, event.c.number_hash)

account = Table(
    "sms_outbox_account",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("paused_at", BigInteger),
    Column("paused_by", String(200)),
    Column("because", Text),
    Column("rests_until", BigInteger),
)
"""What all workers of an account have to know: whether it pauses.

``rests_until`` is until when what waits at a vendor goes to the next one of its route.
"""

worker = Table(
    "sms_outbox_worker",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("boot", String(40), nullable=False),
    Column("lock_path", Text),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
"""Who claims rows. ``lock_path`` is the file that it keeps locked while it lives; ``ended_at`` is its own last word."""
