"""The rules by which a preview says what carriers would block."""

from __future__ import annotations


def policies() -> tuple[object, ...]:
    """The plugins of the client that plans a campaign; what their ``sms_check`` warns of stands in the estimate."""
    return ()
