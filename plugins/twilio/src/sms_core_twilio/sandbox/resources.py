"""The Message as JSON has it, and its states."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

import attrs
from attrs import field, frozen

from sms_core.model import DeliveryStatus
from sms_core.serialize import from_data, to_data
from sms_core.testing import Exchange, StoredMessage
from sms_core.text import count_segments
from sms_core_sandbox.calls import Call

API = "/2010-04-01"
PRICE_UNIT = "USD"


@frozen
class Details:
    """What the vendor knows of a message that the exchange does not."""

    sender: str = ""
    service: str = ""
    media: tuple[str, ...] = field(default=(), repr=False)
    booked: bool = False
    redacted: bool = False
    deleted: bool = False


@frozen
class Book:
    """The details of every message, which the exchange remembers under its sid."""

    exchange: Exchange = field(repr=False)

    def of(self, message: StoredMessage) -> Details:
        """Those of this message; none are known of one that came another way than through this face."""
        remembered = self.exchange.recall(message.user, message.batch_id)
        return Details() if remembered is None else from_data(remembered, Details)

    def keep(self, user: str, sid: str, details: Details) -> None:
        """Keep the details of a message, or of one that is to be submitted."""
        self.exchange.remember(user, sid, to_data(details), batch_id=sid)

    def change(self, message: StoredMessage, **changes: Any) -> None:
        """Keep the changed details of a message."""
        self.keep(message.user, message.batch_id, attrs.evolve(self.of(message), **changes))

    def find(self, call: Call, user: str, sid: str) -> StoredMessage | None:
        """The user's message with this sid, unless it was deleted."""
        for message in call.batch(user, sid):
            if not self.of(message).deleted:
                return message
        return None


FINAL: dict[str, tuple[str, int | None]] = {
    "delivered": ("delivered", None),
    "slow": ("delivered", None),
    "replies": ("delivered", None),
    "handset_off": ("undelivered", 30003),
    "too_late": ("failed", 30036),
    "no_such_number": ("undelivered", 30005),
    "malformed_number": ("undelivered", 30006),
    "no_mms": ("undelivered", 30006),
    "carrier_blacklist": ("undelivered", 30004),
    "opted_out": ("failed", 21610),
    "carrier_content": ("undelivered", 30007),
    "vendor_content": ("undelivered", 30007),
    "too_long": ("undelivered", 30008),
    "network_failure": ("undelivered", 30008),
    "abroad_closed": ("undelivered", 30008),
    "parameter_error": ("failed", 30500),
    "account_error": ("failed", 30002),
}
"""A behaviour's last state, and the error_code with it."""


def state_of(message: StoredMessage, details: Details) -> tuple[str, int | None]:
    """The state of a message as it stands, and its error_code."""
    match message.status:
        case DeliveryStatus.SCHEDULED:
            return _first_state(details), None
        case DeliveryStatus.ACCEPTED:
            return "queued", None
        case DeliveryStatus.SENT:
            return "sent", None
        case DeliveryStatus.CANCELLED:
            return "canceled", None
        case _:
            return FINAL.get(message.behaviour.name, ("failed", 30008))


def _first_state(details: Details) -> str:
    if details.booked:
        return "scheduled"
    return "accepted" if details.service else "queued"


def uri_of(message: StoredMessage) -> str:
    """The address of a message, without its ending."""
    return f"{API}/Accounts/{message.user}/Messages/{message.batch_id}"


def created(message: StoredMessage, details: Details) -> dict[str, Any]:
    """The answer to a create: the first state, nothing sent or priced yet, no sender chosen by a service."""
    answer = resource(message, details)
    answer |= {
        "status": _first_state(details),
        "error_code": None,
        "error_message": None,
        "date_sent": None,
        "date_updated": _time(message.accepted_at),
        "price": None,
    }
    if details.service:
        answer["num_segments"] = "0"
    return answer


def resource(message: StoredMessage, details: Details) -> dict[str, Any]:
    """The whole resource as it stands."""
    state, code = state_of(message, details)
    uri = uri_of(message)
    is_priced = message.sent_at is not None and state != "failed"
    return {
        "account_sid": message.user,
        "api_version": API[1:],
        "body": "" if details.redacted else message.text,
        "date_created": _time(message.accepted_at),
        "date_sent": _time(message.sent_at),
        "date_updated": _time(message.done_at or message.sent_at or message.accepted_at),
        "direction": "outbound-api",
        "error_code": code,
        "error_message": None,
        "from": details.sender or None,
        "messaging_service_sid": details.service or None,
        "num_media": str(len(details.media)),
        "num_segments": str(max(1, count_segments(message.text).count)),
        "price": f"-{message.cost:.5f}" if is_priced else None,
        "price_unit": PRICE_UNIT,
        "sid": message.batch_id,
        "status": state,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.number,
        "uri": f"{uri}.json",
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_datetime(moment)
