"""smsgo against its document: the recordings beside this file, by the conformance kit."""

from __future__ import annotations

from pathlib import Path

import sms_core_smsgo.sandbox
from sms_core_kit import ProviderConformance


class TestSmsgo(ProviderConformance):
    provider = "smsgo"
    dsn = "smsgo://TesterId:TesterPW@"
    recordings = Path(__file__).parent / "recordings"
    face = sms_core_smsgo.sandbox.face
