"""SMS-Get (Taiwan) for sms-core. Source of all: SMS-Get 商務簡訊 API 說明, with the addition of 2017/12/14."""

from sms_core_smsget.options import AccountOptions, SendOptions

__all__ = ["AccountOptions", "SendOptions"]
