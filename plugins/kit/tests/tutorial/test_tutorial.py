"""The tutorial "Add a vendor", from its first command to a wheel that is installed in a clean environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "add-a-vendor.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tutorial would get from the package index, built from this tree."""
    folder = tmp_path_factory.mktemp("wheels")
    sources = [str(ROOT), str(ROOT / "plugins" / "sandbox")]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), *sources]
    subprocess.run(command, check=True)
    return folder


@pytest.mark.timeout(900)  # it installs from the package index
def test_each_command_and_each_change(wheels: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    environment = {
        **{name: value for name, value in os.environ.items() if name not in {"SMS_DSN", "PYTHONPATH"}},
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    subprocess.run([programs / "pip", "install", "--quiet", "--upgrade", "pip"], check=True, env=environment)
    script = ["set -eu", *(as_shell(*fence) for fence in FENCE.findall(PAGE.read_text(encoding="utf-8")))]
    done = subprocess.run(
        ["sh", "-c", "\n".join(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "acme at api.acme.example" in done.stdout
    assert done.stdout.count("may have been sent, settle() tells") == 2, "with the sources, and with the wheel"


def as_shell(language: str, code: str) -> str:
    """A fence as the shell's commands: what a reader does with it."""
    if language == "diff":
        return f"patch -p1 --quiet <<'END OF DIFF'\n{code}END OF DIFF"
    if language == "python":
        return f"cat > ../try.py <<'END OF PYTHON'\n{code}END OF PYTHON\npython ../try.py"
    assert language == "sh", f"a reader cannot do anything with {language!r}"
    return re.sub(r"^! (.*)$", r"if \1; then echo 'it was to fail'; exit 1; fi", code, flags=re.MULTILINE)
