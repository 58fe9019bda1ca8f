"""The text of a code: it names the sender, fits one segment, and one that is sent again says so."""

from __future__ import annotations

from datetime import timedelta

from sms_core import ConfigurationError
from sms_core.text import count_segments

TEXT = "【{sender}】您的驗證碼是 {code}，{minutes} 分鐘內有效，請勿告訴他人{resend}"
RESEND = "（第{count}次）"
_NEEDED = ("sender", "code", "resend")
_MANY = 99


class Wording:
    """``text`` has ``{sender}``, ``{code}``, ``{resend}`` and may have ``{minutes}``. Raises `ConfigurationError`."""

    def __init__(self, text: str, sender: str, lifetime: timedelta, digits: int) -> None:
        self._text = text
        self._sender = sender
        self._minutes = max(int(lifetime.total_seconds() // 60), 1)
        if not sender.strip():
            raise ConfigurationError("OneTimeCodes: sender is empty, and carriers in Taiwan drop a text without one")
        if any(f"{{{name}}}" not in text for name in _NEEDED):
            raise ConfigurationError("OneTimeCodes: the text needs {sender}, {code} and {resend}")
        try:
            longest = self.filled("0" * digits, _MANY)
        except (AttributeError, LookupError, ValueError) as error:
            raise ConfigurationError(
                "OneTimeCodes: the text has {sender}, {code}, {resend}, {minutes} and no other placeholder"
            ) from error
        if count_segments(longest).count > 1:
            raise ConfigurationError("OneTimeCodes: the text takes more than one segment, which costs twice")

    def filled(self, code: str, sends: int) -> str:
        """The text of so many-th send. Its mark lets no filter take it for a duplicate of the one before."""
        resend = RESEND.format(count=sends) if sends > 1 else ""
        return self._text.format(sender=self._sender, code=code, minutes=self._minutes, resend=resend)
