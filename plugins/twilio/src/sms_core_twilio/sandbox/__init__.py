"""Twilio's side of its API 2010-04-01, for `sms_core_sandbox`: what the vendor answers, from the vendor's documents.

It shares nothing with this package's provider, so that each proves something about the other. The user is the
AccountSid, the password its AuthToken; an API key and its secret will do as well. Where the documents are silent, a comment says what was made up.
"""

from __future__ import annotations

import re
from decimal import Decimal

import attrs
from starlette.responses import Response

from sms_core.model import DeliveryStatus
from sms_core.testing import Exchange
from sms_core_sandbox import Face
from sms_core_sandbox.calls import Call, Refusal, asgi_app
from sms_core_sandbox.face import FINAL_STATES
from sms_core_twilio.sandbox.calls import no_such_resource, read_call, refused
from sms_core_twilio.sandbox.pushes import PUSH_RETRIES, Pushes, acknowledged
from sms_core_twilio.sandbox.queries import Queries
from sms_core_twilio.sandbox.resources import PRICE_UNIT, Details
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
_MESSAGES = re.compile(rf"{_ACCOUNT}/Messages\.json")
_MESSAGE = re.compile(rf"{_ACCOUNT}/Messages/(?P<sid>[^/]+)\.json")
_BALANCE = re.compile(rf"{_ACCOUNT}/Balance\.json")


def face(exchange: Exchange) -> Face:
    """Twilio over this exchange: the entry point."""
    details: dict[str, Details] = {}
    sends, queries, pushes = Sends(details), Queries(details), Pushes(exchange, details)
    pages = (
        ("POST", _MESSAGES, sends.create),
        ("GET", _MESSAGES, queries.listing),
        ("GET", _MESSAGE, queries.fetch),
        ("POST", _MESSAGE, sends.cancel),
        ("GET", _BALANCE, queries.balance),
    )

    def answer(call: Call) -> Response:
        for method, pattern, page in pages:
            found = pattern.fullmatch(call.path)
            if found and method == call.method:
                try:
                    return page(attrs.evolve(read_call(call), path_fields=found.groupdict()))
                except Refusal as refusal:
                    return refused(refusal)
        return refused(no_such_resource())

    return Face(
        asgi_app(exchange, "twilio", answer),
        push=pushes.push,
        acknowledged=acknowledged,
        retries=PUSH_RETRIES,
        states=FINAL_STATES | {DeliveryStatus.ACCEPTED, DeliveryStatus.SENT, DeliveryStatus.CANCELLED},
        options={"messaging_service": SERVICE},
        callback_option="callback_url",
        user=ACCOUNT,
        credit=CREDIT,
        unit=PRICE_UNIT,
        keys={API_KEY: API_SECRET},
    )
