"""Twilio for sms-core. Source of all: Twilio's documents of the Messages resource, API 2010-04-01, and its OpenAPI."""

from sms_core_twilio.options import AccountOptions, SendOptions

__all__ = ["AccountOptions", "SendOptions"]
