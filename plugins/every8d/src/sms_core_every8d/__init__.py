"""EVERY8D (Taiwan) for sms-core: the providers `every8d` (package `http`) and `every8d-soap` (package `soap`).

What both APIs of the platform share stands beside the two packages.
"""

from sms_core_every8d.http.options import AccountOptions, SendOptions

__all__ = ["AccountOptions", "SendOptions"]
