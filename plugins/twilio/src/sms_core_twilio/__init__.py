"""Twilio for sms-core. Source of all: Twilio Messages resource, API 2010-04-01."""

from sms_core_twilio.options import SendOptions

__all__ = ["SendOptions"]
