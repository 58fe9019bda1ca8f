"""The page about the conformance kit names every check and every key, and its exchanges hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from sms_core_kit.exchanges import OPERATIONS, Arguments

from sms_core import Message, Recipient
from sms_core_kit import ProviderConformance, RecordedCallback, RecordedExchange
from sms_core_kit.wires import PushRequest, PushResponse, WireAnswer, WireRequest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
CHECKS = sorted(name for name in dir(ProviderConformance) if name.startswith("test_"))
KINDS = (RecordedExchange, RecordedCallback, Arguments, Message, Recipient)
WIRES = (WireRequest, WireAnswer, PushRequest, PushResponse)
KEYS = {one.name for kind in (*KINDS, *WIRES) for one in attrs.fields(kind)} - {"file"}


def test_the_page_has_the_checks_and_no_others() -> None:
    assert sorted(re.findall(r"^\| `(test_\w+)` \|", PAGE, re.MULTILINE)) == CHECKS


@pytest.mark.parametrize("name", sorted(KEYS | set(OPERATIONS)))
def test_the_page_has_every_key_and_operation(name: str) -> None:
    assert re.search(rf"`[^`]*\b{name}\b[^`]*`", PAGE)


def test_the_exchanges_of_the_page_hold(tmp_path: Path) -> None:
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (suite,) = (code for language, code in fences if language == "python")
    (tmp_path / "test_smsgo.py").write_text(suite, encoding="utf-8")
    (tmp_path / "exchanges").mkdir()
    for number, code in enumerate(code for language, code in fences if language == "toml"):
        (tmp_path / "exchanges" / f"page{number}.toml").write_text(code, encoding="utf-8")
    checks = "byte_for_byte or answer_gives or its_events_and"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", checks, str(tmp_path)]
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout
