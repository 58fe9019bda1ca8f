"""The Message as JSON has it, and its states."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

from attrs import field, frozen

from sms_core.model import DeliveryStatus
from sms_core.testing import StoredMessage
from sms_core.text import count_segments

API = "/2010-04-01"
PRICE_UNIT = "USD"


@frozen
class Kept:
    """What the vendor knows of a message beside its text and its fate."""

    sender: str
    service: str
    media: int
    booked: bool
    callback: str = field(repr=False)


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


def state_of(one: StoredMessage, kept: Kept) -> tuple[str, int | None]:
    """The state of a message as it stands, and its error_code."""
    match one.status:
        case DeliveryStatus.SCHEDULED:
            return ("scheduled" if kept.booked else _first(kept)), None
        case DeliveryStatus.SENT:
            return "sent", None
        case DeliveryStatus.CANCELLED:
            return "canceled", None
        case _:
            return FINAL.get(one.behaviour.name, ("failed", 30008))


def _first(kept: Kept) -> str:
    return "accepted" if kept.service else "queued"


def created(one: StoredMessage, kept: Kept, account: str) -> dict[str, Any]:
    """The answer to a create: the first state, nothing sent or priced yet, no sender chosen by a service."""
    early = {"status": "scheduled" if kept.booked else _first(kept), "error_code": None, "error_message": None}
    unknown = {"num_segments": "0"} if kept.service else {}
    now = _time(one.accepted_at)
    return {**message(one, kept, account), **early, **unknown, "date_sent": None, "date_updated": now, "price": None}


def message(one: StoredMessage, kept: Kept, account: str) -> dict[str, Any]:
    """The whole resource as it stands."""
    state, code = state_of(one, kept)
    uri = f"{API}/Accounts/{account}/Messages/{one.batch_id}"
    sent = one.sent_at is not None
    return {
        "account_sid": account,
        "api_version": API[1:],
        "body": one.text,
        "date_created": _time(one.accepted_at),
        "date_sent": _time(one.sent_at),
        "date_updated": _time(one.done_at or one.sent_at or one.accepted_at),
        "direction": "outbound-api",
        "error_code": code,
        "error_message": None,
        "from": kept.sender or None,
        "messaging_service_sid": kept.service or None,
        "num_media": str(kept.media),
        "num_segments": str(max(1, count_segments(one.text).count)),
        "price": f"-{one.cost:.5f}" if sent and state != "failed" else None,
        "price_unit": PRICE_UNIT,
        "sid": one.batch_id,
        "status": state,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": one.number,
        "uri": f"{uri}.json",
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_datetime(moment)
