"""Segments against a packer that builds the units one by one and cuts them as the standard says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core.text import Encoding, count_segments, encoding_of, split_segments, utf16_length

# 3GPP TS 23.038 §6.2.1, row by row from 0x00; 0x1B is the escape to the extension table.
ESCAPE = "\x1b"
TABLE = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ" + ESCAPE + "ÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}

basic = st.sampled_from(TABLE.replace(ESCAPE, ""))
extended = st.sampled_from(sorted(EXTENSION))
gsm_texts = st.text(st.one_of(basic, basic, extended), max_size=700)
ucs2_texts = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("簡訊😀𠀀")), max_size=300)


def septets(text: str) -> list[int] | None:
    units: list[int] = []
    for character in text:
        if character in EXTENSION:
            units += [0x1B, EXTENSION[character]]
        elif character in TABLE and character != ESCAPE:
            units.append(TABLE.index(character))
        else:
            return None
    return units


def utf16(text: str) -> list[int]:
    encoded = text.encode("utf-16-be")
    return [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]


def pack(units: list[int], single: int, joined: int, opens_pair: range) -> list[list[int]]:
    """Cut the stream of units; a unit that opens a pair goes with the next one."""
    if len(units) <= single:
        return [units]
    segments = []
    while units:
        cut = min(joined, len(units))
        if cut < len(units) and units[cut - 1] in opens_pair:
            cut -= 1
        segments.append(units[:cut])
        units = units[cut:]
    return segments


def reference(text: str) -> tuple[Encoding, int, int]:
    units = septets(text)
    if units is not None:
        return Encoding.GSM7, len(units), len(pack(units, 160, 153, range(0x1B, 0x1C)))
    units = utf16(text)
    return Encoding.UCS2, len(units), len(pack(units, 70, 67, range(0xD800, 0xDC00)))


def counted(text: str) -> tuple[Encoding, int, int]:
    found = count_segments(text)
    return found.encoding, found.units, found.count


@given(gsm_texts)
def test_gsm_texts_count_as_in_the_reference(text: str) -> None:
    assert counted(text) == reference(text)
    assert encoding_of(text) is Encoding.GSM7


@given(ucs2_texts)
def test_any_text_counts_as_in_the_reference(text: str) -> None:
    assert counted(text) == reference(text)


@given(st.integers(0, 500), st.sampled_from("{€|^"), st.integers(0, 500))
def test_an_escape_is_never_cut_from_its_character(before: int, character: str, after: int) -> None:
    text = "a" * before + character + "b" * after
    assert counted(text) == reference(text)


@given(st.integers(0, 200), st.integers(1, 80), st.integers(0, 200))
def test_a_surrogate_pair_is_never_cut(before: int, pairs: int, after: int) -> None:
    text = "中" * before + "😀" * pairs + "文" * after
    assert counted(text) == reference(text)


@pytest.mark.parametrize(
    ("length", "segments"),
    [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4), (153 * 9, 9), (153 * 9 + 1, 10)],
)
def test_gsm_boundaries(length: int, segments: int) -> None:
    assert counted("a" * length) == (Encoding.GSM7, length, segments)


@pytest.mark.parametrize(
    ("length", "segments"),
    [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4), (268, 4), (335, 5), (336, 6)],
)
def test_ucs2_boundaries(length: int, segments: int) -> None:
    assert counted("中" * length) == (Encoding.UCS2, length, segments)


def test_an_extension_character_at_the_seam_leaves_a_septet_empty() -> None:
    assert counted("a" * 152 + "€" + "a" * 152) == (Encoding.GSM7, 306, 3)
    assert counted("a" * 153 + "€" + "a" * 151) == (Encoding.GSM7, 306, 2)


def test_a_surrogate_pair_at_the_seam_leaves_a_unit_empty() -> None:
    assert counted("中" * 66 + "😀" + "中" * 66) == (Encoding.UCS2, 134, 3)
    assert counted("中" * 67 + "😀" + "中" * 65) == (Encoding.UCS2, 134, 2)


def test_the_whole_alphabet_and_nothing_else_is_gsm() -> None:
    known = {*TABLE, *EXTENSION} - {ESCAPE}
    found = {chr(code) for code in range(0xD800) if encoding_of(chr(code)) is Encoding.GSM7}
    assert found == known


def test_one_foreign_character_makes_the_whole_text_ucs2() -> None:
    assert counted("a" * 69 + "中") == (Encoding.UCS2, 70, 1)
    assert counted("{" + "中" * 70) == (Encoding.UCS2, 71, 2)


@given(st.text(max_size=100))
def test_vendors_count_utf16_code_units(text: str) -> None:
    assert utf16_length(text) == len(text.encode("utf-16-be", "surrogatepass")) // 2


def test_the_titles_are_the_standard_s() -> None:
    assert (Encoding.GSM7.title, Encoding.UCS2.title) == ("GSM 03.38", "UCS-2")


AWKWARD = st.text(alphabet=st.sampled_from("aZ@£Δ\n€{}[]\\^~|\f-測\u00e0\ud83d\ude00\uffff\U0001f600\u0301"))


@given(AWKWARD)
def test_characters_are_counted_by_their_definition(text: str) -> None:
    assert utf16_length(text) == sum(2 if ord(character) > 0xFFFF else 1 for character in text)
    doubled = sum(character in "\f^{}\\[~]|€" for character in text)
    is_gsm = not set(text) & set("測\ud83d\ude00\uffff\U0001f600\u0301")
    assert encoding_of(text) is (Encoding.GSM7 if is_gsm else Encoding.UCS2)
    assert count_segments(text).units == (len(text) + doubled if is_gsm else utf16_length(text))


@given(st.text(alphabet=st.sampled_from("aZ€測\U0001f600"), max_size=700))
def test_the_segments_of_a_text(text: str) -> None:
    segments = split_segments(text)
    assert "".join(segments) == text
    assert len(segments) == count_segments(text).count
