"""Chapter 1: status queries, points and bookings."""

from __future__ import annotations

from sms_core.model import DeliveryStatus
from sms_core.testing import NoSuchBatch, NotBooked, StoredMessage
from sms_core_sandbox.calls import Call, Refusal
from sms_core_sandbox.values import local_number
from sms_core_smsgo.sandbox.answers import Answer
from sms_core_smsgo.sandbox.calls import user_of

STATES: dict[str, str] = {
    "delivered": "DELIVRD",
    "slow": "DELIVRD",
    "replies": "DELIVRD",
    "handset_off": "EXPIRED",
    "too_late": "EXPIRED",
    "network_failure": "SYNTAXE",
    "parameter_error": "SYNTAXE",
    "account_error": "SYNTAXE",
    "no_such_number": "ABSENT",
    "malformed_number": "UNDELIV",
    "no_mms": "UNDELIV",
    "carrier_blacklist": "BLOCK",
    "opted_out": "BLOCK",
    "carrier_content": "SPAM",
    "vendor_content": "SPAM",
    "too_long": "REJECTD",
    "abroad_closed": "REJECTD",
    "refused": "REJECTD",
}
"""A behaviour's state in table 2. ``refused`` is reported where other numbers of its request were taken."""
UNFINISHED = {DeliveryStatus.CANCELLED: "DELETED", DeliveryStatus.SENT: "ENROUTE"}
"""Undocumented for what is on its way, and empty for what waits for its time."""


def state_of(message: StoredMessage) -> str:
    """The state of table 2 of a message as it stands; "" where it has none yet."""
    if message.status in UNFINISHED:
        return UNFINISHED[message.status]
    return STATES.get(message.behaviour.name, "UNKNOWN") if message.status.is_final else ""


def query(call: Call) -> Answer:
    """單筆查詢發送狀態."""
    found = _find(call)[:1]
    return _rows([_row(message) for message in found])


def query_bulk(call: Call) -> Answer:
    """多筆查詢發送狀態."""
    return _rows([{**_row(message), "msgid": message.batch_id} for message in _find(call)])


def points(call: Call) -> Answer:
    """查詢剩餘點數: a bare number in text."""
    credit = f"{call.exchange.account(user_of(call)).credit:f}"
    return Answer(({"statuscode": "0", "point": credit},), listed=True, lines=(credit,))


def cancel(call: Call) -> Answer:
    """取消預約發送. No answer is documented; it is taken to be like that of a send."""
    user, msgid = user_of(call), call.text("msgid").strip()
    try:
        call.exchange.cancel(user, msgid)
    except (NoSuchBatch, NotBooked):
        raise Refusal("-1", "CGI string error or Unknow") from None
    return Answer(({"msgid": msgid, "statuscode": "0", "statusstr": "OK"},))


def _find(call: Call) -> list[StoredMessage]:
    """The messages that are asked for: those of the msgids, and of these numbers if any is named."""
    user, numbers = user_of(call), call.listed("dstaddr")
    messages = [message for msgid in call.listed("msgid") for message in call.batch(user, msgid)]
    if not numbers:
        return messages
    return [message for message in messages if local_number(message.number) in numbers]


def _row(message: StoredMessage) -> dict[str, str]:
    return {"statusCode": "0", "statusStr": state_of(message), "cellphone": local_number(message.number)}


def _rows(rows: list[dict[str, str]]) -> Answer:
    return Answer(tuple(rows), listed=True, lines=tuple("|".join(row.values()) for row in rows))
