"""The demo runs to its end, and opens its inbox where it is told to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[2] / "examples" / "campaign" / "demo.py"


def test_the_demo_opens_its_inbox(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{opened}"\n', encoding="utf-8")
    browser.chmod(0o755)
    ran = subprocess.run(
        [sys.executable, str(DEMO), "--open", "--output", str(tmp_path / "results.csv")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "BROWSER": f"{browser} %s", "PYTHONIOENCODING": "utf-8"},
        timeout=200,
        check=True,
    )
    address = opened.read_text(encoding="utf-8").strip()
    assert address.startswith("http://127.0.0.1:")
    assert f"The inbox is open in your browser: {address}" in ran.stdout
