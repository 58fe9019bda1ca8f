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
    sources = [ROOT, *(ROOT / "plugins" / name for name in ("cli", "kit", "outbox", "sandbox"))]
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, *sources)
    return folder


def pip(*arguments: str | Path) -> None:
    """Run the pip of the tests' own interpreter."""
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)


@pytest.mark.timeout(900)  # it installs from the package index
def test_each_command_and_each_change(wheels: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    programs = tmp_path / "venv" / "bin"
    pip("--python", programs / "python", "install", "pip")  # the newest, at once
    environment = {
        **{name: value for name, value in os.environ.items() if name not in {"SMS_DSN", "PYTHONPATH"}},
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_COMPILE": "no",  # which is how pip wants to be told not to compile all that it installs
        "PYTHONIOENCODING": "utf-8",
    }
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
    assert done.stdout.count("1 of 1 may have been sent") == 2, "with the sources, and with the wheel"


def as_shell(language: str, code: str) -> str:
    """A fence as the shell's commands: what a reader does with it."""
    if language == "diff":
        return f"patch -p1 --quiet <<'END OF DIFF'\n{code}END OF DIFF"
    if language == "python":
        return f"cat > ../try.py <<'END OF PYTHON'\n{code}END OF PYTHON\npython ../try.py"
    assert language == "sh", f"a reader cannot do anything with {language!r}"
    return re.sub(r"^! (.*)$", r"if \1; then echo 'it was to fail'; exit 1; fi", code, flags=re.MULTILINE)
