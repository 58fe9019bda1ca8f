"""SMS-Get against its document: the recordings beside this file, by the conformance kit."""

from __future__ import annotations

from pathlib import Path

import sms_core_smsget.sandbox
from sms_core_kit import ProviderConformance


class TestSmsGet(ProviderConformance):
    provider = "sms-get"
    dsn = "sms-get://user:p%26w%3D%25%2B@"
    recordings = Path(__file__).parent / "recordings"
    face = sms_core_smsget.sandbox.face
