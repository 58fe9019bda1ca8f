"""Twilio against its document: the exchanges beside this file, by the conformance kit of sms-core."""

from __future__ import annotations

from pathlib import Path

from sms_core.testing.conformance import ProviderConformance

from sms_core_twilio.sandbox import face


class TestTwilio(ProviderConformance):
    provider = "twilio"
    dsn = "twilio://USER:PASSWORD@"
    exchanges = Path(__file__).parent / "exchanges"
    face = face
