"""The conformance kit: a base class of tests that hold a provider to its vendor's document.

A vendor's test file names a provider, an account of nobody and a folder of exchanges, and is done::

    from pathlib import Path

    from sms_core_kit import ProviderConformance

    class TestAcme(ProviderConformance):
        provider = "acme"
        dsn = "acme://user:password@"
        exchanges = Path(__file__).parent / "exchanges"

The page "The conformance kit" in the docs has the format of the exchanges and the list of checks. It needs pytest and
hypothesis: ``pip install 'sms-core[kit]'``.
"""

import pytest

# Before the checks are imported, so that their failures show what was compared.
pytest.register_assert_rewrite("sms_core_kit.checks")

from sms_core_kit.exchanges import ExchangeFileError, RecordedCallback, RecordedExchange  # noqa: E402 - after the line above
from sms_core_kit.suite import ProviderConformance  # noqa: E402 - the same

__all__ = ["ExchangeFileError", "ProviderConformance", "RecordedCallback", "RecordedExchange"]
