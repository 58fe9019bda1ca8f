"""One-time codes by SMS: sent, sent again, checked, and not to be guessed, pumped or used twice.

No code is kept anywhere. The store has a random nonce for each number and purpose, and the code is derived from it with
the application's key. Whoever reads the store learns no code, and a text that is sent again carries the same one.

``values`` are what a caller is told, ``keys`` derives, ``records`` is what the store has, ``wording`` the text, and
``surges`` the limits on sends. ``base`` is the way from asking to a verdict, and ``colours`` are its two faces.
"""

from sms_core_policy.codes.colours import AsyncOneTimeCodes, OneTimeCodes
from sms_core_policy.codes.surges import LIMITS, Surge
from sms_core_policy.codes.values import Checked, Ticket, TicketState, Verdict
from sms_core_policy.codes.wording import TEXT

__all__ = [
    "LIMITS",
    "TEXT",
    "AsyncOneTimeCodes",
    "Checked",
    "OneTimeCodes",
    "Surge",
    "Ticket",
    "TicketState",
    "Verdict",
]
