"""Twilio's side of its API 2010-04-01, for `sms_core_sandbox`: what the vendor answers, from the vendor's documents.

It shares nothing with this package's provider, so that each proves something about the other. The user is the
AccountSid, the password its AuthToken; an API key and its secret will do as well. Where the documents are silent, a comment says what was made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import attrs
from starlette.responses import Response

from sms_core.model import DeliveryStatus
from sms_core.testing import Exchange
from sms_core_sandbox import Face
from sms_core_sandbox.calls import Call, Refusal, asgi_app
from sms_core_sandbox.face import FINAL_STATES
from sms_core_twilio.sandbox.calls import no_such_method, no_such_resource, read_call, refused
from sms_core_twilio.sandbox.media import MediaPages
from sms_core_twilio.sandbox.pushes import PUSH_RETRIES, Pushes, acknowledged
from sms_core_twilio.sandbox.queries import Queries
from sms_core_twilio.sandbox.resources import PRICE_UNIT, Book
from sms_core_twilio.sandbox.sends import Sends

ACCOUNT = "AC" + "0" * 32
"""The AccountSid of the sandbox's account."""
API_KEY, API_SECRET = "SK" + "0" * 32, "sandbox-secret"
"""Its API key, which does as well as the AccountSid and the AuthToken, except for signatures."""
CREDIT = Decimal(1000)
"""The US dollars that it begins with."""
SERVICE = "MG" + "0" * 32
"""A Messaging Service of the sandbox's account: without one Twilio books nothing."""

_ACCOUNT = r"/2010-04-01/Accounts/(?P<account>[^/]+)"
_MESSAGES = rf"{_ACCOUNT}/Messages"
_MESSAGE = rf"{_MESSAGES}/(?P<sid>[^/]+)"
_MEDIA = rf"{_MESSAGE}/Media"

Page = Callable[[Call], Response]


def face(exchange: Exchange) -> Face:
    """Twilio over this exchange: the entry point."""
    book = Book(exchange)
    sends, queries, media, pushes = Sends(book), Queries(book), MediaPages(book), Pushes(exchange, book)
    pages: dict[str, dict[str, Page]] = {
        _ACCOUNT: {"GET": queries.account},
        rf"{_ACCOUNT}/Balance": {"GET": queries.balance},
        _MESSAGES: {"GET": queries.listing, "POST": sends.create},
        _MESSAGE: {"GET": queries.fetch, "POST": sends.update, "DELETE": sends.delete},
        _MEDIA: {"GET": media.listing},
        rf"{_MEDIA}/(?P<media>[^/]+)": {"GET": media.fetch, "DELETE": media.delete},
    }
    table = [(re.compile(rf"{path}\.json"), by_method) for path, by_method in pages.items()]

    def answer(call: Call) -> Response:
        try:
            page, path_fields = _find(table, call)
            return page(attrs.evolve(read_call(call), path_fields=path_fields))
        except Refusal as refusal:
            return refused(refusal)

    return Face(
        asgi_app(exchange, "twilio", answer),
        push=pushes.push,
        acknowledged=acknowledged,
        retries=PUSH_RETRIES,
        states=FINAL_STATES | {DeliveryStatus.ACCEPTED, DeliveryStatus.SENT, DeliveryStatus.CANCELLED},
        options={"messaging_service": SERVICE},
        callback_option="callback_url",
        operations=tuple(re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path) + ".json" for path in pages),
        user=ACCOUNT,
        credit=CREDIT,
        unit=PRICE_UNIT,
        keys={API_KEY: API_SECRET},
    )


def _find(table: list[tuple[re.Pattern[str], dict[str, Page]]], call: Call) -> tuple[Page, dict[str, str]]:
    """The page of a call, and the fields in its path. Raises `Refusal`."""
    for pattern, by_method in table:
        if found := pattern.fullmatch(call.path):
            if call.method not in by_method:
                raise no_such_method()
            return by_method[call.method], found.groupdict()
    raise no_such_resource()
