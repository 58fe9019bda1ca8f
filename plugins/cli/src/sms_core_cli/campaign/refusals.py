"""What the core refuses: a row of the file, or all of it."""

from __future__ import annotations

import re

from sms_core.errors import InvalidMessage, Unsupported
from sms_core.provider import Capability

ROW_FIELDS = ("row", "text", "params", "media.content")
"""What an error may name without a recipient's place and yet be about one row. Another field is about all of them."""
ROW_CAPABILITIES = (Capability.INTERNATIONAL.value, Capability.SCHEDULE.value)
"""What a single row may need and not get."""
RECIPIENT = re.compile(r"to\[(\d+)\]\.", re.ASCII)
"""How the field of an error begins that is about one recipient."""


def refusal(error: InvalidMessage | Unsupported) -> str:
    """Why a row is refused. Raises the error again if it is about all rows."""
    if isinstance(error, Unsupported):
        if error.capability not in ROW_CAPABILITIES:
            raise error
        return f"not with this provider: {error.capability}"
    field_name = RECIPIENT.sub("", error.field)
    if field_name == error.field and field_name not in ROW_FIELDS:
        raise error
    return f"{field_name}: {error.reason}"
