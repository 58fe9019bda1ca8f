"""The conformance kit: a base class of tests that hold a provider to its vendor's document.

A vendor's test file names a provider, an account of nobody and a folder of recordings, and is done::

    from pathlib import Path

    from sms_core_kit import ProviderConformance

    class TestAcme(ProviderConformance):
        provider = "acme"
        dsn = "acme://user:password@"
        recordings = Path(__file__).parent / "recordings"

`FaultChecks` is the other base class: it breaks the vendor's sandbox in every way, and holds the results against what
the vendor really took. The page "The conformance kit" in the docs has the format of the recordings and the list of
checks. It needs pytest: ``pip install 'sms-core[kit]'``.
"""

import pytest

# Before the checks are imported, so that their failures show what was compared.
pytest.register_assert_rewrite("sms_core_kit.checks", "sms_core_kit.faults")

from sms_core_kit.faults import FaultChecks  # noqa: E402 - after the line above
from sms_core_kit.recordings import RecordedCallback, Recording, RecordingFileError  # noqa: E402 - the same
from sms_core_kit.suite import ProviderConformance  # noqa: E402 - the same

__all__ = ["FaultChecks", "ProviderConformance", "RecordedCallback", "Recording", "RecordingFileError"]
