"""What `sms new-provider` writes passes its own tests, lint and types at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from plugins.kit.tests.scaffold.writing import VENDORS, Vendor, install, run


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: f"{vendor.auth}-{vendor.wire or 'xml'}")
def test_its_own_tests_pass(vendor: Vendor, tmp_path: Path) -> None:
    written = vendor.write(tmp_path)
    install(written)
    run(written, "pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.timeout(400)
def test_lint_and_types_hold(tmp_path: Path) -> None:
    written = [vendor.write(tmp_path) for vendor in VENDORS]
    run(tmp_path, "ruff", "check", "--no-cache", ".")
    run(tmp_path, "ruff", "format", "--no-cache", "--check", ".")
    config = ("--config-file", str(written[0] / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache"))
    run(tmp_path, "mypy", *config, *(str(one / "src") for one in written))


def test_it_is_complete(tmp_path: Path) -> None:
    written = VENDORS[0].write(tmp_path)
    files = {str(file.relative_to(written)) for file in written.rglob("*") if file.is_file()}
    assert files == {
        ".github/workflows/ci.yml",
        ".gitignore",
        "CHANGELOG.md",
        "README.md",
        "docs/acme.md",
        "pyproject.toml",
        *(
            f"src/sms_core_acme/{name}"
            for name in (
                "__init__.py",
                "callbacks.py",
                "codes.py",
                "options.py",
                "provider.py",
                "py.typed",
                "requests.py",
                "responses.py",
                "sandbox.py",
            )
        ),
        "tests/exchanges/balance.toml",
        "tests/exchanges/callbacks.toml",
        "tests/exchanges/sends.toml",
        "tests/test_conformance.py",
    }
    texts = {file: (written / file).read_text(encoding="utf-8") for file in files}
    assert not [file for file, text in texts.items() if "{%" in text or text.replace("${{", "").count("{{")]


def test_its_workflow_runs_tests_lint_types_and_the_build(tmp_path: Path) -> None:
    workflow = (VENDORS[0].write(tmp_path) / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(workflow)["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    commands = " && ".join(step.get("run", "") for step in job["steps"])
    for command in ("python -m pytest", "ruff check .", "ruff format --check .", "mypy", "python -m build"):
        assert command in commands
    assert job["steps"][1]["with"]["python-version"] == "${{ matrix.python }}"
