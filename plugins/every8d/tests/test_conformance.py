"""EVERY8D's two APIs against their documents: the recordings beside this file, by the conformance kit."""

from __future__ import annotations

from pathlib import Path

import sms_core_every8d.sandbox
import sms_core_every8d.sandbox.soap
from sms_core_kit import ProviderConformance

RECORDINGS = Path(__file__).parent / "recordings"


class TestEvery8d(ProviderConformance):
    provider = "every8d"
    dsn = "every8d://Test:XXX@"
    recordings = RECORDINGS / "http"
    other_codes_refuse = "tables 2-4-2, 2-5-2, 2-6-2, 3-3-2 and 3-4-2"
    face = sms_core_every8d.sandbox.face


class TestEvery8dSoap(ProviderConformance):
    provider = "every8d-soap"
    dsn = "every8d-soap://Test:XXX@"
    recordings = RECORDINGS / "soap"
    other_codes_refuse = "2.2, 2.3 and 5.1"
    face = sms_core_every8d.sandbox.soap.soap_face
