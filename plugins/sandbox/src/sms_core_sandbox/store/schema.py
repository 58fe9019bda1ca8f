"""The tables of a store.

``place`` puts messages and replies into one order: a reply stands behind the message that was the newest when it came.
``messages_by_number`` has all that tells which phones got messages of a vendor or status, so that no message is read for it.
Costs are whole numbers of `COST_UNIT`, so that SQLite adds them up exactly.
"""

from __future__ import annotations

from decimal import Decimal

VERSION = 2
"""Of the tables, in ``PRAGMA user_version``. A file of another version is not opened."""
COST_UNIT = Decimal("0.000001")

SCHEMA = """
CREATE TABLE messages (
    serial INTEGER PRIMARY KEY, number TEXT NOT NULL, face TEXT NOT NULL, batch_id TEXT NOT NULL,
    position INTEGER NOT NULL, status TEXT NOT NULL, cost INTEGER NOT NULL, words TEXT NOT NULL,
    accepted_at TEXT NOT NULL, state TEXT NOT NULL, media BLOB, call INTEGER
);
CREATE INDEX messages_by_number ON messages (number, serial, face, status);
CREATE INDEX messages_by_batch ON messages (batch_id, position);
CREATE INDEX messages_by_face ON messages (face, status, cost);
CREATE INDEX messages_by_status ON messages (status, serial);
CREATE INDEX messages_by_call ON messages (call);
CREATE TABLE history (serial INTEGER NOT NULL, status TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX history_by_serial ON history (serial);
CREATE TABLE phones (number TEXT PRIMARY KEY, place INTEGER NOT NULL, total INTEGER NOT NULL);
CREATE INDEX phones_by_place ON phones (place);
CREATE TABLE replies (
    id INTEGER PRIMARY KEY, place INTEGER NOT NULL, serial INTEGER NOT NULL, number TEXT NOT NULL, text TEXT NOT NULL,
    received_at TEXT NOT NULL
);
CREATE INDEX replies_by_number ON replies (number, place);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, face TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    request TEXT NOT NULL, answer TEXT NOT NULL, status INTEGER, fault TEXT NOT NULL, acts INTEGER NOT NULL,
    fields TEXT NOT NULL
);
CREATE INDEX calls_with_fault ON calls (id) WHERE fault != '';
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, serial INTEGER NOT NULL, at TEXT NOT NULL, face TEXT NOT NULL, attempt INTEGER NOT NULL,
    taken INTEGER NOT NULL, status INTEGER, request TEXT NOT NULL, response TEXT NOT NULL, error TEXT NOT NULL
);
CREATE INDEX attempts_by_serial ON attempts (serial);
CREATE TABLE accounts (
    vendor TEXT NOT NULL, user TEXT NOT NULL, credit TEXT NOT NULL, international INTEGER NOT NULL, approved TEXT,
    PRIMARY KEY (vendor, user)
);
CREATE TABLE remembered (
    vendor TEXT NOT NULL, user TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, batch_id TEXT NOT NULL,
    PRIMARY KEY (vendor, user, key)
);
CREATE INDEX remembered_by_batch ON remembered (batch_id);
"""

TABLES = ("messages", "history", "phones", "replies", "calls", "attempts", "accounts", "remembered")
