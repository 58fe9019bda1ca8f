"""Twilio against its documents: the recordings beside this file, by the conformance kit."""

from __future__ import annotations

from pathlib import Path

import sms_core_twilio.sandbox
from sms_core_kit import ProviderConformance

ACCOUNT = "AC" + "0" * 32
SERVICE = "MG" + "0" * 32


class TestTwilio(ProviderConformance):
    provider = "twilio"
    dsn = f"twilio://{ACCOUNT}:12345@?messaging_service={SERVICE}"
    recordings = Path(__file__).parent / "recordings"
    other_codes_refuse = (
        "Error and Warning Dictionary, by the HTTP status: 400, 20003 (401), 403, 20404 (404) and 20004 (405)"
    )
    face = sms_core_twilio.sandbox.face
