"""狀態主動回報: how the vendor tells its customer of a state, and what it wants to hear."""

from __future__ import annotations

import re

from sms_core.http import Request, Response
from sms_core.testing import Push, Reply
from sms_core_mitake.sandbox.queries import flag_of, time_of
from sms_core_sandbox.pushes import plain_200, query_push
from sms_core_sandbox.values import local_number, write_time

PUSH_RETRIES = 3
"""The document does not say how often it tries again; nor what statusstr is on the way (附錄二 has the flag alone)."""
STATES = {
    "1": "ENROUTE",
    "4": "DELIVRD",
    "5": "SYNTAXE",
    "6": "UNDELIV",
    "7": "UNDELIV",
    "8": "EXPIRED",
    "9": "DELETED",
}

_ACKNOWLEDGEMENT = re.compile(rb"magicid=sms_gateway_rpack\nmsgid=([^\n]+)\n")


def push(pushed: Push, callback_url: str) -> Request | None:
    """A GET with all in the query. The API has no replies."""
    if isinstance(pushed, Reply):
        return None
    flag = flag_of(pushed)
    fields = {
        "msgid": pushed.batch_id,
        "dstaddr": local_number(pushed.number).removeprefix("+"),
        "dlvtime": write_time(pushed.send_at, "%Y%m%d%H%M%S"),
        "donetime": time_of(pushed),
        "statusstr": STATES.get(flag, "UNKNOWN"),
        "statuscode": "0",  # which says no more than that the send went well
        "StatusFlag": flag,
    }
    return query_push(callback_url, fields)


def acknowledged(response: Response) -> bool:
    """Status 200, text/plain, two lines each ended by a line feed."""
    return plain_200(response) and _ACKNOWLEDGEMENT.fullmatch(response.body) is not None
