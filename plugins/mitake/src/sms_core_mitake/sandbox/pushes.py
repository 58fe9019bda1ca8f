"""狀態主動回報: how the vendor tells its customer of a state, and what it wants to hear."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from sms_core.http import Request, Response
from sms_core.provider import TAIPEI
from sms_core.testing import Push, Reply
from sms_core_mitake.sandbox.queries import flag_of, time_of

PUSH_RETRIES = 3
"""The document does not say how often it tries again."""
STATES = {"4": "DELIVRD", "5": "SYNTAXE", "6": "UNDELIV", "7": "UNDELIV", "8": "EXPIRED", "9": "DELETED"}

_HTTP_OK = 200
_ACKNOWLEDGEMENT = re.compile(rb"magicid=sms_gateway_rpack\nmsgid=([^\n]+)\n")


def push(pushed: Push, callback_url: str) -> Request | None:
    """A GET with all in the query. The API has no replies."""
    if isinstance(pushed, Reply):
        return None
    flag = flag_of(pushed)
    number = pushed.number.removeprefix("+")
    fields = {
        "msgid": pushed.batch_id,
        "dstaddr": f"0{number[3:]}" if number.startswith("886") else number,
        "dlvtime": f"{pushed.send_at.astimezone(TAIPEI):%Y%m%d%H%M%S}",
        "donetime": time_of(pushed),
        "statusstr": STATES.get(flag, "UNKNOWN"),
        "statuscode": "0",  # which says no more than that the send went well
        "StatusFlag": flag,
    }
    return Request("GET", f"{callback_url}?{urlencode(fields)}")


def acknowledged(response: Response) -> bool:
    """Status 200, text/plain, two lines each ended by a line feed."""
    plain = response.headers.get("content-type", "").lower().startswith("text/plain")
    return response.status == _HTTP_OK and plain and _ACKNOWLEDGEMENT.fullmatch(response.body) is not None
