"""smsgo 簡訊購 (Taiwan) for sms-core. Source of all: 簡訊購 API 技術文件 6.0 (2017/3/24)."""

from sms_core_smsgo.options import AccountOptions, SendOptions

__all__ = ["AccountOptions", "SendOptions"]
