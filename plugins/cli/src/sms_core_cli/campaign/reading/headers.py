"""Which column is what to a campaign, by the names that people give to columns."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import field, frozen

from sms_core.errors import InvalidMessage

ALIASES: Mapping[str, tuple[str, ...]] = {
    "number": (
        "number", "mobile number", "mobile phone", "mobile phone number", "mobile", "mobile no", "cell phone number",
        "cell phone", "cell", "cell number", "msisdn", "phone number", "phone no", "phone", "telephone number",
        "telephone", "tel", "contact number", "contact no", "contact phone", "recipient number", "recipient", "to", "destination number", "destination", "dest",
        "手機號碼", "手機", "手機門號", "手機電話", "行動電話號碼", "行動電話", "行動電話門號", "行動門號", "行動", "門號", "門號號碼",
        "收訊門號", "收訊號碼", "受話門號", "受話號碼", "接收門號", "接收號碼", "收件人手機", "收訊人手機", "聯絡手機", "連絡手機", "會員手機", "客戶手機",
        "手机号码", "手机号", "手机", "移动电话", "联系手机",
        "聯絡電話", "連絡電話", "聯絡方式", "連絡方式", "電話號碼", "電話", "联系电话", "电话号码", "电话", "號碼", "号码",
    ),
    "name": (
        "name", "full name", "姓名", "名字", "名稱", "收件人姓名", "收訊人姓名", "收件人", "收訊人", "會員姓名", "客戶姓名", "学生姓名",
        "學生姓名", "名称",
    ),
    "text": (
        "text", "message", "sms", "sms text", "message text", "text message", "sms message", "content", "message content",
        "sms content", "message body", "body", "msg",
        "簡訊內容", "簡訊", "簡訊內文", "簡訊文字", "訊息內容", "訊息", "訊息內文", "內文", "內容", "發送內容", "文字內容", "傳送內容",
        "發送文字", "傳送訊息", "簡訊文案", "文案", "通知內容", "推播內容", "正文",
        "發送訊息", "通知訊息", "訊息文字", "發送簡訊內容", "通知簡訊內容", "傳送簡訊內容",
        "短信内容", "短信", "信息", "消息", "内容", "短訊", "短訊內容",
    ),
    "reference": ("reference",),
    "send_at": (
        "send_at", "send time", "sending time", "send date", "scheduled at", "schedule time", "scheduled time", "schedule",
        "發送時間", "預約時間", "預約發送時間", "預約發送", "傳送時間", "發送日期時間", "發送日期", "預約日期", "預約日期時間",
        "排程時間", "排程發送時間", "预约时间", "发送时间",
    ),
    "email": ("email", "e-mail", "email address", "電子郵件", "電子信箱", "信箱", "邮箱", "电子邮件"),
}  # fmt: skip
"""What a campaign reads, and the headers of the columns where it is; of several in one file the first of these counts."""

_TITLES = {"send_at": "send time"}
_NEEDED = ("number", "send_at")
"""Of these no file goes out while nobody knows which column it is: a text without its time is sent at once."""
FIRST_ROWS = 20
"""How many rows may stand above the one that names the columns."""

_NUMBER_WITHIN = re.compile(r"手機|手机|行動電話|門號|mobile|cell|phone|電話|电话")
"""A header with one of these in it may be the number's, where no other is."""
_NO_NUMBER = re.compile(r"傳真|传真|fax|公司|住家|住宅|家用|室內|辦公|市話|分機")
_WIDEST_HEADER = 24
"""Columns on a screen, of which a Chinese character takes two."""
_PARENTHESES = re.compile(r"[(\[【〔][^()\[\]【】〔〕]*[)\]】〕]")
_UNSEEN = " \t\r\n\v\f\u00a0\u3000\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_NOTHING = frozenset({'=""', "'"})
"""What a spreadsheet leaves of a cell that says it is an empty text."""
_NOISE = re.compile(r"[\s_\-.:：*#'\"`“”‘’「」『』、]+")


def is_blank(cell: str) -> bool:
    """Whether a cell has nothing in it that anybody sees."""
    return not cell or not cell.strip(_UNSEEN) or cell in _NOTHING


_LONGEST_WRITTEN = 200
"""Characters. What is longer is a text: to normalise one of combining marks takes the square of its length."""


def header_key(header: str) -> str:
    """What two writings of one header have in common: ``* Phone_Number`` and ``ＰＨＯＮＥ　ｎｕｍｂｅｒ`` are one."""
    if len(header) > _LONGEST_WRITTEN:
        return header
    plain = unicodedata.normalize("NFKC", header)
    visible = "".join(character for character in plain if unicodedata.category(character) not in ("Cf", "Cc"))
    key = _NOISE.sub("", visible).casefold()
    return key or visible.strip().casefold()  # of a header that has nothing but signs


_RANKS = {
    meaning: {header_key(name): rank for rank, name in reversed(tuple(enumerate(names)))}
    for meaning, names in ALIASES.items()
}


@frozen
class Columns:
    """The columns of a table. ``places`` has each by its header in lower case and by what it is to a campaign.

    A header that several columns have is in ``repeated`` alone, and so is what one of them would be to a campaign.
    ``notes`` say what was taken among several, ``chosen`` is what a person chose.
    """

    headers: tuple[str, ...]
    places: Mapping[str, int] = field(repr=False)
    repeated: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    chosen: Mapping[str, str] = field(factory=dict)
    _names: Mapping[str, str] = field(factory=dict, repr=False)

    @property
    def width(self) -> int:
        """How many columns there are up to the last that has a name."""
        named = [place for place, header in enumerate(self.headers) if not is_blank(header)]
        return named[-1] + 1

    def find(self, name: str) -> str | None:
        """The key in ``places`` of a column that somebody names; None if there is no such, or if there are several."""
        lower = name.strip().lower()
        if lower in self.places:
            return lower
        return self._names.get(header_key(name))

    def is_repeated(self, name: str) -> bool:
        """Whether several columns have this header, or one that means this to a campaign."""
        return header_key(name) in self.repeated


def read_columns(headers: Sequence[str], chosen: Mapping[str, str] | None = None) -> Columns:
    """Tell the columns of a header row apart; ``chosen`` are headers by what they are, as a person says it.

    Raises `InvalidMessage` where a column is needed and cannot be told.
    """
    keys = [header_key(header) for header in headers]
    repeated = frozenset(key for key, count in Counter(keys).items() if key and count > 1)
    places: dict[str, int] = {}
    names: dict[str, str] = {}
    for place, header in enumerate(headers):
        if keys[place] and keys[place] not in repeated:
            places[header.strip().lower()] = place
            names[keys[place]] = header.strip().lower()
    for key, count in Counter(map(_without_remark, keys)).items():
        if count == 1 and key and key not in names:  # {姓名} is the column 姓名(必填)
            names[key] = headers[list(map(_without_remark, keys)).index(key)].strip().lower()
    notes: list[str] = []
    ambiguous: set[str] = set()
    for meaning in ALIASES:
        if chosen and meaning in chosen:
            places[meaning] = _chosen(meaning, chosen[meaning], headers, keys)
            continue
        candidates = _candidates(meaning, keys)
        if not candidates:
            continue
        if keys[candidates[0]] in repeated:
            notes.extend(_repeated(meaning, headers[candidates[0]].strip()))
            ambiguous.add(meaning)
            continue
        places[meaning] = candidates[0]
        notes.extend(
            _preference(meaning, [headers[place].strip() for place in candidates if keys[place] not in repeated])
        )
    if "number" not in places and (within := _number_within(headers, repeated)):
        places["number"] = within[0]
        named = [headers[place].strip() for place in within]
        guess = "is taken for the number's; if that is another one, name it with --column number=HEADER"
        notes.extend(_preference("number", named) or [f"the column {named[0]!r} {guess}"])
    return Columns(tuple(headers), places, repeated | ambiguous, tuple(notes), chosen or {}, names)


def find_header(
    rows: Iterable[tuple[int, list[str]]], chosen: Mapping[str, str] | None = None
) -> tuple[int, list[str]] | None:
    """The row that names the columns, among a file's first ones: the first with a column for the number.

    A header that is one for certain, further down, comes before one that only may be.
    """
    first = [(number, cells) for number, cells in rows if not all(map(is_blank, cells))]
    wanted = header_key(chosen["number"]) if chosen and "number" in chosen else None
    for number, cells in first:
        keys = [header_key(cell) for cell in cells]
        if wanted in keys if wanted is not None else _candidates("number", keys):
            return number, cells
    for number, cells in first:
        several = sum(not is_blank(cell) for cell in cells) > 1
        if several and wanted is None and _number_within(cells, frozenset()):
            return number, cells
    return None


def _without_remark(key: str) -> str:
    """The key of a header without what stands in parentheses, which may be a remark."""
    return _PARENTHESES.sub("", key)


def _chosen(meaning: str, header: str, headers: Sequence[str], keys: Sequence[str]) -> int:
    count = keys.count(header_key(header))
    if count == 1:
        return keys.index(header_key(header))
    named = ", ".join(header.strip() for header in headers if header.strip())
    reason = f"{meaning}={header}: " + ("there is no such column" if not count else f"{count} columns have this name")
    raise InvalidMessage("column", f"{reason}; there are {named}")


def _candidates(meaning: str, keys: Sequence[str]) -> list[int]:
    """The places of the columns that may be this, the best first."""
    ranks = _RANKS[meaning]
    found = []
    for place, key in enumerate(keys):
        rank = ranks.get(key, ranks.get(_without_remark(key)))
        if rank is not None:
            found.append((rank, place))
    return [place for _, place in sorted(found)]


def _repeated(meaning: str, header: str) -> Iterator[str]:
    """What to say where several columns have the header of this one. Raises `InvalidMessage` where it is needed."""
    if meaning in _NEEDED:
        raise InvalidMessage("header", f"names the column {header!r} twice: rename one of them")
    if meaning != "text":  # another text may stand for it, and without one planning refuses the file
        said = f"the header names the column {header!r} twice, so neither is taken for the {meaning}"
        yield f"{said}: rename one if it matters"


def _preference(meaning: str, candidates: Sequence[str]) -> list[str]:
    """What to say of the column that is taken, the first one; nothing where there is no other."""
    taken, *others = candidates
    if not others:
        return []
    found = f"the column for the {_TITLES.get(meaning, meaning)} is {taken!r}, not {' or '.join(map(repr, others))}"
    return [f"{found}; --column {meaning}={others[0]} takes the other"]


def _width(key: str) -> int:
    return sum(1 if character.isascii() else 2 for character in key)


def _number_within(headers: Sequence[str], repeated: frozenset[str]) -> list[int]:
    """The places of the headers that have a word for a number in them."""
    found = []
    for place, header in enumerate(headers):
        key = header_key(header)
        is_one = _NUMBER_WITHIN.search(key) and not _NO_NUMBER.search(key)
        if is_one and key not in repeated and _width(key) <= _WIDEST_HEADER and not re.search(r"\d{4}", key):
            found.append(place)
    return found
