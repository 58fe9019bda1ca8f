"""Asking: one message, the list of them page by page, the balance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from attrs import field, frozen
from starlette.responses import JSONResponse, Response

from sms_core_sandbox.calls import Call
from sms_core_twilio.sandbox.calls import no_such_resource, user_of
from sms_core_twilio.sandbox.resources import API, PRICE_UNIT, Details, resource

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
PAGE_SIZE, LARGEST_PAGE = 50, 1000


@frozen
class Queries:
    """The pages that change nothing."""

    details: dict[str, Details] = field(repr=False)

    def fetch(self, call: Call) -> Response:
        """GET Messages/{Sid}.json."""
        user, sid = user_of(call), call.path_fields["sid"]
        for message in call.batch(user, sid):
            return JSONResponse(resource(message, self.details[sid]))
        raise no_such_resource()

    def listing(self, call: Call) -> Response:
        """GET Messages.json, the newest first; of the filters To and From alone."""
        user = user_of(call)
        wanted = {name: call.text(name) for name in ("To", "From") if call.text(name)}
        rows = []
        for message in reversed(call.exchange.messages):
            is_wanted = wanted.get("To", message.number) == message.number  # asked first: to make a resource takes time
            if is_wanted and (message.user, message.face) == (user, call.face):
                row = resource(message, self.details[message.batch_id])
                if all(row[name.lower()] == value for name, value in wanted.items()):
                    rows.append(row)
        size = min(_number(call.text("PageSize"), PAGE_SIZE) or PAGE_SIZE, LARGEST_PAGE)
        page = _number(call.text("Page"), 0)
        start = page * size
        shown = rows[start : start + size]
        has_more = start + size < len(rows)
        answer = {
            "messages": shown,
            "page": page,
            "page_size": size,
            "start": start,
            "end": max(start, start + len(shown) - 1),
            "uri": _page_uri(user, wanted, size, page),
            "first_page_uri": _page_uri(user, wanted, size, 0),
            "next_page_uri": _page_uri(user, wanted, size, page + 1) if has_more else None,
            "previous_page_uri": _page_uri(user, wanted, size, page - 1) if page else None,
        }
        return JSONResponse(answer)

    def balance(self, call: Call) -> Response:
        """GET Balance.json."""
        user = user_of(call)
        credit = f"{call.exchange.account(user).credit:f}"
        return JSONResponse({"account_sid": user, "balance": credit, "currency": PRICE_UNIT})


def _page_uri(user: str, wanted: Mapping[str, str], size: int, page: int) -> str:
    query = urlencode({**wanted, "PageSize": size, "Page": page})
    return f"{API}/Accounts/{user}/Messages.json?{query}"


def _number(text: str, default: int) -> int:
    return int(text) if _NUMBER.fullmatch(text) else default
