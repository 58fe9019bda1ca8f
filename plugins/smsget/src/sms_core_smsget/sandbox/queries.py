"""Chapter 5: what is left."""

from __future__ import annotations

from sms_core_sandbox.calls import Call
from sms_core_smsget.sandbox.calls import user_of


def query_credit(call: Call) -> str:
    """Chapter 5."""
    user = user_of(call)
    return f"{user}|{call.exchange.account(user).credit:f}"
