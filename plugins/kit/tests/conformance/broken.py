"""A test class for each defect, for a run of pytest of its own: `test_defects` reads what fails."""

from __future__ import annotations

from pathlib import Path

from plugins.kit.tests.conformance.defects import DEFECTS
from sms_core_kit import ProviderConformance

for _name, _defect in DEFECTS.items():
    _suite = {
        "provider": _defect.plugin,
        "dsn": f"{_defect.vendor}://user:pa55-of-nobody@",
        "recordings": Path(__file__).parent / "recordings" / _defect.recordings,
        "face": _defect.face,
        "examples": 10,
    }
    globals()[f"Test{_name}"] = type(f"Test{_name}", (ProviderConformance,), _suite)
