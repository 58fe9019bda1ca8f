"""Values as both APIs want them in a request."""

from __future__ import annotations

import base64
import math
from datetime import datetime, timedelta

from sms_core import Media
from sms_core.provider import format_time


def time_field(moment: datetime | None) -> str:
    """``yyyyMMddHHmmss`` of Taipei; empty for at once (table 2-3-1 of HTTP, 1.2 of SOAP)."""
    return format_time(moment) if moment else ""


def minutes_field(validity: timedelta) -> int:
    """RETRYTIME: whole minutes, rounded up."""
    return math.ceil(validity / timedelta(minutes=1))


def picture_field(media: Media) -> str:
    """ATTACHMENT: base64."""
    return base64.b64encode(media.content).decode("ascii")
