"""SmSend and SmBulkSend: what the vendor does with a text, once for each clientid in twelve hours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from attrs import field, frozen

from sms_core.model import DeliveryStatus
from sms_core.numbers import TAIWAN, is_taiwan
from sms_core.serialize import from_data, to_data
from sms_core.testing import Draft, behaviour_of
from sms_core_mitake.sandbox.calls import lines_of, refusal, user_of
from sms_core_mitake.sandbox.queries import points_of
from sms_core_sandbox.calls import Call
from sms_core_sandbox.values import count_parts, read_time

MOST_LINES = 500
REMEMBERED = timedelta(hours=12)
"""How long a clientid is known."""
SOONEST_BOOKING = timedelta(minutes=10)
FIRST_ID = 313_887_539
"""Message ids are ten characters that grow; this is one that was recorded."""
ABROAD = 5
"""Points of an SMS to another country: one console says so."""
DOUBLED = "^{}\\[~]|"
"""附錄四: each takes two places."""

_COLUMNS = ("clientid", "dstaddr", "dlvtime", "vldtime", "destname", "response", "smbody")
"""The fields of an SMS, in the order that they have in a line of SmBulkSend."""
_LONGEST_ID = 36
_TAIWAN = re.compile(r"(?:0|886)(9\d{8})", re.ASCII)
_ABROAD = re.compile(r"[1-9]\d{6,14}", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


@frozen
class _Line:
    """One SMS as it is asked for."""

    clientid: str
    dstaddr: str
    dlvtime: str
    vldtime: str
    destname: str
    response: str
    smbody: str


@frozen
class _Taken:
    """What was answered to a clientid, and when. The exchange remembers it, also across restarts."""

    at: datetime
    msgid: str
    answer: tuple[str, ...]


@frozen
class Sends:
    """The two pages that send: they share the ids that grow."""

    ids: count[int] = field(factory=lambda: count(FIRST_ID))

    def single(self, call: Call) -> str:
        """SmSend: the fields of a form."""
        user = user_of(call)
        return self._answer(call, user, [_Line(*map(call.text, _COLUMNS))])

    def bulk(self, call: Call) -> str:
        """SmBulkSend: a line for each SMS, its fields separated by ``$$``."""
        user, lines = user_of(call), lines_of(call)
        if len(lines) > MOST_LINES:
            raise refusal("x")
        rows = [line.split("$$", len(_COLUMNS) - 1) for line in lines]
        if not rows or any(len(row) < len(_COLUMNS) or not row[0] for row in rows):
            raise refusal("y")
        return self._answer(call, user, [_Line(*row) for row in rows])

    def _answer(self, call: Call, user: str, lines: Sequence[_Line]) -> str:
        """A section for each SMS, and the points that are left after the last."""
        answer = []
        for line in lines:
            answer += [f"[{line.clientid or 1}]", *self._section(call, user, line)]
        answer.append(f"AccountPoint={points_of(call, user)}")
        return "".join(f"{row}\r\n" for row in answer)

    def _section(self, call: Call, user: str, line: _Line) -> tuple[str, ...]:
        earlier = _earlier(call, user, line.clientid)
        if earlier is not None:
            return (*earlier.answer, "Duplicate=Y")
        if len(line.clientid) > _LONGEST_ID:
            return ("statuscode=y",)
        number = _e164(line.dstaddr)
        if number is None or behaviour_of(number).refused or _is_closed(call, user, number):
            return ("statuscode=v",)
        text = line.smbody.replace("\n", "").replace("\x06", "\n")
        if not text:
            return ("statuscode=u",)
        now = call.exchange.clock.now()
        try:
            send_at = _booked_for(line.dlvtime, now)
            _booked_for(line.vldtime, now)
        except ValueError:
            return ("statuscode=y",)
        draft = Draft(
            number,
            text,
            _cost(number, text),
            line.clientid,
            line.destname,
            send_at=send_at,
            report_url=line.response.strip(),
        )
        msgid = call.fresh_id(map(_msgid, self.ids))
        answer = [f"msgid={msgid}", f"statuscode={1 if send_at is None else 0}"]
        if call.text("smsPointFlag") == "1":
            answer.append(f"smsPoint={draft.cost:f}")
        taken = _Taken(now, msgid, tuple(answer))
        if line.clientid:  # before it is sent: killed in between, the sandbox must not send it again
            call.exchange.remember(user, line.clientid, to_data(taken), batch_id=msgid)
        batch = call.exchange.submit(user, [draft], face=call.face, batch_id=msgid)
        return ("statuscode=s",) if batch.unsent else taken.answer


def _earlier(call: Call, user: str, clientid: str) -> _Taken | None:
    """What a clientid was answered, if it still counts: its SMS was taken, less than twelve hours ago."""
    remembered = call.exchange.recall(user, clientid)
    if remembered is None:
        return None
    taken = from_data(remembered, _Taken)
    was_sent = any(message.status is not DeliveryStatus.NO_CREDIT for message in call.batch(user, taken.msgid))
    return taken if was_sent and call.exchange.clock.now() - taken.at < REMEMBERED else None


def _is_closed(call: Call, user: str, number: str) -> bool:
    return not is_taiwan(number) and not call.exchange.account(user).international


def _msgid(number: int) -> str:
    """Two of the forms that were recorded, in turn: digits, and hexadecimal ones behind a ``#``."""
    return f"{number:010}" if number % 2 else f"#{number:09X}"


def _e164(dstaddr: str) -> str | None:
    """The number, normalised as 2.14 does it; None for what is none."""
    digits = re.sub(r"[.\- ]", "", dstaddr).removeprefix("+")
    if digits.startswith("88609"):
        digits = f"886{digits[4:]}"
    if found := _TAIWAN.fullmatch(digits):
        return f"{TAIWAN}{found[1]}"
    if _ABROAD.fullmatch(digits) and not digits.startswith("886"):
        return f"+{digits}"
    return None


def _booked_for(text: str, now: datetime) -> datetime | None:
    """A time of Taipei, or seconds from now; None for what is sent at once. Raises `ValueError`."""
    if not text:
        return None
    moment = now + timedelta(seconds=int(text)) if _SECONDS.fullmatch(text) else read_time(text, "%Y%m%d%H%M%S")
    # The document does not say what becomes of a booking that is nearer than it allows. Here it is the worst: none.
    return moment if moment > now + SOONEST_BOOKING else None


def _cost(number: str, text: str) -> Decimal:
    """A point for each part."""
    rate = 1 if is_taiwan(number) else ABROAD
    return Decimal(rate * count_parts(text, doubled=DOUBLED))
