"""Which texts went to whom: what a vendor's duplicate filter remembers."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen

from sms_core.testing.accounts import Owner

FILTER_MEMORY = timedelta(hours=24)
"""How long the duplicate filter remembers a text (EVERY8D HTTP 2.1, 2.5.1)."""


@frozen
class SentText:
    """One text that was accepted. ``filtered`` says that it went through the filter."""

    at: datetime
    batch_id: str
    filtered: bool


class SentTexts:
    """The accepted texts of one `Exchange`. Whoever uses it holds the exchange's lock."""

    def __init__(self) -> None:
        self._texts: dict[tuple[Owner, str, str], list[SentText]] = {}

    def add(self, owner: Owner, number: str, text: str, sent: SentText) -> None:
        """Remember a text that was accepted from this vendor's user."""
        self._texts.setdefault((owner, number, text), []).append(sent)

    def forget(self, owner: Owner, number: str, text: str) -> None:
        """Forget the oldest of these texts."""
        sent = self._texts.get((owner, number, text), [])
        del sent[:1]
        if not sent:
            self._texts.pop((owner, number, text), None)

    def last_batch(self, owner: Owner, number: str, text: str, now: datetime, *, filtered_only: bool) -> str:
        """The batch in which this number last got this text within `FILTER_MEMORY`, "" if it did not.

        ``filtered_only`` leaves out what did not go through the filter.
        """
        for sent in reversed(self._texts.get((owner, number, text), [])):
            is_recent = sent.at > now - FILTER_MEMORY
            if is_recent and (sent.filtered or not filtered_only):
                return sent.batch_id
        return ""
