"""Arrays of PostgreSQL, written as its manual has them (8.15.2): psycopg looks at each value of a list in Python."""

from __future__ import annotations

from collections.abc import Iterable


def as_array(values: Iterable[object]) -> str:
    """The text of an array of texts, numbers, truths and None. The statement casts it to what it is an array of."""
    return f"{{{','.join(map(_as_item, values))}}}"


def _as_item(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
