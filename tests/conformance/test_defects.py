"""Each broken provider is caught by the check whose name says what is wrong, and by no other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sms_core.testing.conformance import ProviderConformance
from tests.conformance.defects import DEFECTS

ROOT = Path(__file__).parents[2]
Failures = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> Failures:
    """By defect: the names of the checks that failed, and what they said."""
    report = tmp_path_factory.mktemp("kit") / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        f"--junitxml={report}",
        "tests/conformance/broken.py",
    ]
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 1, done.stdout
    found: Failures = defaultdict(dict)
    for case in ET.parse(report).iter("testcase"):
        name = case.attrib["name"].partition("[")[0]
        for failure in (*case.iter("failure"), *case.iter("error")):
            suite = case.attrib["classname"].rpartition("Test")[2]
            found[suite][name] = found[suite].get(name, "") + (failure.text or "")
    return found


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_caught_by_its_check(name: str, failures: Failures) -> None:
    defect = DEFECTS[name]
    assert set(failures[name]) == defect.caught_by, failures[name]
    assert defect.says in "".join([*failures[name], *failures[name].values()])


def test_every_check_catches_a_defect() -> None:
    checks = {name for name in dir(ProviderConformance) if name.startswith("test_")}
    assert checks == {name for one in DEFECTS.values() for name in one.caught_by}
