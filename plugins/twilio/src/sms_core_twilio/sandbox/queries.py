"""Asking: one message, the list of them page by page, the balance."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response

from sms_core.testing import NoSuchBatch
from sms_core_twilio.sandbox.calls import Call, Refusal
from sms_core_twilio.sandbox.resources import API, PRICE_UNIT, message
from sms_core_twilio.sandbox.sends import NAME

PAGE_SIZE, LARGEST_PAGE = 50, 1000


def fetch(call: Call) -> Response:
    """GET Messages/{Sid}.json."""
    try:
        (one,) = call.exchange.batch(call.user, call.sid)
    except NoSuchBatch:
        raise Refusal(404, 20404, "The requested resource was not found") from None
    return JSONResponse(message(one, call.kept[call.sid], call.user))


def listing(call: Call) -> Response:
    """GET Messages.json, the newest first; of the filters To and From alone."""
    wanted = {"to": call.text("To"), "from": call.text("From")}
    own = [one for one in call.exchange.messages if (one.user, one.face) == (call.user, NAME)]
    rows = [message(one, call.kept[one.batch_id], call.user) for one in reversed(own)]
    found = [row for row in rows if all(not value or row[name] == value for name, value in wanted.items())]
    size = min(_number(call.text("PageSize"), PAGE_SIZE) or PAGE_SIZE, LARGEST_PAGE)
    page = _number(call.text("Page"), 0)
    start = page * size
    shown = found[start : start + size]

    def uri(number: int) -> str:
        query = {"To": wanted["to"], "From": wanted["from"], "PageSize": str(size), "Page": str(number)}
        named = {name: value for name, value in query.items() if value}
        return f"{API}/Accounts/{call.user}/Messages.json?{urlencode(named)}"

    answer = {
        "messages": shown,
        "page": page,
        "page_size": size,
        "start": start,
        "end": max(start, start + len(shown) - 1),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1) if start + size < len(found) else None,
        "previous_page_uri": uri(page - 1) if page else None,
    }
    return JSONResponse(answer)


def balance(call: Call) -> Response:
    """GET Balance.json."""
    credit = f"{call.exchange.account(call.user).credit:f}"
    return JSONResponse({"account_sid": call.user, "balance": credit, "currency": PRICE_UNIT})


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else default
