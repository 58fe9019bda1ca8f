"""SmQuery and SmCancel: states, points, bookings."""

from __future__ import annotations

from sms_core.model import DeliveryStatus
from sms_core.provider import TAIPEI
from sms_core.testing import NoSuchBatch, NotBooked, StoredMessage
from sms_core_mitake.sandbox.calls import Call, Refusal

MOST_IDS = 100

FLAGS: dict[str, str] = {
    "delivered": "4",
    "slow": "4",
    "replies": "4",
    "carrier_content": "5",
    "vendor_content": "5",
    "too_long": "5",
    "parameter_error": "5",
    "no_such_number": "6",
    "malformed_number": "6",
    "no_mms": "6",
    "abroad_closed": "6",
    "opted_out": "7",
    "carrier_blacklist": "7",
    "account_error": "7",
    "handset_off": "8",
    "too_late": "8",
    "network_failure": "8",
}
"""A behaviour's state in 附錄二."""
UNFINISHED = {DeliveryStatus.SCHEDULED: "0", DeliveryStatus.SENT: "1", DeliveryStatus.CANCELLED: "9"}


def flag_of(one: StoredMessage) -> str:
    """The state of a message as it stands, in 附錄二."""
    return UNFINISHED.get(one.status) or FLAGS[one.behaviour.name]


def time_of(one: StoredMessage) -> str:
    """When it came to that state, in Taipei."""
    moment = one.done_at or one.sent_at or one.accepted_at
    return f"{moment.astimezone(TAIPEI):%Y%m%d%H%M%S}"


def query(call: Call) -> str:
    """SmQuery: a row for each msgid that is known, in no promised order; without a msgid, the points."""
    user, wanted = call.user(), call.listed("msgid")
    if not wanted:
        return f"AccountPoint={call.exchange.account(user).credit:f}\r\n"
    found = [one for msgid in reversed(_few(wanted)) if (one := _message(call, user, msgid)) is not None]
    if not found:
        raise Refusal("z")
    points = call.text("smsPointFlag") == "1"
    rows = ([one.batch_id, flag_of(one), time_of(one), *([f"{one.cost:f}"] if points else [])] for one in found)
    return "".join("\t".join(row) + "\r\n" for row in rows)


def cancel(call: Call) -> str:
    """SmCancel: what became of each msgid."""
    user = call.user()
    return "".join(f"{msgid}={_cancelled(call, user, msgid)}\r\n" for msgid in _few(call.listed("msgid")))


def _cancelled(call: Call, user: str, msgid: str) -> str:
    try:
        call.exchange.cancel(user, msgid)
    except NoSuchBatch:
        return "?"
    except NotBooked:
        (one,) = call.exchange.batch(user, msgid)
        return flag_of(one)
    return "9"


def _few(msgids: list[str]) -> list[str]:
    if not msgids:
        raise Refusal("y")
    if len(msgids) > MOST_IDS:
        raise Refusal("w")
    return msgids


def _message(call: Call, user: str, msgid: str) -> StoredMessage | None:
    try:
        (one,) = call.exchange.batch(user, msgid)
    except NoSuchBatch:
        return None
    return one
