"""The page about the conformance kit names every check and every key, and its recordings hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from sms_core import Message, Recipient
from sms_core_kit import ProviderConformance, RecordedCallback, Recording
from sms_core_kit.checks.base import Checks
from sms_core_kit.faults import FaultChecks
from sms_core_kit.recordings import OPERATIONS, Arguments
from sms_core_kit.suite import PUSH_CHECKS, RECORDING_CHECKS
from sms_core_kit.wires import PushRequest, PushResponse, WireAnswer, WireRequest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
FAULT_TESTS = {name for name in vars(FaultChecks) if name.startswith("test_")}
TESTS = {name for name in dir(ProviderConformance) if name.startswith("test_")} - {"test_recording", "test_push"}
CHECKS = {check.__name__ for check in (*RECORDING_CHECKS, *PUSH_CHECKS)}
KINDS = (Recording, RecordedCallback, Arguments, Message, Recipient)
WIRES = (WireRequest, WireAnswer, PushRequest, PushResponse)
KEYS = {key.name for kind in (*KINDS, *WIRES) for key in attrs.fields(kind)} - {"file"}


def test_the_page_has_the_checks_and_no_others() -> None:
    _, _, after = PAGE.partition("## The checks")
    checks, _, faults = after.partition("## Under fire")
    assert sorted(re.findall(r"^\| `(\w+)` \|", checks, re.MULTILINE)) == sorted(TESTS | CHECKS)
    assert sorted(re.findall(r"^\| `(test_\w+)` \|", faults, re.MULTILINE)) == sorted(FAULT_TESTS)


@pytest.mark.parametrize("kind", [Checks, FaultChecks])
def test_the_page_has_every_attribute_of_a_test_class(kind: type) -> None:
    undocumented = [name for name in kind.__annotations__ if not re.search(rf"`[^`]*\b{name}\b[^`]*`", PAGE)]
    assert not undocumented


@pytest.mark.parametrize("name", sorted(KEYS | set(OPERATIONS)))
def test_the_page_has_every_key_and_operation(name: str) -> None:
    assert re.search(rf"`[^`]*\b{name}\b[^`]*`", PAGE)


def test_the_recordings_of_the_page_hold(tmp_path: Path) -> None:
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    suite, faults = (code for language, code in fences if language == "python")
    (tmp_path / "test_smsgo.py").write_text(suite, encoding="utf-8")
    (tmp_path / "test_faults.py").write_text(faults, encoding="utf-8")
    (tmp_path / "recordings").mkdir()
    for number, code in enumerate(code for language, code in fences if language == "toml"):
        (tmp_path / "recordings" / f"page{number}.toml").write_text(code, encoding="utf-8")
    tests = "test_recording or test_push or test_faults"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", tests, str(tmp_path)]
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout
