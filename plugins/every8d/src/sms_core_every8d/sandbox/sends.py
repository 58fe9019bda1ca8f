"""Chapters 2 and 3: what the vendor does with a text or a picture, and what it costs."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from sms_core.numbers import from_vendor, is_taiwan
from sms_core.testing import Batch, Behaviour, Draft, behaviour_named, behaviour_of
from sms_core.text import utf16_length
from sms_core_every8d.sandbox.calls import user_of
from sms_core_sandbox.calls import Call, Refusal
from sms_core_sandbox.values import read_time

STEPS = (70, 134, 201, 268, 333)
"""Characters that 1, 2, 3 … points pay; a longer text is split (2.1.1) and starts over."""
ABROAD = 3
EVENT_CHARACTERS = 17
"""What an EventID adds to the text (table 2-3-1)."""
KILOBYTE = 1024
MMS_STEPS = ((50 * KILOBYTE, Decimal(3)), (300 * KILOBYTE, Decimal(5)))
"""Picture and text together, in bytes, and the points (table 3-2-1)."""
MMS_FORMATS = {"every8d": ("jpg", "jpeg", "png", "gif"), "every8d-soap": ("jpg", "jpeg", "png")}
SUBJECT_ASCII = {"every8d": 39, "every8d-soap": 95}
SUBJECT_OTHER = 15
PARAMS = 5


@frozen
class Destination:
    """One recipient as the customer wrote it; ``mobile`` is echoed so."""

    mobile: str = field(repr=False)
    text: str = field(repr=False)
    send_time: str = ""
    reference: str = ""
    name: str = field(default="", repr=False)

    @property
    def number(self) -> str:
        """The E.164 number of ``09…``, ``+886…``, ``886…``, and of foreign numbers with ``+`` alone.

        What is no number comes back as it is.
        """
        return from_vendor(self.mobile)


# 2. SMS


def send_sms(call: Call) -> str:
    """2.2: one text to many numbers."""
    return _sent(_submit(call, user_of(call), _destinations(call)))


def send_filtered(call: Call) -> str:
    """2.5: the same, without the numbers that got this text within 24 hours."""
    user, destinations = user_of(call), _destinations(call)
    mobiles = {destination.number: destination.mobile for destination in destinations}
    if call.text("issend").strip().lower() == "false":
        found = call.exchange.find_duplicates(user, call.text("msg"), mobiles)
        held = [
            (destination.mobile, found[destination.number])
            for destination in destinations
            if destination.number in found
        ]
        # Tables 2-6-9 and 2-6-10: BATCHID is empty, and without duplicates nothing follows its comma.
        return f"0,0,0,,{_held(held)}" if held else "0,0,0,"
    batch = _submit(call, user, destinations, filtered=True)
    held = [(mobiles[draft.number], batch_id) for draft, batch_id in batch.duplicates]
    if not batch.messages:
        return f"-98,{'/'.join(mobile for mobile, _ in held)}"
    return f"{_sent(batch)},{_held(held)}" if held else _sent(batch)


def _held(duplicates: Iterable[tuple[str, str]]) -> str:
    """The numbers that the filter held back, and the batches that had their text before."""
    mobiles, batch_ids = zip(*duplicates, strict=True)
    return f"{'/'.join(mobiles)},{'/'.join(batch_ids)}"


def _destinations(call: Call) -> list[Destination]:
    mobiles = call.listed("dest")
    if not mobiles:
        raise Refusal("-27", "電話號碼不得為空")
    if not call.text("msg") and not call.text("attachment"):
        raise Refusal("-24", "The content is empty.")
    return [Destination(mobile, call.text("msg"), call.text("st")) for mobile in mobiles]


def send_param(call: Call) -> dict[str, Any]:
    """2.3, 2.4, 3.4, 3.5: own texts, or parameters for one; with ATTACHMENT it is an MMS, whichever the URL."""
    user = user_of(call)
    rows = call.fields.get("recipientdatalist")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refusal("-27", "電話號碼不得為空")
    destinations = [_personal(call.text("msg"), row) for row in rows]
    references = [destination.reference for destination in destinations if destination.reference]
    if len(set(references)) != len(references):
        raise Refusal("-99", "MR 於同批發送資料必須是唯一值")
    return {"Result": True, "Msg": _sent(_submit(call, user, destinations))}


_FIELD = re.compile(r"%field([1-5])%")


def _personal(template: str, row: Mapping[str, Any]) -> Destination:
    """The recipient of a row of RecipientDataList, whose names may be in any case."""
    values = {name.lower(): str(value) for name, value in row.items() if value is not None}
    mobile = values.get("mobile", "").strip()
    if not mobile:
        raise Refusal("-27", "電話號碼不得為空")
    text = values.get("param", "")
    if template:
        text = _filled(template, text)
    return Destination(mobile, text, values.get("sendtime", ""), values.get("mr", ""), values.get("name", ""))


def _filled(template: str, param: str) -> str:
    # The document's own examples have three bars where its table 2-5-1 asks for all four.
    params = param.split("|")
    if len(params) > PARAMS:
        raise Refusal("-99", f"參數最多 {PARAMS} 組")
    params += [""] * (PARAMS - len(params))
    return _FIELD.sub(lambda found: params[int(found[1]) - 1], template)


# 3. MMS


def send_mms(call: Call) -> str:
    """3.3: one text and picture to many numbers."""
    user, destinations = user_of(call), _destinations(call)
    if not call.text("sb") and call.face == "every8d":  # SOAP's may be empty (5.1)
        raise Refusal("-303", "主旨不得為空")
    if not call.text("attachment"):
        raise Refusal("-304", "圖片不得為空")
    return _sent(_submit(call, user, destinations))


def _picture(call: Call) -> bytes | None:
    encoded = call.text("attachment")
    if not encoded:
        return None
    subject = call.text("sb")
    longest = SUBJECT_ASCII[call.face] if subject.isascii() else SUBJECT_OTHER
    if len(subject) > longest:
        raise Refusal("-99", "主旨長度超過限制")
    if call.text("type").lower() not in MMS_FORMATS[call.face]:
        raise Refusal("-305", "圖片附檔名不得為空")
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:  # base64's own error, and that of a text outside ASCII
        raise Refusal("-304", "圖片不得為空") from None


# What all sends share


def _submit(call: Call, user: str, destinations: Sequence[Destination], *, filtered: bool = False) -> Batch:
    if all(behaviour_of(destination.mobile).refused for destination in destinations):
        raise Refusal("-41", "no mobile.")
    picture = _picture(call)
    may_go_abroad = call.exchange.account(user).international
    drafts = []
    for destination in destinations:
        if picture is None:
            behaviour = _sms_behaviour(destination.number, may_go_abroad=may_go_abroad)
            cost = _sms_points(destination, has_event=bool(call.text("eventid")))
        else:
            behaviour = None if is_taiwan(destination.number) else behaviour_named("malformed_number")
            cost = _mms_points(len(picture) + len(destination.text.encode()))
        drafts.append(_draft(destination, cost, behaviour))
    return call.exchange.submit(
        user,
        drafts,
        face=call.face,
        kind="SMS" if picture is None else "MMS",
        subject=call.text("sb"),
        media=picture,
        filtered=filtered,
    )


def _draft(destination: Destination, cost: Decimal, behaviour: Behaviour | None) -> Draft:
    return Draft(
        destination.number,
        destination.text,
        cost,
        destination.reference,
        destination.name,
        _send_at(destination.send_time),
        behaviour,
    )


def _sms_behaviour(number: str, *, may_go_abroad: bool) -> Behaviour | None:
    """What overrides the behaviour of a number's ending."""
    if not number.startswith("+"):
        return behaviour_named("malformed_number")
    if not is_taiwan(number) and not may_go_abroad:
        return behaviour_named("abroad_closed")
    return None


def _sms_points(destination: Destination, *, has_event: bool) -> Decimal:
    length = utf16_length(destination.text) + (EVENT_CHARACTERS if has_event else 0)
    whole, rest = divmod(length, STEPS[-1])
    points = whole * len(STEPS)
    if rest:
        points += 1 + sum(rest > step for step in STEPS)
    is_abroad = destination.number.startswith("+") and not is_taiwan(destination.number)
    return Decimal(max(points, 1) * (ABROAD if is_abroad else 1))


def _mms_points(size: int) -> Decimal:
    for most, points in MMS_STEPS:
        if size <= most:
            return points
    raise Refusal("-314", "圖片大小超過限制")


def _send_at(text: str) -> datetime | None:
    """``yyyyMMddHHmmss`` of Taipei; the vendor's own words leave the seconds out (table 2-4-8)."""
    text = text.strip()
    if not text:
        return None
    form = "%Y%m%d%H%M" if len(text) == len("yyyyMMddHHmm") else "%Y%m%d%H%M%S"
    try:
        return read_time(text, form)
    except ValueError:
        raise Refusal("-28", "The sendTime format error: yyyyMMddHHmm") from None


def _sent(batch: Batch) -> str:
    """CREDIT,SENDED,COST,UNSEND,BATCHID (table 2-3-2)."""
    return f"{batch.credit:.2f},{batch.sent},{batch.cost:f},{batch.unsent},{batch.batch_id}"
