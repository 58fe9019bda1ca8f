"""The keyed hashes: a message's fingerprint and a number's. The key is never in the database, so they tell nothing there."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from sms_core.errors import ConfigurationError

SIZE = 32
"""Bytes of a key that is made here."""
SHORTEST = 16
"""Bytes; a shorter key could be guessed."""


class Hashes:
    """HMACs with one key. Its ``repr`` does not show it."""

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST:
            raise ConfigurationError(f"hash_key needs {SHORTEST} bytes or more: secrets.token_hex() makes one")
        # Hashing the key takes longer than hashing a number, so that is done once.
        self._keyed = hmac.new(key, digestmod="sha256")

    @property
    def check(self) -> str:
        """What tells this key from others."""
        return self._digest(b"check\x1f")[:32]

    def number(self, number: str) -> str:
        """Of a number in E.164."""
        return self._digest(b"number\x1f" + number.encode())[:32]

    def message(self, content: str) -> str:
        """Of a message's fingerprint in words: all that the caller gave."""
        return self._digest(b"message\x1f" + content.encode("utf-8", "surrogatepass"))

    def text(self, text: str) -> str:
        """Of any text, for tables beside the outbox's."""
        return self._digest(b"text\x1f" + text.encode("utf-8", "surrogatepass"))[:32]

    def _digest(self, content: bytes) -> str:
        keyed = self._keyed.copy()
        keyed.update(content)
        return keyed.hexdigest()


def key_beside(folder: Path) -> bytes:
    """The key that is kept in a folder, made at the first use. Raises `OSError`."""
    path = folder / "hash-key"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        # Written whole under another name first: of two processes that do this at once, one wins, and both read that one's.
        draft = folder / f".hash-key-{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
