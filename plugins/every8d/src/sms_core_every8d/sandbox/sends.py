"""Chapters 2 and 3: what the vendor does with a text or a picture, and what it costs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from sms_core.numbers import from_vendor, is_taiwan
from sms_core.provider import parse_time
from sms_core.testing import Batch, Draft, behaviour_named, behaviour_of
from sms_core.text import utf16_length
from sms_core_every8d.sandbox.calls import Call, Refusal

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


def send_sms(call: Call) -> str:
    """2.2: one text to many numbers."""
    return _sent(_submit(call, call.user(), _destinations(call)))


def send_filtered(call: Call) -> str:
    """2.5: the same, without the numbers that got this text within 24 hours."""
    user, destinations = call.user(), _destinations(call)
    if call.text("issend").strip().lower() == "false":
        found = call.exchange.find_duplicates(user, call.text("msg"), [_e164(one.mobile) for one in destinations])
        held = [(one.mobile, found[_e164(one.mobile)]) for one in destinations if _e164(one.mobile) in found]
        # Tables 2-6-9 and 2-6-10: BATCHID is empty, and without duplicates nothing follows its comma.
        return f"0,0,0,,{_held(held)}" if held else "0,0,0,"
    batch = _submit(call, user, destinations, filtered=True)
    mobiles = {_e164(one.mobile): one.mobile for one in destinations}
    held = [(mobiles[draft.number], batch_id) for draft, batch_id in batch.duplicates]
    if not batch.messages:
        return f"-98,{'/'.join(mobile for mobile, _ in held)}"
    return f"{_sent(batch)},{_held(held)}" if held else _sent(batch)


def _held(duplicates: Sequence[tuple[str, str]]) -> str:
    return "/".join(mobile for mobile, _ in duplicates) + "," + "/".join(batch_id for _, batch_id in duplicates)


def _destinations(call: Call) -> list[Destination]:
    mobiles = [one.strip() for one in call.text("dest").split(",") if one.strip()]
    if not mobiles:
        raise Refusal("-27", "電話號碼不得為空")
    if not call.text("msg") and not call.text("attachment"):
        raise Refusal("-24", "The content is empty.")
    return [Destination(one, call.text("msg"), call.text("st")) for one in mobiles]


def send_param(call: Call) -> dict[str, Any]:
    """2.3, 2.4, 3.4, 3.5: own texts, or parameters for one; with ATTACHMENT it is an MMS, whichever the URL."""
    user = call.user()
    rows = call.fields.get("recipientdatalist")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refusal("-27", "電話號碼不得為空")
    destinations = [_personal(call.text("msg"), {name.lower(): row[name] for name in row}) for row in rows]
    references = [one.reference for one in destinations if one.reference]
    if len(set(references)) != len(references):
        raise Refusal("-99", "MR 於同批發送資料必須是唯一值")
    return {"Result": True, "Msg": _sent(_submit(call, user, destinations))}


_ROW = ("mobile", "param", "sendtime", "mr", "name")
_FIELD = re.compile(r"%field([1-5])%")


def _personal(template: str, row: Mapping[str, Any]) -> Destination:
    value = {name: "" if row.get(name) is None else str(row[name]) for name in _ROW}
    if not value["mobile"].strip():
        raise Refusal("-27", "電話號碼不得為空")
    text = value["param"]
    if template:
        # The document's own examples have three bars where its table 2-5-1 asks for all four.
        params = text.split("|")
        if len(params) > PARAMS:
            raise Refusal("-99", f"參數最多 {PARAMS} 組")
        params += [""] * (PARAMS - len(params))
        text = _FIELD.sub(lambda found: params[int(found[1]) - 1], template)
    return Destination(value["mobile"].strip(), text, value["sendtime"], value["mr"], value["name"])


# 3. MMS


def send_mms(call: Call) -> str:
    """3.3: one text and picture to many numbers."""
    user, destinations = call.user(), _destinations(call)
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
    if len(subject) > (SUBJECT_ASCII[call.face] if subject.isascii() else SUBJECT_OTHER):
        raise Refusal("-99", "主旨長度超過限制")
    if call.text("type").lower() not in MMS_FORMATS[call.face]:
        raise Refusal("-305", "圖片附檔名不得為空")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise Refusal("-304", "圖片不得為空") from None


# What all sends share


def _submit(call: Call, user: str, destinations: Sequence[Destination], *, filtered: bool = False) -> Batch:
    if all(behaviour_of(one.mobile).refused for one in destinations):
        raise Refusal("-41", "no mobile.")
    picture = _picture(call)
    international = call.exchange.account(user).international and picture is None
    extra = EVENT_CHARACTERS if call.text("eventid") else 0
    return call.exchange.submit(
        user,
        [_draft(one, picture, extra, international=international) for one in destinations],
        face=call.face,
        kind="SMS" if picture is None else "MMS",
        subject=call.text("sb"),
        media=picture,
        filtered=filtered,
    )


def _draft(one: Destination, picture: bytes | None, extra: int, *, international: bool) -> Draft:
    number = _e164(one.mobile)
    behaviour = None
    if not number.startswith("+"):
        behaviour = behaviour_named("malformed_number")
    elif not is_taiwan(number) and not international:
        behaviour = behaviour_named("abroad_closed" if picture is None else "malformed_number")
    cost = _points(utf16_length(one.text) + extra, abroad=number.startswith("+") and not is_taiwan(number))
    if picture is not None:
        cost = _mms_points(len(picture) + len(one.text.encode()))
    return Draft(number, one.text, cost, one.reference, one.name, _send_time(one.send_time), behaviour)


def _e164(mobile: str) -> str:
    """``09…``, ``+886…``, ``886…``; foreign numbers with ``+`` alone. What is no number comes back without one."""
    return from_vendor(mobile)


_SEND_TIME = re.compile(r"\d{12}(\d\d)?", re.ASCII)


def _send_time(text: str) -> datetime | None:
    """``yyyyMMddHHmmss`` of Taipei; the vendor's own words leave the seconds out (table 2-4-8)."""
    if not text.strip():
        return None
    try:
        if not _SEND_TIME.fullmatch(text.strip()):
            raise ValueError(text)
        return parse_time(text)
    except ValueError:
        raise Refusal("-28", "The sendTime format error: yyyyMMddHHmm") from None


def _points(characters: int, *, abroad: bool) -> Decimal:
    whole, rest = divmod(characters, STEPS[-1])
    points = whole * len(STEPS) + (1 + sum(rest > step for step in STEPS) if rest else 0)
    return Decimal(max(points, 1) * (ABROAD if abroad else 1))


def _mms_points(size: int) -> Decimal:
    for most, points in MMS_STEPS:
        if size <= most:
            return points
    raise Refusal("-314", "圖片大小超過限制")


def _sent(batch: Batch) -> str:
    """CREDIT,SENDED,COST,UNSEND,BATCHID (table 2-3-2)."""
    return f"{batch.credit:.2f},{batch.sent},{batch.cost:f},{batch.unsent},{batch.batch_id}"
