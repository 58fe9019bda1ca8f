"""Chapter 1: what the vendor does with a text. It cuts off in silence what does not fit (note 1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count

from attrs import field, frozen

from sms_core.testing import Draft, behaviour_of
from sms_core_sandbox.calls import Call, Refusal
from sms_core_sandbox.values import count_parts, from_local_number, read_time, write_time
from sms_core_smsgo.sandbox.answers import Answer
from sms_core_smsgo.sandbox.calls import user_of

MOST_NUMBERS = 50
ROOM = {"ASCII": 160, "BIG5": 70, "UCS2": 70, "PASCII": 160, "PBIG5": 70, "LASCII": 330, "LBIG5": 330, "LUCS2": 330}
"""Characters that an encoding holds."""
CHARSETS = {"ASCII": "ascii", "BIG5": "cp950"}
"""Of the encodings that lack characters, behind their P for a pop-up text or L for a long one."""
PLAIN = ("ASCII", "BIG5", "UCS2")
PUSH, PUSH_BYTES = "PUSH", 88
"""A WAP push, and the bytes that its text and address have together (note 3)."""
FIRST_NUMBER = 100_000
NUMBERS_OF_A_MINUTE = 1_000_000

_NUMBER = re.compile(r"09\d{8}|\+[1-9]\d{6,14}", re.ASCII)


@frozen
class Sends:
    """The page that sends, and the numbers that its msgids end with."""

    numbers: count[int] = field(factory=lambda: count(FIRST_NUMBER))

    def send_sms(self, call: Call) -> Answer:
        """sendsms.aspx: one text to up to 50 numbers; one msgid for all of them."""
        user, numbers = user_of(call), call.listed("dstaddr")
        if not 0 < len(numbers) <= MOST_NUMBERS:
            raise Refusal("-9", "Invalid msisdn amount")
        encoding = _encoding(call, numbers)
        _check_numbers(numbers)
        text = _shown(call.text("smbody") or call.text("smbdy"), encoding, call.text("wapurl").strip())
        send_at = _send_at(call)
        cost = Decimal(count_parts(text))  # a point each; the document prints no prices
        report_url, reply_url = call.text("response").strip(), call.text("replyurl").strip()
        drafts = [
            Draft(from_local_number(number), text, cost, send_at=send_at, report_url=report_url, reply_url=reply_url)
            for number in numbers
        ]
        # One statuscode speaks for the whole request, so it is all or none.
        if not call.exchange.can_pay(user, drafts):
            raise Refusal("-8", "點數不夠")
        batch = call.exchange.submit(user, drafts, face=call.face, batch_id=self._msgid(call))
        return Answer(({"msgid": batch.batch_id, "statuscode": "0", "statusstr": "OK", "point": str(batch.cost)},))

    def _msgid(self, call: Call) -> str:
        """Sixteen digits: the minute in Taipei, and a number, as ``1504280910499665``."""
        minute = write_time(call.exchange.clock.now(), "%y%m%d%H%M")
        return call.fresh_id(f"{minute}{number % NUMBERS_OF_A_MINUTE:06}" for number in self.numbers)


def _encoding(call: Call, numbers: Sequence[str]) -> str:
    encoding = (call.text("encoding").strip() or "BIG5").upper()
    if encoding not in {*ROOM, PUSH}:
        raise Refusal("-7", "Invalid Encoding")
    if encoding not in PLAIN and any(number.startswith("+") for number in numbers):
        raise Refusal("-7", "Invalid Encoding")  # note 5
    return encoding


def _check_numbers(numbers: Sequence[str]) -> None:
    well_formed = all(_NUMBER.fullmatch(number) for number in numbers)
    if not well_formed or all(behaviour_of(number).refused for number in numbers):
        raise Refusal("-5", "B Number違反規則")


def _shown(text: str, encoding: str, address: str) -> str:
    """What a handset shows: what does not fit is cut off. Raises `Refusal` for characters that the encoding lacks.

    The document does not say what becomes of those; question marks under an OK would tell nobody.
    """
    if not text:
        raise Refusal("-1", "CGI string error!!")  # FAQ 7
    if encoding == PUSH:
        if not address:
            raise Refusal("-1", "CGI string error!!")
        fits = len(text.encode()) + len(address.encode()) <= PUSH_BYTES
        return text if fits else f"{text} {address}"  # note 3
    charset = CHARSETS.get(encoding.removeprefix("P").removeprefix("L"))
    if charset:
        try:
            text.encode(charset)
        except UnicodeEncodeError:
            raise Refusal("-7", "Invalid Encoding") from None
    units = text.encode("utf-16-be")[: 2 * ROOM[encoding]]
    return units.decode("utf-16-be", "replace")


def _send_at(call: Call) -> datetime | None:
    text = call.text("dlvtime").strip()
    if not text:
        return None
    try:
        return read_time(text, "%Y/%m/%d %H:%M:%S")
    except ValueError:
        raise Refusal("-1", "CGI string error!!") from None
