"""Chapter 1: what the vendor does with a text. It cuts off in silence what does not fit (note 1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sms_core.provider import TAIPEI
from sms_core.testing import Draft, behaviour_of
from sms_core.testing.records import current_allowance
from sms_core_smsgo.sandbox.calls import Answer, Call, Refusal

NAME = "smsgo"
MOST_NUMBERS = 50
ROOM = {"ASCII": 160, "BIG5": 70, "UCS2": 70, "PASCII": 160, "PBIG5": 70, "LASCII": 330, "LBIG5": 330, "LUCS2": 330}
CHARSETS = {"ASCII": "ascii", "BIG5": "cp950"}
PLAIN = ("ASCII", "BIG5", "UCS2")
PUSH, PUSH_BYTES = "PUSH", 88
SINGLE, JOINED = (160, 70), (153, 67)
"""Characters of one segment and of one of several, in English and in Chinese: what the sandbox counts points by."""

_TAIWAN = re.compile(r"09\d{8}", re.ASCII)
_ABROAD = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_TIME = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", re.ASCII)


def send_sms(call: Call) -> Answer:
    """sendsms.aspx: one text to up to 50 numbers; one msgid for all of them."""
    user, numbers = call.user(), call.listed("dstaddr")
    if not 0 < len(numbers) <= MOST_NUMBERS:
        raise Refusal("-9", "Invalid msisdn amount")
    encoding = (call.text("encoding") or "BIG5").upper()
    if encoding not in {*ROOM, PUSH}:
        raise Refusal("-7", "Invalid Encoding")
    if encoding not in PLAIN and any(one.startswith("+") for one in numbers):
        raise Refusal("-7", "Invalid Encoding")  # note 5
    if not all(_TAIWAN.fullmatch(one) or _ABROAD.fullmatch(one) for one in numbers):
        raise Refusal("-5", "B Number違反規則")
    if all(behaviour_of(one).refused for one in numbers):
        raise Refusal("-5", "B Number違反規則")
    text = _shown(call.fields.get("smbody") or call.fields.get("smbdy", ""), encoding, call.text("wapurl"))
    drafts = [Draft(_e164(one), text, _cost(text), send_at=_time(call.text("dlvtime"))) for one in numbers]
    _check_credit(call, user, drafts)
    batch = call.exchange.submit(user, drafts, face=NAME, batch_id=call.new_msgid())
    return Answer(({"msgid": batch.batch_id, "statuscode": "0", "statusstr": "OK", "point": str(batch.cost)},))


def _shown(text: str, encoding: str, address: str) -> str:
    """What a handset shows: characters that the encoding lacks are question marks, the rest is cut off."""
    if not text:
        raise Refusal("-1", "CGI string error!!")  # FAQ 7
    if encoding == PUSH:
        if not address:
            raise Refusal("-1", "CGI string error!!")
        return text if len(text.encode()) + len(address.encode()) <= PUSH_BYTES else f"{text} {address}"  # note 3
    charset = CHARSETS.get(encoding.removeprefix("P").removeprefix("L"))
    held = text.encode(charset, "replace").decode(charset) if charset else text
    units = held.encode("utf-16-be")[: 2 * ROOM[encoding]]
    return units.decode("utf-16-be", "replace")


def _cost(text: str) -> Decimal:
    """One point a segment; the document prints no prices."""
    length, kind = len(text.encode("utf-16-be")) // 2, 0 if text.isascii() else 1
    return Decimal(1 if length <= SINGLE[kind] else -(-length // JOINED[kind]))


def _check_credit(call: Call, user: str, drafts: Sequence[Draft]) -> None:
    """All or none: one statuscode speaks for the whole request."""
    cost = sum((one.cost for one in drafts), Decimal())
    allowance = current_allowance()
    if cost > call.exchange.account(user).credit or (allowance is not None and allowance.left < len(drafts)):
        raise Refusal("-8", "點數不夠")


def _time(text: str) -> datetime | None:
    if not text:
        return None
    if not _TIME.fullmatch(text):
        raise Refusal("-1", "CGI string error!!")
    try:
        return datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=TAIPEI)
    except ValueError:
        raise Refusal("-1", "CGI string error!!") from None


def _e164(number: str) -> str:
    return number if number.startswith("+") else f"+886{number[1:]}"
