"""For authors of faces: what most of them need to push a report or a reply."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from sms_core.http import Request, Response
from sms_core.testing import Push, Reply, StoredMessage

HTTP_OK = 200


def message_of(push: Push) -> StoredMessage:
    """The message that is reported, or that the recipient answers."""
    return push.message if isinstance(push, Reply) else push


def query_push(callback_url: str, fields: Mapping[str, str]) -> Request:
    """A GET with all in the query, behind what the customer's URL may have there already."""
    separator = "&" if "?" in callback_url else "?"
    return Request("GET", f"{callback_url}{separator}{urlencode(fields)}")


def second_query_push(callback_url: str, fields: Mapping[str, str]) -> Request:
    """The same for a vendor that appends ``?…`` to whatever URL it has, even behind a query."""
    return Request("GET", f"{callback_url}?{urlencode(fields)}")


def status_200(response: Response) -> bool:
    """The acknowledgement that most vendors want."""
    return response.status == HTTP_OK


def plain_200(response: Response) -> bool:
    """Status 200 with ``text/plain``, for vendors that want certain lines in it too."""
    content_type = response.headers.get("content-type", "").lower()
    return status_200(response) and content_type.startswith("text/plain")
