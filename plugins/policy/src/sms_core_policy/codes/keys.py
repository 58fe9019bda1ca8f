"""What is derived with the application's key: codes, and the names under which the store keeps things."""

from __future__ import annotations

import hashlib
import hmac

from sms_core import ConfigurationError

SHORTEST_KEY = 16
FEWEST_DIGITS, MOST_DIGITS = 4, 8  # nine may look like a telephone number, for which carriers drop the text


class Keyed:
    """A key of an application; it never shows. Raises `ConfigurationError` for one that can be guessed."""

    def __init__(self, key: str | bytes, digits: int) -> None:
        self._key = key.encode() if isinstance(key, str) else key
        if len(self._key) < SHORTEST_KEY:
            raise ConfigurationError(f"OneTimeCodes: key needs {SHORTEST_KEY} bytes or more: secrets.token_hex(32)")
        if not FEWEST_DIGITS <= digits <= MOST_DIGITS:
            raise ConfigurationError(f"OneTimeCodes: digits is {FEWEST_DIGITS} to {MOST_DIGITS}")
        self._digits = digits

    def code(self, nonce: str, number: str, purpose: str) -> str:
        """The code of a nonce: an HMAC cut to digits, as HOTP does (RFC 4226 §5.3)."""
        drawn = int(self.digest("code", nonce, number, purpose), 16)
        return str(drawn % 10**self._digits).zfill(self._digits)

    def name(self, number: str, purpose: str) -> str:
        """The store's name for a number and purpose, which shows neither."""
        return f"codes:{self.digest('name', number, purpose)}"

    def digest(self, *parts: str) -> str:
        """An HMAC of the parts, as hexadecimal digits."""
        return hmac.new(self._key, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()
