"""Chapter 1: status queries, points and bookings."""

from __future__ import annotations

from collections.abc import Sequence

from sms_core.model import DeliveryStatus
from sms_core.testing import NoSuchBatch, NotBooked, StoredMessage
from sms_core_smsgo.sandbox.calls import Answer, Call, Refusal

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
PENDING = {DeliveryStatus.CANCELLED: "DELETED", DeliveryStatus.SENT: "ENROUTE"}
"""Undocumented for what is on its way, and empty for what waits for its time."""


def state_of(one: StoredMessage) -> str:
    """The state of table 2 of a message as it stands; "" where it has none yet."""
    if one.status in PENDING:
        return PENDING[one.status]
    return STATES.get(one.behaviour.name, "UNKNOWN") if one.status.is_final else ""


def local(number: str) -> str:
    """As the customer wrote it: ``09…``, or ``+`` and a country."""
    return f"0{number[4:]}" if number.startswith("+886") else number


def query(call: Call) -> Answer:
    """單筆查詢發送狀態."""
    return _statuses(call, bulk=False)


def query_bulk(call: Call) -> Answer:
    """多筆查詢發送狀態."""
    return _statuses(call, bulk=True)


def _statuses(call: Call, *, bulk: bool) -> Answer:
    user, wanted = call.user(), set(call.listed("dstaddr"))
    messages = [one for msgid in call.listed("msgid") for one in _batch(call, user, msgid)]
    found = [one for one in messages if not wanted or local(one.number) in wanted]
    if not bulk:
        found = found[:1]
    rows = [_row(one, bulk=bulk) for one in found]
    return Answer(tuple(rows), listed=True, lines=tuple("|".join(row.values()) for row in rows))


def _row(one: StoredMessage, *, bulk: bool) -> dict[str, str]:
    row = {"statusCode": "0", "statusStr": state_of(one), "cellphone": local(one.number)}
    return {**row, "msgid": one.batch_id} if bulk else row


def _batch(call: Call, user: str, msgid: str) -> Sequence[StoredMessage]:
    try:
        return call.exchange.batch(user, msgid)
    except NoSuchBatch:
        return ()


def points(call: Call) -> Answer:
    """查詢剩餘點數: a bare number in text."""
    credit = f"{call.exchange.account(call.user()).credit:f}"
    return Answer(({"statuscode": "0", "point": credit},), listed=True, lines=(credit,))


def cancel(call: Call) -> Answer:
    """取消預約發送. No answer is documented; it is taken to be like that of a send."""
    user, msgid = call.user(), call.text("msgid")
    try:
        call.exchange.cancel(user, msgid)
    except (NoSuchBatch, NotBooked):
        raise Refusal("-1", "CGI string error or Unknow") from None
    return Answer(({"msgid": msgid, "statuscode": "0", "statusstr": "OK"},))
