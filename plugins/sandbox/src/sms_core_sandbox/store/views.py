"""What the page and the control API ask of a store. Every answer is a dict, or a list of them, of what JSON has."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sms_core_sandbox.store.filters import GROUPS, Filter
from sms_core_sandbox.store.schema import COST_UNIT
from sms_core_sandbox.store.store import Store

Found = dict[str, Any]
PAGE = 50
"""What one page holds, unless somebody asks for another length."""

_MESSAGE = "SELECT state, media IS NOT NULL AS has_media FROM messages"


class Views:
    """Questions to a store. ``limit`` is a number of rows, None for all; ``before`` and ``after`` are places in their order."""

    def __init__(self, store: Store) -> None:
        self._query = store.query

    def messages(
        self,
        wanted: Filter,
        *,
        before: int | None = None,
        after: int = 0,
        limit: int | None = PAGE,
        newest_first: bool = False,
    ) -> list[Found]:
        """Messages, in the order of submission or from the newest one back. Raises `ValueError` for no status."""
        condition, values = wanted.sql()
        order = "DESC" if newest_first else "ASC"
        rows = self._query(
            f"{_MESSAGE} WHERE {condition} AND serial > ? AND serial < ? ORDER BY serial {order} LIMIT ?",
            [*values, after, _open_end(before), -1 if limit is None else limit],
        )
        return [_message(row) for row in rows]

    def count(self, wanted: Filter) -> int:
        """How many messages fit."""
        condition, values = wanted.sql()
        number: int = self._query(f"SELECT COUNT(*) FROM messages WHERE {condition}", values)[0][0]  # noqa: S608 - of ours
        return number

    def message(self, serial: int) -> Found:
        """A message with its history, its request and its pushes. Raises `LookupError`."""
        rows = self._query(f"{_MESSAGE} WHERE serial = ?", [serial])
        if not rows:
            raise LookupError(f"there is no message {serial}")
        history = self._query("SELECT status, at FROM history WHERE serial = ? ORDER BY rowid", [serial])
        attempts = self._query("SELECT * FROM attempts WHERE serial = ? ORDER BY id", [serial])
        calls = self._query(
            "SELECT calls.* FROM calls, messages WHERE serial = ? AND calls.id = messages.call", [serial]
        )
        return {
            **_message(rows[0]),
            "history": [dict(row) for row in history],
            "pushes": [_attempt(row) for row in attempts],
            "request": _call(calls[0]) if calls else None,
        }

    def picture(self, serial: int) -> bytes:
        """The picture of a message. Raises `LookupError` if it has none."""
        rows = self._query("SELECT media FROM messages WHERE serial = ? AND media IS NOT NULL", [serial])
        if not rows:
            raise LookupError(f"there is no picture in message {serial}")
        return bytes(rows[0]["media"])

    def phones(self, wanted: Filter, *, before: int | None = None, limit: int = PAGE) -> list[Found]:
        """The phones that got such messages, the one with the newest message or reply first.

        Each with its ``number``, its ``place`` in that order, how many such messages it got, and the last of them.
        """
        if not wanted:
            rows = self._query(
                "SELECT number, place, total FROM phones WHERE place < ? ORDER BY place DESC LIMIT ?",
                [_open_end(before), limit],
            )
        else:
            condition, values = wanted.sql()
            index = "INDEXED BY messages_by_number" if wanted.is_in_index else ""
            rows = self._query(
                f"SELECT number, MAX(serial) AS place, COUNT(*) AS total FROM messages {index} "  # noqa: S608 - conditions of ours
                f"WHERE {condition} GROUP BY number HAVING place < ? ORDER BY place DESC LIMIT ?",
                [*values, _open_end(before), limit],
            )
        return [{**dict(row), "last": self._last(row["number"], row["place"])} for row in rows]

    def _last(self, number: str, place: int) -> Found:
        """The last message to a phone that is not behind a place of its conversation."""
        rows = self._query(f"{_MESSAGE} WHERE number = ? AND serial <= ? ORDER BY serial DESC LIMIT 1", [number, place])
        return _message(rows[0])

    def conversation(
        self, number: str, *, before: tuple[int, int] | None = None, since: int = 0, limit: int = PAGE
    ) -> list[Found]:
        """The messages to a phone (E.164) and its replies, as ``{"kind": "message" | "reply", "place", "order", …}``.

        The last ones ``before`` a place and order, and none from before the place ``since``, the oldest first.
        """
        place, order = before or (_open_end(None), 0)
        # A message's own order is 0. Each half is cut before they are put together: a conversation may be long.
        last_message = place if order > 0 else place - 1
        rows = self._query(
            "SELECT * FROM (SELECT serial AS place, 0 AS ord, state, media IS NOT NULL AS has_media, '' AS text,"
            " '' AS received_at FROM messages WHERE number = ? AND serial BETWEEN ? AND ? ORDER BY serial DESC LIMIT ?)"
            " UNION ALL SELECT * FROM (SELECT place, id AS ord, '', 0, text, received_at FROM replies"
            " WHERE number = ? AND place BETWEEN ? AND ? AND (place < ? OR id < ?) ORDER BY place DESC, id DESC LIMIT ?)"
            " ORDER BY place DESC, ord DESC LIMIT ?",
            [number, since, last_message, limit, number, since, place, place, order, limit, limit],
        )
        return [_bubble(row) for row in reversed(rows)]

    def replies(self) -> list[Found]:
        """Every reply, in order."""
        rows = self._query(
            "SELECT replies.id, number, text, received_at, replies.serial AS message FROM replies ORDER BY replies.id"
        )
        return [dict(row) for row in rows]

    def attempts(self) -> list[Found]:
        """Every try to push, in order."""
        return [_attempt(row) for row in self._query("SELECT * FROM attempts ORDER BY id")]

    def call(self, number: int) -> Found:
        """A request and its answer, with the serials of the messages that were taken of it. Raises `LookupError`."""
        rows = self._query("SELECT * FROM calls WHERE id = ?", [number])
        if not rows:
            raise LookupError(f"there is no request {number}")
        taken = self._query("SELECT serial FROM messages WHERE call = ? ORDER BY serial LIMIT 1000", [number])
        return {**_call(rows[0]), "messages": [row["serial"] for row in taken]}

    def calls(self, *, before: int | None = None, limit: int = PAGE, faulty_only: bool = False) -> list[Found]:
        """Requests from the newest one back, each with how many messages were taken of it."""
        wanted = "AND fault != ''" if faulty_only else ""
        rows = self._query(
            "SELECT *, (SELECT COUNT(*) FROM messages WHERE call = calls.id) AS taken FROM calls "  # noqa: S608 - the same
            f"WHERE id < ? {wanted} ORDER BY id DESC LIMIT ?",
            [_open_end(before), limit],
        )
        return [{**_call(row), "taken": row["taken"]} for row in rows]

    def summary(self) -> list[Found]:
        """For each vendor: how many messages it took, what became of them, and their points."""
        rows = self._query(
            "SELECT face, status, COUNT(*) AS count, SUM(cost) AS cost FROM messages GROUP BY face, status ORDER BY face"
        )
        return [_total(face, [row for row in rows if row["face"] == face]) for face in _faces(rows)]


def _open_end(place: int | None) -> int:
    return 1 << 62 if place is None else place


def _faces(rows: Sequence[sqlite3.Row]) -> list[str]:
    return list(dict.fromkeys(row["face"] for row in rows))


def _total(face: str, rows: Sequence[sqlite3.Row]) -> Found:
    counts = {row["status"]: row["count"] for row in rows}
    failed = sum(counts.get(status.value, 0) for status in GROUPS["failed"])
    cost = sum(row["cost"] for row in rows) * COST_UNIT
    return {
        "vendor": face,
        "messages": sum(counts.values()),
        "delivered": counts.get("delivered", 0),
        "failed": failed,
        "waiting": sum(counts.get(status.value, 0) for status in GROUPS["waiting"]),
        "cost": plain(cost),
    }


def plain(cost: Decimal) -> str:
    """Points as people write them: no exponent, no zeros at the end."""
    text = f"{cost:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _message(row: sqlite3.Row) -> Found:
    state: Found = json.loads(row["state"])
    return {
        "id": state["serial"],
        "user": state["user"],
        "face": state["face"],
        "kind": state["kind"],
        "batch_id": state["batch_id"],
        "position": state["position"],
        "number": state["number"],
        "name": state["name"],
        "subject": state["subject"],
        "text": state["text"],
        "reference": state["reference"],
        "cost": state["cost"],
        "status": state["status"],
        "behaviour": state["behaviour"]["name"],
        "accepted_at": state["accepted_at"],
        "send_at": state["send_at"],
        "sent_at": state["sent_at"],
        "done_at": state["done_at"],
        "has_picture": bool(row["has_media"]),
        "notes": state.get("notes", []),
    }


def _bubble(row: sqlite3.Row) -> Found:
    place = {"place": row["place"], "order": row["ord"]}
    if row["state"]:
        return {"kind": "message", **place, "message": _message(row)}
    return {"kind": "reply", **place, "text": row["text"], "received_at": row["received_at"]}


def _attempt(row: sqlite3.Row) -> Found:
    return {**dict(row), "taken": bool(row["taken"]), "message": row["serial"]}


def _call(row: sqlite3.Row) -> Found:
    names = ("id", "at", "face", "method", "path", "request", "answer", "status", "fault")
    fields = [{"name": name, "value": value} for name, value in json.loads(row["fields"])]
    return {**{name: row[name] for name in names}, "acts": bool(row["acts"]), "fields": fields}
