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
    face = sms_core_every8d.sandbox.face


class TestEvery8dSoap(ProviderConformance):
    provider = "every8d-soap"
    dsn = "every8d-soap://Test:XXX@"
    recordings = RECORDINGS / "soap"
    face = sms_core_every8d.sandbox.soap.soap_face
