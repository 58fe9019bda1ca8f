"""What the faces of pretended vendors keep beside their messages, for as long as a batch is kept."""

from __future__ import annotations

from typing import Any

from sms_core.testing.records import Remembered


class Memory:
    """The values of one `Exchange`, by vendor, user and key. Whoever uses it holds the exchange's lock."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, str], Remembered] = {}
        self._keys_of: dict[str, set[tuple[str, str, str]]] = {}

    def add(self, remembered: Remembered) -> None:
        """Keep a value, in the place of an earlier one under its key."""
        key = (remembered.vendor, remembered.user, remembered.key)
        self._values[key] = remembered
        self._keys_of.setdefault(remembered.batch_id, set()).add(key)

    def find(self, vendor: str, user: str, key: str) -> Any:
        """The value under a key; None if there is none."""
        found = self._values.get((vendor, user, key))
        return None if found is None else found.value

    def forget(self, batch_id: str) -> None:
        """Drop what was kept for a batch."""
        for key in self._keys_of.pop(batch_id, ()):
            if self._values[key].batch_id == batch_id:  # else a later batch has taken its place
                del self._values[key]
