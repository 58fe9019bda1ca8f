"""Inputs that cost a careless parser more than their length: one thing over and over, alone or inside of something real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

SHAPES: Mapping[str, bytes] = {
    "tabs": b"\t",
    "line feeds": b"\n",
    "line ends": b"\r\n",
    "blanks": b" ",
    "commas": b",",
    "commas and blanks": b", ",
    "bars": b"|",
    "ampersands": b"&",
    "fields": b"a=1&",
    "percent signs": b"%",
    "quotes": b'"',
    "open quotes": b'"a,',
    "backslashes": b"\\",
    "digits": b"9",
    "digits and blanks": b"9 ",
    "letters": b"a",
    "hexadecimal": b"0a-",
    "braces": b"{",
    "placeholders": b"{name}",
    "brackets": b"[",
    "rows of an INI file": b"[1]\n",
    "nested objects": b'{"a":',
    "elements": b"<a>",
    "open tags": b"<",
    "attributes": b' a="1"',
    "comments": b"<!--",
    "CDATA": b"<![CDATA[",
    "character references": b"&#0;",
    "escaped elements": b"&lt;a&gt;",
    "combining marks": "\u0301\u0316".encode(),
    "Chinese": "字".encode(),
    "broken UTF-8": b"\xe5",
    "NUL": b"\0",
    "lines of four columns": b"\t0900000001\tx\t2026\n",
    "lines of fields": b"a=1\n",
    "replies": b",0900000001|1|2026-12-01 09:00:00|x",
    "numbers": b"/0900000001",
}
"""What is repeated, by what it is."""

SHORTEST = 24
"""Bytes of an example that has a form to speak of."""


def frames(examples: Sequence[bytes], most: int) -> Iterator[tuple[bytes, bytes]]:
    """What stands before and behind the hostile part: nothing, or the two parts of a recorded example.

    Of the examples of one form, which have one beginning and one end, it is the longest.
    """
    yield b"", b""
    forms: dict[tuple[bytes, bytes], bytes] = {}
    for example in examples:
        if len(example) < SHORTEST:
            continue
        form = example[:4], example[-4:]
        forms[form] = max(forms.get(form, b""), example, key=len)
    for example in list(forms.values())[:most]:
        cut = len(example) // 2
        yield example[:cut], example[cut:]


def hostile(shape: bytes, frame: tuple[bytes, bytes], length: int) -> bytes:
    """An input of about so many bytes."""
    before, behind = frame
    return before + shape * (length // len(shape)) + behind
