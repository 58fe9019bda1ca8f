"""SmQuery and SmCancel: states, points, bookings."""

from __future__ import annotations

from sms_core.model import DeliveryStatus
from sms_core.testing import NoSuchBatch, NotBooked, StoredMessage
from sms_core_mitake.sandbox.calls import refusal, user_of
from sms_core_sandbox.calls import Call
from sms_core_sandbox.values import write_time

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
"""The state in 附錄二 of a message that no handset has had a say about."""


def flag_of(message: StoredMessage) -> str:
    """The state of a message as it stands, in 附錄二."""
    return UNFINISHED.get(message.status) or FLAGS[message.behaviour.name]


def time_of(message: StoredMessage) -> str:
    """When it came to that state, in Taipei."""
    return write_time(message.done_at or message.sent_at or message.accepted_at, "%Y%m%d%H%M%S")


def points_of(call: Call, user: str) -> int:
    """What is left: the vendor counts whole points."""
    return int(call.exchange.account(user).credit)


def query(call: Call) -> str:
    """SmQuery: a row for each msgid that is known, in no promised order; without a msgid, the points."""
    user, msgids = user_of(call), call.listed("msgid")
    if not msgids:
        return f"AccountPoint={points_of(call, user)}\r\n"
    _check_count(msgids)
    shows_points = call.text("smsPointFlag") == "1"
    rows = []
    for msgid in reversed(msgids):
        for message in call.batch(user, msgid):
            row = [message.batch_id, flag_of(message), time_of(message)]
            if shows_points:
                row.append(f"{message.cost:f}")
            rows.append("\t".join(row))
    if not rows:
        raise refusal("z")
    return "".join(f"{row}\r\n" for row in rows)


def cancel(call: Call) -> str:
    """SmCancel: what became of each msgid."""
    user, msgids = user_of(call), call.listed("msgid")
    _check_count(msgids)
    return "".join(f"{msgid}={_cancelled(call, user, msgid)}\r\n" for msgid in msgids)


def _cancelled(call: Call, user: str, msgid: str) -> str:
    try:
        call.exchange.cancel(user, msgid)
    except NoSuchBatch:
        return "?"
    except NotBooked:
        (message,) = call.exchange.batch(user, msgid)
        return flag_of(message)
    return "9"


def _check_count(msgids: list[str]) -> None:
    if not msgids:
        raise refusal("y")
    if len(msgids) > MOST_IDS:
        raise refusal("w")
