"""Mitake's answers: lines of ``name=value`` in sections, as in an INI file, or before any of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from attrs import frozen

from sms_core import MalformedResponse, VendorError
from sms_core_mitake.codes import TAKEN, WHOLE_REQUEST, error_of

V = TypeVar("V")

Fields = Mapping[str, str]
"""Values under their names in lower case."""

_SECTION = re.compile(r"\[(.+)\]")
_FIELD = re.compile(r"([\w#$]+)\s*=(.*)", re.ASCII)
_CODE = re.compile(r"[0-9A-Za-z*]", re.ASCII)


@frozen
class Answer:
    """``fields`` stand before the sections, each of which speaks of one SMS.

    ``ended`` says whether the last line has its end: half of ``AccountPoint=126`` is a number too.
    """

    fields: Fields
    sections: Mapping[str, Fields]
    ended: bool

    def first(self, name: str) -> str:
        """The first value of this name, wherever it stands; "" where there is none."""
        for fields in (self.fields, *self.sections.values()):
            if name in fields:
                return fields[name]
        return ""


def read(text: str) -> Answer:
    """Take an answer apart; lines that are neither a section's head nor a field are left out.

    Raises the `VendorError` of an answer that refuses the whole request, and `MalformedResponse` for one that
    contradicts itself.
    """
    if text.strip() in WHOLE_REQUEST:  # one client in public expects a letter alone
        raise error_of(text.strip())
    fields: dict[str, str] = {}
    sections: dict[str, Fields] = {}
    current = fields
    for line in text.split("\n"):
        if head := _SECTION.fullmatch(line.strip()):
            current = {}
            _put(sections, head[1], current)
        elif found := _FIELD.fullmatch(line.strip()):
            _put(current, found[1].lower(), found[2].strip())
    if "statuscode" in fields:
        raise _refusal(fields, sections)
    return Answer(fields, sections, text.endswith("\n"))


def _refusal(fields: Fields, sections: Mapping[str, Fields]) -> VendorError:
    """The error of a statuscode before any section, which is one of the whole request."""
    code = fields["statuscode"]
    if not _CODE.fullmatch(code) or code in TAKEN or sections or "msgid" in fields:
        raise MalformedResponse("a verdict on the whole request that is no refusal")
    return error_of(code, fields.get("error", ""))


def _put(found: dict[str, V], name: str, value: V) -> None:
    if name in found:
        raise MalformedResponse("a section or a field is there twice")
    found[name] = value
