"""The keyed hashes: a message's fingerprint and a number's. The key is never in the database, so they tell nothing there."""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from pathlib import Path

from sms_core.errors import ConfigurationError

SIZE = 32
"""Bytes of a key that is made here."""
BLOCK = 64
"""Bytes of a block of SHA-256."""
SHORTEST = 16
"""Bytes; a shorter key could be guessed."""


class Hashes:
    """HMACs with SHA-256 and one key. Its ``repr`` does not show it."""

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST:
            raise ConfigurationError(f"hash_key needs {SHORTEST} bytes or more: secrets.token_hex() makes one")
        # RFC 2104, section 4, says to hash the padded key once for all. `hmac` does so too, but copies its contexts by way
        # of OpenSSL for each digest, which takes twice as long as all of this.
        padded = (sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in padded))

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
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(content)
        outer.update(inner.digest())
        return outer.hexdigest()


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
