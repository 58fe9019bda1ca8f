"""From an operation to SMS-Get's request for it: always a POST, which the document allows and URLs do not log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sms_core import Unsupported
from sms_core.provider import TAIPEI, Account, Check, GetBalance, Operation, Request, Send, form_request
from sms_core_smsget.numbers import to_vendor
from sms_core_smsget.options import SendOptions

AT_ONCE, BOOKED = "1", "2"  # chapter 1, method


def build(account: Account, operation: Operation[Any]) -> Request:
    """The request of any operation. Raises `Unsupported`."""
    match operation:
        case Send():
            page = "api_send_twoway.php" if operation.options(SendOptions).two_way else "api_send.php"
            return _form(account, page, _send_fields(operation))
        case GetBalance() | Check():  # chapter 5; it is the only question that there is
            return _form(account, "api_query_credit.php", {})
        case _:
            raise Unsupported(account.provider, operation.name)


def whole_minute(moment: datetime) -> datetime:
    """The time of Taipei, up to the next whole minute: never before the time that was asked for."""
    local = moment.astimezone(TAIPEI)
    minute = local.replace(second=0, microsecond=0)
    return minute if minute == local else minute + timedelta(minutes=1)


def _send_fields(operation: Send) -> dict[str, str]:
    """The fields of chapters 1 and 3. The core has put recipients of one text and one time together."""
    first = operation.destinations[0]
    phones = [to_vendor(destination.number) for destination in operation.destinations]
    return {
        "method": BOOKED if first.send_at else AT_ONCE,
        "sms_msg": first.text,
        "phone": ",".join(phones),
        **_booking(first.send_at),
    }


def _booking(send_at: datetime | None) -> dict[str, str]:
    if send_at is None:  # the vendor's own sample of an immediate send leaves them out
        return {}
    minute = whole_minute(send_at)
    return {"send_date": f"{minute:%Y/%m/%d}", "hour": f"{minute:%H}", "min": f"{minute:%M}"}


def _form(account: Account, page: str, fields: dict[str, str]) -> Request:
    credentials = {"username": account.user, "password": account.password}
    return form_request(f"{account.base_url}/{page}", credentials | fields)
