"""EVERY8D's HTTP answers taken apart: text, a verdict in JSON, or the JSON of a page.

The form endpoints answer in text (``CREDIT,SENDED,…`` or ``-code,text``), the others in JSON; with a token the form
endpoints were seen to refuse in JSON too, so both are read everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from sms_core import MalformedResponse, SessionExpired
from sms_core.provider import NO_VERDICT, Check, Operation, parse_json, structure_json
from sms_core_every8d.codes import OTHERS, UNKNOWN_ERROR, error_of
from sms_core_every8d.counts import read_refusal

_SENDED = re.compile(r"\d{1,7}(?:\.\d*)?\s*(?:,|\Z)", re.ASCII)  # a number, as -98 has it for its words, is longer


@frozen
class Verdict:
    """A JSON answer that says whether it is a success (tables 1-1-2, 1-2-2, 2-4-2 and those like them)."""

    result: bool
    status: str = ""
    msg: str = ""


Answer = str | Verdict | Mapping[str, Any]
"""A text, a verdict of success, or the JSON of a page with its names in lower case."""


def read(operation: Operation[Any], text: str) -> Answer:
    """The answer to an operation. Raises the error of one that refuses, and `MalformedResponse`."""
    if not text.startswith("{"):
        _refuse(operation, text)
        return text
    fields = {name.lower(): value for name, value in parse_json(text).items()}
    if "result" not in fields:
        return fields
    verdict = structure_json(fields, Verdict)
    if verdict.result:
        return verdict
    # 1.2 asks whether the session is alive, and a Result of false is its no: with the -99 of table 1-2-5, or without
    # any code, for table 1-2-2 has none. Another code says something else, such as -97, that the vendor is busy.
    if isinstance(operation, Check) and verdict.status in {"", UNKNOWN_ERROR}:
        raise SessionExpired(code=verdict.status, vendor_text=verdict.msg)
    raise error_of(operation, verdict.status, verdict.msg)


def text_of(answer: Answer) -> str:
    """What an answer says in text, as it is or in the Msg of a verdict. Raises `MalformedResponse` for a page."""
    match answer:
        case str():
            return answer
        case Verdict():
            return answer.msg
        case _:
            raise MalformedResponse("a page instead of an answer")


def _refuse(operation: Operation[Any], text: str) -> None:
    """Raise the error of ``Status,Msg`` (table 2-6-2)."""
    refusal = read_refusal(text)
    if refusal is None:
        return
    code, words = refusal
    if _SENDED.match(words):
        return  # a CREDIT and a SENDED: the account is below zero, and the vendor may have sent
    # A failure has both of them. A code alone that no table has may be the beginning of a CREDIT below zero.
    raise error_of(operation, code, words, others=OTHERS if words else NO_VERDICT)
