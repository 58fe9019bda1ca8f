"""SmSend and SmBulkSend: what the vendor does with a text, once for each clientid in twelve hours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from attrs import field, frozen

from sms_core.provider import TAIPEI
from sms_core.testing import Draft, NoSuchBatch, behaviour_of
from sms_core_mitake.sandbox.calls import Call, Refusal

NAME = "mitake"
MOST_LINES = 500
REMEMBERED = timedelta(hours=12)
"""How long a clientid is known."""
FIRST_ID = 313_887_539
"""Message ids are ten characters that grow; this is one that was recorded."""
ABROAD = 5
"""Points of an SMS to another country: one console says so."""
DOUBLE = "^{}\\[~]|"
"""附錄四: each takes two places."""

_COLUMNS = 7  # ClientID, dstaddr, dlvtime, vldtime, destname, response, smbody
_LONGEST_ID = 36
_TAIWAN = re.compile(r"(?:0|886)(9\d{8})", re.ASCII)
_ABROAD = re.compile(r"[1-9]\d{6,14}", re.ASCII)
_MOMENT = re.compile(r"\d{14}", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


@frozen
class _Line:
    """One SMS as it is asked for."""

    client_id: str
    dstaddr: str
    dlvtime: str = ""
    vldtime: str = ""
    destname: str = ""
    response: str = ""
    smbody: str = ""


@frozen
class _Taken:
    """What was answered to a clientid, and when."""

    at: datetime
    msgid: str
    answer: tuple[str, ...]


@frozen
class Sends:
    """The two pages that send: they share the ids that grow, and the clientids of each account."""

    ids: count[int] = field(factory=lambda: count(FIRST_ID))
    taken: dict[tuple[str, str], _Taken] = field(factory=dict)

    def one(self, call: Call) -> str:
        """SmSend: fields of a form."""
        names = ("clientid", "dstaddr", "dlvtime", "vldtime", "destname", "response", "smbody")
        return self._answer(call, call.user(), [_Line(*map(call.text, names))])

    def many(self, call: Call) -> str:
        """SmBulkSend: a line for each SMS, its fields parted by ``$$``."""
        user, lines = call.user(), call.lines()
        if len(lines) > MOST_LINES:
            raise Refusal("x")
        rows = [line.split("$$", _COLUMNS - 1) for line in lines]
        if not rows or any(len(row) < _COLUMNS or not row[0] for row in rows):
            raise Refusal("y")
        return self._answer(call, user, [_Line(*row) for row in rows])

    def _answer(self, call: Call, user: str, lines: Sequence[_Line]) -> str:
        """A section for each, and the points that are left after the last."""
        told = []
        for line in lines:
            told += [f"[{line.client_id or 1}]", *self._section(call, user, line)]
        told.append(f"AccountPoint={call.exchange.account(user).credit:f}")
        return "".join(f"{one}\r\n" for one in told)

    def _section(self, call: Call, user: str, line: _Line) -> tuple[str, ...]:
        earlier = self.taken.get((user, line.client_id)) if line.client_id else None
        if earlier is not None and _is_known(call, user, earlier):
            return (*earlier.answer, "Duplicate=Y")
        now = call.exchange.clock.now()
        if len(line.client_id) > _LONGEST_ID:
            return ("statuscode=y",)
        number, text = _e164(line.dstaddr), line.smbody.replace("\n", "").replace("\x06", "\n")
        if number is None or behaviour_of(number).refused or _is_closed(call, user, number):
            return ("statuscode=v",)
        if not text:
            return ("statuscode=u",)
        try:
            send_at, _ = _moment(line.dlvtime, now), _moment(line.vldtime, now)
        except ValueError:
            return ("statuscode=y",)
        draft = Draft(number, text, _cost(number, text), line.client_id, line.destname, send_at=send_at)
        msgid = _msgid(next(self.ids))
        batch = call.exchange.submit(user, [draft], face=NAME, batch_id=msgid)
        if batch.unsent:
            return ("statuscode=s",)
        answer = [f"msgid={msgid}", f"statuscode={1 if send_at is None else 0}"]
        if call.text("smsPointFlag") == "1":
            answer.append(f"smsPoint={draft.cost:f}")
        self.taken[user, line.client_id] = _Taken(now, msgid, tuple(answer))
        return tuple(answer)


def _is_known(call: Call, user: str, earlier: _Taken) -> bool:
    if call.exchange.clock.now() - earlier.at >= REMEMBERED:
        return False
    try:
        return bool(call.exchange.batch(user, earlier.msgid))
    except NoSuchBatch:  # the sandbox was emptied
        return False


def _is_closed(call: Call, user: str, number: str) -> bool:
    return not number.startswith("+886") and not call.exchange.account(user).international


def _msgid(number: int) -> str:
    """Two of the forms that were recorded, in turn: digits, and hexadecimal ones behind a ``#``."""
    return f"{number:010}" if number % 2 else f"#{number:09X}"


def _e164(dstaddr: str) -> str | None:
    """The number, normalised as 2.14 does it; None for what is none."""
    digits = re.sub(r"[.\- ]", "", dstaddr).removeprefix("+")
    if digits.startswith("88609"):
        digits = f"886{digits[4:]}"
    if found := _TAIWAN.fullmatch(digits):
        return f"+886{found[1]}"
    return f"+{digits}" if _ABROAD.fullmatch(digits) and not digits.startswith("886") else None


def _moment(text: str, now: datetime) -> datetime | None:
    """A time of Taipei, or seconds from now; None for what is sent at once. Raises `ValueError`."""
    if not text:
        return None
    if _MOMENT.fullmatch(text):
        moment = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=TAIPEI)
    elif _SECONDS.fullmatch(text):
        moment = now + timedelta(seconds=int(text))
    else:
        raise ValueError(text)
    # What a booking does that is nearer than the document allows is not written: here, the worst.
    return moment if moment > now + timedelta(minutes=10) else None


def _cost(number: str, text: str) -> Decimal:
    """A point for each part: 160 of ASCII or 70, of several 153 or 67."""
    if text.isascii():
        length, single, joined = len(text) + sum(one in DOUBLE for one in text), 160, 153
    else:
        length, single, joined = len(text.encode("utf-16-be")) // 2, 70, 67
    parts = 1 if length <= single else -(-length // joined)
    return Decimal(parts * (1 if number.startswith("+886") else ABROAD))
