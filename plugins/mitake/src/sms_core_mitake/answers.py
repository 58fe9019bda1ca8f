"""Mitake's answers: lines of ``name=value`` in sections, as in an INI file, or before any of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from attrs import frozen

from sms_core import MalformedResponse
from sms_core_mitake.codes import REQUEST_CODES, error_of

Fields = Mapping[str, str]
"""Values under their names in lower case."""

_SECTION = re.compile(r"\[(.+)\]")
_FIELD = re.compile(r"([\w#$]+)\s*=(.*)", re.ASCII)


@frozen
class Answer:
    """``fields`` stand before the sections, each of which speaks of one SMS."""

    fields: Fields
    sections: Mapping[str, Fields]

    def all(self, name: str) -> Iterator[str]:
        """The values of this name, wherever they stand."""
        return (one[name] for one in (self.fields, *self.sections.values()) if name in one)


def read(text: str) -> Answer:
    """Take an answer apart; lines that are neither a section's head nor a field are left out.

    Raises the `VendorError` of an answer that refuses the whole request, and `MalformedResponse` for what says one
    thing twice.
    """
    if text in REQUEST_CODES:  # one client in public reckons with a letter alone
        raise error_of(text)
    fields: dict[str, str] = {}
    sections: dict[str, Fields] = {}
    current = fields
    for line in map(str.strip, text.split("\n")):
        if head := _SECTION.fullmatch(line):
            current = {}
            _put(sections, head[1], current)
        elif found := _FIELD.fullmatch(line):
            _put(current, found[1].lower(), found[2].strip())
    if code := fields.get("statuscode"):
        raise error_of(code, fields.get("error", "")) if not sections else MalformedResponse("two verdicts")
    return Answer(fields, sections)


def _put[V](found: dict[str, V], name: str, value: V) -> None:
    if name in found:
        raise MalformedResponse("one thing stands there twice")
    found[name] = value
