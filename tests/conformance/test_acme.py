"""Providers that are right pass every check."""

from __future__ import annotations

from pathlib import Path

from sms_core.testing.conformance import ProviderConformance
from tests.conformance.acme import Acme, face
from tests.conformance.plus import Plus


class TestAcme(ProviderConformance):
    provider = Acme()
    dsn = "acme://user:pa55-of-nobody@"
    exchanges = Path(__file__).parent / "recorded" / "acme"
    face = face()


class TestPlus(ProviderConformance):
    provider = Plus()
    dsn = "plus://user:pa55-of-nobody@"
    exchanges = Path(__file__).parent / "recorded" / "plus"
