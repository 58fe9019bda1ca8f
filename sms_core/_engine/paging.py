"""Page after page of an answer, and an end to it whatever the vendor says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field

from sms_core.errors import MalformedResponse
from sms_core.model import DeliveryReport, InboundMessage
from sms_core.provider.info import ProviderInfo
from sms_core.provider.operations import Page


@define
class PageCheck:
    """Tells an answer that goes on from one that would go on for ever. Of past pages it keeps a digest each."""

    info: ProviderInfo
    pages: int = 0
    seen: set[int] = field(factory=set)

    def has_more(self, page: Page[Any]) -> bool:
        """Whether to ask for the page after this one.

        Raises `MalformedResponse` for a page that came before, and where there are more than `Limits.pages`.
        """
        if not page.has_more:
            return False
        self.pages += 1
        if page.rows:  # pages without any are alike: a vendor may page by messages, of which each has replies or none
            digest = hash(tuple(_identities(page)))
            if digest in self.seen:
                raise MalformedResponse(f"page {self.pages} is one that came before, and more are said to follow")
            self.seen.add(digest)
        if self.pages >= self.info.limits.pages:
            raise MalformedResponse(f"more than {self.info.limits.pages} pages")
        return True


def _identities(page: Page[Any]) -> Iterator[object]:
    """What tells a row from another, without the mapping of its raw fields, which has no hash."""
    for row in page.rows:
        match row:
            case DeliveryReport():
                yield row.key, row.number, row.batch_id, row.reference, row.status, row.done_at
            case InboundMessage():
                yield row.key, row.number, row.batch_id, row.received_at, row.text
            case _:
                yield repr(row)
