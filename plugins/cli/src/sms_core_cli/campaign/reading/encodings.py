"""Which encoding a text file has: said by its first bytes, told from all of them, or guessed.

UTF-8 and UTF-16 can be told. The legacy encodings of East Asia share their bytes, so the same file may be read in several.
A reading is likely if its characters are those that people use: each of these encodings keeps the common characters
in a block of its own, and what is read in the wrong one falls outside of that block. Those that write such characters
with the bytes of ASCII are told by how they begin one.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import BinaryIO

from attrs import frozen

from sms_core.errors import InvalidMessage

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""What a file may begin with to say how it is encoded."""
TITLES = {
    "utf-8": "UTF-8",
    "cp950": "Big5",
    "big5hkscs": "Big5 of Hong Kong",
    "gb18030": "GBK (GB18030)",
    "cp932": "Shift-JIS",
    "euc_jp": "Japanese (EUC-JP)",
    "cp949": "Korean (CP949)",
    "iso2022_jp": "Japanese (ISO-2022-JP)",
    "iso2022_jp_ext": "Japanese (ISO-2022-JP)",
    "iso2022_kr": "Korean (ISO-2022-KR)",
    "hz": "Chinese (HZ)",
}
LOST = "surrogateescape"
"""The way to decode that keeps bytes which are no character, so that they can be shown."""

_CHUNK = 1 << 20
_SAMPLE = 1 << 18
_LONGEST_SAMPLE = 40
"""Characters that are shown of a text."""
_LIKELY = 0.6
"""The least share of common characters in what may be a text of that encoding."""
_CLEAR = 0.3
"""By how much Big5 has to be likelier than any other to be read without a question."""
_UTF16 = ("utf-16-le", "utf-16-be")
_TWO_BYTES = re.compile(r"[A-Za-z0-9]?[\u0080-\u07ff]+[A-Za-z0-9]?")
_HAS_LETTER = re.compile(r"[A-Za-z0-9]")

_BLOCKS: dict[str, tuple[tuple[int, int], ...]] = {
    "cp950": ((0xA140, 0xA3FE), (0xA440, 0xC67E)),
    "gb18030": ((0xA1A1, 0xA3FE), (0xB0A1, 0xD7F9)),
    "cp932": ((0x8140, 0x8396), (0x889F, 0x9872)),
    "euc_jp": ((0xA1A1, 0xA5F6), (0xB0A1, 0xCFD3)),
    "cp949": ((0xA1A1, 0xA3FE), (0xB0A1, 0xC8FE)),
}
"""First and last code of each encoding's punctuation and common characters: Big5's frequently used ones, level 1 of GB 2312
and, twice, of JIS X 0208, the Hangul of KS X 1001."""

_ESCAPES = (
    ("iso2022_jp", re.compile(r"\x1b\$[@B]")),  # RFC 1468
    ("iso2022_jp_ext", re.compile(r"\x1b(\$[@B]|\(I)")),  # the same with katakana of half the width
    ("iso2022_kr", re.compile(r"\x1b\$\)C")),  # RFC 1557
    ("hz", re.compile(r"~\{([!-}][!-~])+~\}")),  # RFC 1843
)
"""How encodings begin a character of East Asia that is written with bytes of ASCII. UTF-7 is not among them: a number in
E.164 looks like it, and nobody's spreadsheet writes it.
"""


@frozen
class Reading:
    """One way to read a file, and a text in it as it would be then."""

    encoding: str
    sample: str

    @property
    def title(self) -> str:
        """The encoding's name in words."""
        return TITLES.get(self.encoding, self.encoding)


@frozen
class FoundEncoding:
    """How a file is encoded. ``readings`` are there if that is a guess which a person has to confirm, the likeliest first.

    ``is_damaged`` says that bytes of some rows are no characters, ``note`` what else its reader should know.
    """

    encoding: str
    readings: tuple[Reading, ...] = ()
    is_damaged: bool = False
    note: str = ""


def find_encoding(file: BinaryIO, named: str | None = None) -> FoundEncoding:
    """The encoding of a file from its start; ``named`` is what a person says it is.

    Raises `InvalidMessage` for a file that is in no encoding known here, or that is not in the named one.
    """
    if named is not None:
        return _named(file, named)
    head = file.read(_SAMPLE)
    told = next((name for mark, name in MARKS if head.startswith(mark)), None) or _utf16(head)
    bad = _first_bad_byte(file, told or "utf-8")
    if bad is None and told is None:
        readings = _escaped(head) if head.isascii() else _doubts(head)
        return FoundEncoding(readings[0].encoding if readings else "utf-8", readings)
    if bad is None:
        return FoundEncoding(told or "utf-8")
    if told == "utf-8-sig" and _share_of_lost(_sample(file, bad), told) <= 1 - _LIKELY:
        return FoundEncoding(told, is_damaged=True)
    if told is not None:
        row, name = _row_of(file, bad), told.upper()
        reason = f"begins as {name} and goes on otherwise in row {row}, at byte {bad + 1}: save it as 'CSV UTF-8'"
        raise InvalidMessage("file", reason)
    return _legacy(file, bad)


def lost_bytes(text: str) -> str:
    """The bytes of a text that were no characters, as ``FA 40``; "" if there are none.

    What follows such a byte and belongs to it may have been taken for a letter; it is shown too.
    """
    for place, character in enumerate(text):
        if _is_lost(character):
            pair = text[place : place + 2]
            return " ".join(f"{ord(part) & 0xFF:02X}" for part in pair if _is_lost(part) or part < "\x80")
    return ""


def without_lost(text: str) -> str:
    """The text with U+FFFD for each byte that was no character."""
    return "".join("\ufffd" if _is_lost(character) else character for character in text)


def _is_lost(character: str) -> bool:
    return "\udc80" <= character <= "\udcff"


def _named(file: BinaryIO, encoding: str) -> FoundEncoding:
    try:
        bad = _first_bad_byte(file, encoding)
        if bad is None:
            return FoundEncoding(encoding)
        where = f"row {_row_of(file, bad)}"
        share = _share_of_lost(_sample(file, bad), encoding)
    except (LookupError, ValueError) as error:  # idna and NUL in a name raise other kinds of ValueError
        raise InvalidMessage("file", f"cannot be read as {encoding} ({type(error).__name__})") from None
    if share > 1 - _LIKELY:
        raise InvalidMessage("file", f"cannot be read as {encoding}: {where} is not in it")
    return FoundEncoding(encoding, is_damaged=True)


def _first_bad_byte(file: BinaryIO, encoding: str) -> int | None:
    """The place of the first byte that is no text in this encoding. Raises `LookupError` or `ValueError`."""
    if not codecs.lookup(encoding)._is_text_encoding:  # noqa: SLF001 - nothing else tells
        raise LookupError(encoding)
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    before = 0
    while True:
        chunk = file.read(_CHUNK)
        # What the decoder kept of the chunk before is part of what an error counts.
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return before - kept + error.start
        if not chunk:
            return None
        before += len(chunk)


def _utf16(head: bytes) -> str | None:
    """UTF-16 that does not say so: digits, commas and line ends have a zero on the same side of each."""
    if b"\0" not in head:
        return None
    unpadded = head.rstrip(b"\0")
    whole = unpadded[: len(unpadded) // 2 * 2]
    for encoding in _UTF16:
        text = whole.decode(encoding, "replace")
        readable = sum(character.isprintable() or character in "\r\n\t\x1a" for character in text)
        ascii_ones = sum("\0" < character < "\x80" for character in text)
        # Two letters of ASCII make one of Chinese, so being readable is not enough.
        if text and readable >= 0.98 * len(text) and ascii_ones >= 0.1 * len(text):
            return encoding
    return None


def _doubts(head: bytes) -> tuple[Reading, ...]:
    """The ways to read a file that is UTF-8, and a legacy encoding as well; none if it is hardly that.

    A few characters of a legacy encoding may happen to be UTF-8: 陆 in GBK is ½ in UTF-8. Such characters of UTF-8 have two
    bytes each, and those that people write stand beside letters, as in José.
    """
    text = head.decode("utf-8", "ignore")
    runs = _TWO_BYTES.findall(text)
    if not runs or any(character > "\u07ff" for character in text) or any(map(_HAS_LETTER.search, runs)):
        return ()
    likely = [name for name in _BLOCKS if _likeness(head, name) >= _LIKELY]
    return tuple(Reading(name, _shown(head, name)) for name in ("utf-8", *likely)) if likely else ()


def _escaped(head: bytes) -> tuple[Reading, ...]:
    """The ways to read a file that is ASCII, and an encoding that escapes to other characters as well; none if it is not that."""
    lines = _whole_lines(head)
    as_it_is = lines.decode("ascii")
    for encoding, escape in _ESCAPES:
        begun = escape.search(as_it_is)
        if begun is None:
            continue
        with contextlib.suppress(UnicodeDecodeError):
            if _is_common(lines.decode(encoding)):
                escapes = as_it_is[begun.start() :].splitlines()[0][:_LONGEST_SAMPLE]
                return Reading(encoding, _shown(lines, encoding)), Reading("utf-8", escapes)
    return ()


def _legacy(file: BinaryIO, bad: int) -> FoundEncoding:
    sample = _sample(file, bad)
    likely = {encoding: _likeness(sample, encoding) for encoding in ("utf-8", *_BLOCKS)}
    # On a tie the first one stays in front.
    ranked = sorted((name for name in likely if likely[name] >= _LIKELY), key=lambda name: -likely[name])
    if not ranked:
        raise InvalidMessage("file", _unreadable(file, sample, bad))
    best = ranked[0]
    is_damaged = _first_bad_byte(file, best) is not None
    others = [likely[name] for name in likely if name != best]
    if best == "utf-8":
        return FoundEncoding(best, is_damaged=is_damaged)
    if best == "cp950" and likely[best] - max(others) >= _CLEAR:
        note = f"the file is not UTF-8 (byte {bad + 1}), so it was read as Big5 (cp950): look at a text before you send"
        return FoundEncoding(best, is_damaged=is_damaged, note=note)
    if "cp950" not in ranked and _share_of_lost(sample, "cp950") == 0:
        ranked.append("cp950")  # what Excel writes in Taiwan is worth a look, however unlikely
    return FoundEncoding(best, tuple(Reading(name, _shown(sample, name)) for name in ranked), is_damaged)


def _sample(file: BinaryIO, bad: int) -> bytes:
    """Whole lines around the first byte that does not fit."""
    start = max(0, bad - _SAMPLE // 4)
    file.seek(start)
    before = file.read(bad - start)
    if start:
        before = before[before.find(b"\n") + 1 :]
    return _whole_lines(before + file.read(_SAMPLE))


def _whole_lines(sample: bytes) -> bytes:
    """A sample without the line that its end cuts."""
    end = sample.rfind(b"\n")
    return sample if end < 0 or len(sample) < _SAMPLE else sample[:end]


def _row_of(file: BinaryIO, place: int) -> int:
    """The row that a byte is in, if no cell has a line break."""
    file.seek(0)
    row, left = 1, place
    while left > 0:
        chunk = file.read(min(left, _CHUNK))
        row += chunk.count(b"\n")
        left -= len(chunk)
    return row


def _foreign(text: str) -> list[str]:
    return [character for character in text if character > "\x7f"]


def _likeness(sample: bytes, encoding: str) -> float:
    """The share of common characters among those that are not ASCII."""
    foreign = _foreign(sample.decode(encoding, LOST))
    if encoding not in _BLOCKS:
        return sum(not _is_lost(character) for character in foreign) / max(1, len(foreign))
    common = _common(encoding)
    return sum(character in common for character in foreign) / max(1, len(foreign))


def _is_common(text: str) -> bool:
    """Whether a text has characters that are not ASCII, and they are common ones of some encoding."""
    foreign = _foreign(text)
    likeliest = max(sum(character in _common(encoding) for character in foreign) for encoding in _BLOCKS)
    return bool(foreign) and likeliest >= _LIKELY * len(foreign)


def _share_of_lost(sample: bytes, encoding: str) -> float:
    foreign = _foreign(sample.decode(encoding, LOST))
    return sum(map(_is_lost, foreign)) / max(1, len(foreign))


@lru_cache
def _common(encoding: str) -> frozenset[str]:
    common = set()
    for first, last in _BLOCKS[encoding]:
        for code in range(first, last + 1):
            with contextlib.suppress(UnicodeDecodeError):
                common.add(code.to_bytes(2, "big").decode(encoding))
    return frozenset(character for character in common if len(character) == 1)


def _shown(sample: bytes, encoding: str) -> str:
    """Some of the cells with foreign characters, as they would be read."""
    return " ".join(_cells_to_show(without_lost(sample.decode(encoding, LOST)).splitlines()))[:_LONGEST_SAMPLE]


def _cells_to_show(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        for delimiter in ",;\t|":
            line = line.replace(delimiter, "\n")  # noqa: PLW2901
        yield from (cell.strip() for cell in line.split("\n") if not cell.isascii())


def _unreadable(file: BinaryIO, sample: bytes, bad: int) -> str:
    row = _row_of(file, bad)
    if _share_of_lost(sample, "big5hkscs") == 0:
        example = _shown(sample, "big5hkscs")
        return f"is neither UTF-8 nor Big5 in row {row}: --encoding big5hkscs would read it as '{example}'"
    western = sample.decode("cp1252", "replace")
    if all(character.isalpha() or character in "‘’“”–—€°©®™ºª·¿¡«»" for character in _foreign(western)):
        example = _shown(sample, "cp1252")
        return f"is neither UTF-8 nor Big5 in row {row}: --encoding cp1252 would read it as '{example}'"
    return f"is neither UTF-8 nor Big5 in row {row} (byte {bad + 1}): save it as 'CSV UTF-8', or name its --encoding"
