"""XML from and to outside: no entities, no declared charset believed, one error for whatever is wrong with it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from xml.etree import ElementTree as ET
from xml.parsers.expat import ExpatError

import xmltodict

from sms_core.errors import MalformedResponse

T = TypeVar("T")

_DECLARATION = re.compile(r"\A\s*<\?xml\b[^>]*\?>")
_ROOT = re.compile(r"\s*<[^!?]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));")
_REPLACEMENT = "\ufffd"


def parse_xml(text: str, *lists: str) -> dict[str, Any]:
    """The document as nested dicts; elements named in ``lists`` are lists even where there is one.

    Values are stripped; an empty element is None; attributes start with ``@``. Characters that XML cannot hold, which
    some writers let through, become U+FFFD. Raises `MalformedResponse`.
    """

    def parse(document: str) -> dict[str, Any]:
        found: dict[str, Any] = xmltodict.parse(
            document.encode(), encoding="utf-8", force_list=lists, disable_entities=True
        )
        return found

    return _parse_tolerantly(parse, text)


def parse_tree(text: str) -> ET.Element:
    """The document as a tree, for those of many rows: three times as fast. Otherwise as `parse_xml`."""
    return _parse_tolerantly(_parse_tree, text)


def _parse_tree(document: str) -> ET.Element:
    # Entities are declared in front of the root element, where nothing else is of use either.
    if not _ROOT.match(document):
        raise ValueError("something before the root element")
    return ET.fromstring(document.encode())  # noqa: S314 - it can hold no declarations


def _parse_tolerantly(parse: Callable[[str], T], text: str) -> T:
    """The document; once more with U+FFFD for what XML cannot hold, where it is no document as it is."""
    # Of a text that is decoded already, neither a BOM nor a declared charset says anything true.
    text = _DECLARATION.sub("", text.lstrip("\ufeff"))
    try:
        return _parse_or_malformed(parse, text)
    except MalformedResponse:
        replaced = _REFERENCE.sub(_replace_reference, _FORBIDDEN.sub(_REPLACEMENT, text))
        if replaced == text:
            raise
        return _parse_or_malformed(parse, replaced)


def _parse_or_malformed(parse: Callable[[str], T], document: str) -> T:
    try:
        return parse(document)
    except (ExpatError, ET.ParseError, ValueError) as error:
        raise MalformedResponse(f"not XML ({type(error).__name__})") from error


def _replace_reference(found: re.Match[str]) -> str:
    """The character reference itself, or a harmless one for a character that XML cannot hold."""
    hexadecimal, decimal = found.groups()
    point = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if point > sys.maxunicode or _FORBIDDEN.match(chr(point)):
        return _REPLACEMENT
    return found[0]


def write_xml(document: Mapping[str, Any]) -> bytes:
    """Nested dicts as a document in UTF-8; attributes start with ``@``. Texts are read back as they are.

    What `forbidden_in` finds in a text is the caller's to refuse.
    """
    # XML's line ends are \n: a \r survives only as a character reference. Within tags the writer sees to that.
    return xmltodict.unparse(document).replace("\r", "&#13;").encode()


def forbidden_in(text: str) -> str:
    """The first character of a text that no XML document can hold, "" where there is none."""
    found = _FORBIDDEN.search(text)
    if found is None:
        return ""
    return found[0]


def cdata(text: str) -> str:
    """A text as CDATA that is read back as it is, ``]]>`` and carriage returns too."""
    inside = text.replace("]]>", "]]]]><![CDATA[>").replace("\r", "]]>&#13;<![CDATA[")
    return f"<![CDATA[{inside}]]>"
