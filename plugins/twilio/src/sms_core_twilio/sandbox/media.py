"""The pictures of a message: Messages/{Sid}/Media."""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen
from starlette.responses import JSONResponse, Response

from sms_core.testing import StoredMessage
from sms_core_sandbox.calls import Call
from sms_core_twilio.sandbox.calls import NO_CONTENT, no_such_resource, user_of
from sms_core_twilio.sandbox.paging import paged
from sms_core_twilio.sandbox.resources import Book, resource, uri_of


@frozen
class MediaPages:
    """What a message has been sent with. Twilio fetches each MediaUrl; here the picture's type is told by its name."""

    book: Book

    def listing(self, call: Call) -> Response:
        """GET Messages/{Sid}/Media.json."""
        message = self._message(call)
        return JSONResponse(paged(call, "media_list", f"{uri_of(message)}/Media.json", list(self._rows(message))))

    def fetch(self, call: Call) -> Response:
        """GET Messages/{Sid}/Media/{Sid}.json."""
        return JSONResponse(self._row(call))

    def delete(self, call: Call) -> Response:
        """DELETE Messages/{Sid}/Media/{Sid}.json."""
        message, row = self._message(call), self._row(call)
        kept = [url for url in self.book.of(message).media if _sid(message, url) != row["sid"]]
        self.book.change(message, media=tuple(kept))
        return Response(status_code=NO_CONTENT)

    def _message(self, call: Call) -> StoredMessage:
        message = self.book.find(call, user_of(call), call.path_fields["sid"])
        if message is None:
            raise no_such_resource()
        return message

    def _row(self, call: Call) -> dict[str, Any]:
        for row in self._rows(self._message(call)):
            if row["sid"] == call.path_fields["media"]:
                return row
        raise no_such_resource()

    def _rows(self, message: StoredMessage) -> Iterator[dict[str, Any]]:
        created = resource(message, self.book.of(message))["date_created"]
        for url in self.book.of(message).media:
            sid = _sid(message, url)
            yield {
                "sid": sid,
                "account_sid": message.user,
                "parent_sid": message.batch_id,
                "content_type": mimetypes.guess_type(urlsplit(url).path)[0] or "image/jpeg",
                "date_created": created,
                "date_updated": created,
                "uri": f"{uri_of(message)}/Media/{sid}.json",
            }


def _sid(message: StoredMessage, url: str) -> str:
    return f"ME{uuid.uuid5(uuid.NAMESPACE_URL, f'{message.batch_id} {url}').hex}"
