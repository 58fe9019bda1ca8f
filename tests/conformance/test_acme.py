"""A provider that is right passes every check."""

from __future__ import annotations

from pathlib import Path

from sms_core.testing.conformance import ProviderConformance
from tests.conformance.acme import Acme, face


class TestAcme(ProviderConformance):
    provider = Acme()
    dsn = "acme://user:pa55-of-nobody@"
    exchanges = Path(__file__).parent / "exchanges"
    face = face()
