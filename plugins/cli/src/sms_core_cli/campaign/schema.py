"""The tables of campaigns, beside those of the outbox that sends them.

Times are microseconds of UTC since 1970, as in the outbox. Texts and numbers stand in ``cells`` alone; what tells rows
apart is hashed with the outbox's key.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from sms_core_outbox import metadata as outbox_metadata

metadata = MetaData()

sent = outbox_metadata.tables["sms_outbox_row"]
history = outbox_metadata.tables["sms_outbox_history"]
event = outbox_metadata.tables["sms_outbox_event"]
account = outbox_metadata.tables["sms_outbox_account"]
"""Tables of the outbox, which campaigns only read."""

run = Table(
    "sms_campaign_run",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("source", String(1000), nullable=False),
    Column("name", String(100), nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("headers", Text, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("results", Text, nullable=False),
    Column("results_digest", String(64), nullable=False),
)
"""One run. ``source`` is the file's whole path in a database that several files share, "" in a file's own.

``digest`` tells whether the file is as it was when all of it had been put; it is "" until then. ``results`` is where the
result file was written last, and ``results_digest`` what was written there.
"""
Index("sms_campaign_run_name", run.c.source, run.c.name, unique=True)

row = Table(
    "sms_campaign_row",
    metadata,
    Column("run_id", String(20), ForeignKey(run.c.id, ondelete="CASCADE"), primary_key=True),
    Column("identity", String(32), primary_key=True),
    Column("occurrence", Integer, primary_key=True),
    Column("who", String(32), nullable=False),
    Column("place", Integer),
    Column("number", Integer, nullable=False),
    Column("cells", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("outbox_row", BigInteger),
    Column("outcome", String(20), nullable=False),
    Column("error", Text, nullable=False),
    Column("points", BigInteger),
)
"""One row of the file, told by the hash of its number and rendered text, and by which of the same it is.

``place`` orders the rows, and is NULL for one that the file has no more; ``number`` is the row's in a spreadsheet. What
became of it the outbox's row tells; ``outcome`` and ``error`` are of those that were not put there. ``points`` is the
price, in thousandths of a point.
"""
Index("sms_campaign_row_place", row.c.run_id, row.c.place)
Index("sms_campaign_row_outbox", row.c.outbox_row)
