"""SMS-Get's answers: ``stats``, ``error_code`` and ``error_msg`` in JSON, for every page alike."""

from __future__ import annotations

import re

from attrs import frozen

from sms_core import MalformedResponse
from sms_core.provider import parse_json, structure_json
from sms_core_smsget.codes import SUCCESS, error_of

_CODE = re.compile(r"\d{1,3}", re.ASCII)


@frozen
class Answer:
    """The output of chapters 1, 3 and 5. ``stats`` is a string there, True or False; on the wire it is a boolean."""

    stats: bool
    error_code: str
    error_msg: str = ""


def read(text: str) -> str:
    """The ``error_msg`` of a success. Raises the error of a refusal, and `MalformedResponse`.

    Only an answer whose two fields agree counts: after a send, whatever else there is may have been taken.
    """
    value = parse_json(text)
    if isinstance(value, dict):
        value = {name.lower(): field for name, field in value.items()}
    answer = structure_json(value, Answer)
    if not _CODE.fullmatch(answer.error_code.strip()):
        raise MalformedResponse("no error_code")
    code = answer.error_code.strip().zfill(len(SUCCESS))
    if answer.stats is not (code == SUCCESS):
        raise MalformedResponse("stats and error_code contradict each other")
    if not answer.stats:
        raise error_of(code, answer.error_msg.strip())
    return answer.error_msg.strip()
