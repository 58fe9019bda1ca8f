"""Asking: one message, the list of them page by page, the account, the balance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import frozen
from starlette.responses import JSONResponse, Response

from sms_core.testing import StoredMessage
from sms_core_sandbox.calls import Call
from sms_core_twilio.sandbox.calls import invalid, no_such_resource, user_of
from sms_core_twilio.sandbox.paging import paged
from sms_core_twilio.sandbox.resources import API, PRICE_UNIT, Book, resource


@frozen
class Queries:
    """The pages that change nothing."""

    book: Book

    def fetch(self, call: Call) -> Response:
        """GET Messages/{Sid}.json."""
        message = self.book.find(call, user_of(call), call.path_fields["sid"])
        if message is None:
            raise no_such_resource()
        return JSONResponse(resource(message, self.book.of(message)))

    def listing(self, call: Call) -> Response:
        """GET Messages.json, the newest first, filtered by To, From and DateSent with =, < and >."""
        user = user_of(call)
        was_sent = [_filter(text, sign) for sign in ("", "<", ">") if (text := call.text(f"DateSent{sign}"))]
        rows = []
        for message in reversed(call.exchange.messages):
            if message.user != user or not all(holds(message) for holds in was_sent):
                continue
            if call.text("To") not in {"", message.number}:  # asked first: to make a resource takes time
                continue
            details = self.book.of(message)
            if not details.deleted and call.text("From") in {"", details.sender}:
                rows.append(resource(message, details))
        return JSONResponse(paged(call, "messages", f"{API}/Accounts/{user}/Messages.json", rows))

    def account(self, call: Call) -> Response:
        """GET Accounts/{Sid}.json, by which many clients try their credentials."""
        user = user_of(call)
        uri = f"{API}/Accounts/{user}"
        return JSONResponse(
            {
                "sid": user,
                "owner_account_sid": user,
                "friendly_name": "sandbox",
                "status": "active",
                "type": "Full",
                "uri": f"{uri}.json",
                "subresource_uris": {"messages": f"{uri}/Messages.json", "balance": f"{uri}/Balance.json"},
            }
        )

    def balance(self, call: Call) -> Response:
        """GET Balance.json."""
        user = user_of(call)
        credit = f"{call.exchange.account(user).credit:f}"
        return JSONResponse({"account_sid": user, "balance": credit, "currency": PRICE_UNIT})


def _filter(text: str, sign: str) -> Callable[[StoredMessage], bool]:
    """Whether a message was sent on a day of UTC, or on either side of one or of an instant.

    The documents have days alone. Twilio's own packages write an instant for either: without a sign its day is meant.
    """
    begin, end = _span(text, whole_day=not sign)

    def holds(message: StoredMessage) -> bool:
        if message.sent_at is None:
            return False
        return (sign == "<" or begin <= message.sent_at) and (sign == ">" or message.sent_at < end)

    return holds


def _span(text: str, *, whole_day: bool) -> tuple[datetime, datetime]:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        if not whole_day and len(text) > len("2026-01-01"):
            return moment, moment + timedelta(seconds=1)
        begin = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return begin, begin + timedelta(days=1)
    except (ValueError, OverflowError):
        raise invalid("DateSent is no date") from None
