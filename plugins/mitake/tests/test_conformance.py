"""Mitake against its document: the recordings beside this file, by the conformance kit."""

from __future__ import annotations

from pathlib import Path

import sms_core_mitake.sandbox
from sms_core_kit import ProviderConformance


class TestMitake(ProviderConformance):
    provider = "mitake"
    dsn = "mitake://user:p%26w%3D%25%2B@?long_sms=true"
    recordings = Path(__file__).parent / "recordings"
    face = sms_core_mitake.sandbox.face
