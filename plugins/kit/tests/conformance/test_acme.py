"""Providers that are right pass every check."""

from __future__ import annotations

from pathlib import Path

from plugins.kit.tests.conformance.acme import Acme, face
from plugins.kit.tests.conformance.plus import Plus
from sms_core_kit import ProviderConformance


class TestAcme(ProviderConformance):
    provider = Acme()
    dsn = "acme://user:pa55-of-nobody@"
    recordings = Path(__file__).parent / "recordings" / "acme"
    face = face()


class TestPlus(ProviderConformance):
    provider = Plus()
    dsn = "plus://user:pa55-of-nobody@"
    recordings = Path(__file__).parent / "recordings" / "plus"
