"""Mitake 三竹簡訊 (Taiwan) for sms-core. Source of all: 三竹資訊 B2C API 文件規格說明書 v2.14 (2024-06-18)."""

from sms_core_mitake.options import AccountOptions, SendOptions

__all__ = ["AccountOptions", "SendOptions"]
