"""EVERY8D (Taiwan) for sms-core. Source of all: 簡訊 API2.1 規格書, version 2.2 (2025/11/14)."""

from sms_core_every8d.options import AccountOptions, SendOptions

__all__ = ["AccountOptions", "SendOptions"]
