"""What `sms new-provider` writes passes its own tests, lint and types at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from plugins.kit.tests.scaffold.writing import VENDORS, install, pyproject, run


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every vendor's distribution, by name, installed."""
    folder = tmp_path_factory.mktemp("written")
    distributions = {vendor.name: vendor.write(folder) for vendor in VENDORS}
    for distribution in distributions.values():
        install(distribution)
    return distributions


@pytest.mark.timeout(400)
def test_their_own_tests_pass(written: dict[str, Path]) -> None:
    """In one run of pytest, as each of them configures it."""
    folders = list(written.values())
    configurations = [pyproject(folder)["tool"]["pytest"] for folder in folders]
    assert configurations == configurations[:1] * len(folders)
    together = folders[0].parent
    tests = [f"{folder.name}/tests" for folder in folders]
    # Random runs once for each way to log in: they are the same with every wire.
    random = {vendor.auth: vendor.name for vendor in reversed(VENDORS)}.values()
    left_out = (f"{name}/tests/test_faults.py::TestFaults::test_random_runs" for name in written if name not in random)
    tests += (f"--deselect={test}" for test in left_out)
    command = ("pytest", "-v", "-p", "no:cacheprovider", "-c", f"{folders[0]}/pyproject.toml", f"--rootdir={together}")
    output = run(together, *command, *tests, installed=folders, timeout=300)
    for name in written:
        assert f"{name}/tests/test_conformance.py::" in output


def test_lint_and_types_hold(written: dict[str, Path], tmp_path: Path) -> None:
    folders = list(written.values())
    together = folders[0].parent
    run(together, "ruff", "check", "--no-cache", ".")
    run(together, "ruff", "format", "--no-cache", "--check", ".")
    config = ("--config-file", str(folders[0] / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache"))
    run(together, "mypy", *config, *(str(folder / "src") for folder in folders))


def test_it_is_complete(written: dict[str, Path]) -> None:
    folder = written["acme"]
    files = {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file()
        and not {"__pycache__", "sms_core_acme-0.1.0.dist-info"} & {part.name for part in file.parents}
    }
    modules = (
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
    assert files == {
        ".github/workflows/ci.yml",
        ".gitignore",
        "CHANGELOG.md",
        "README.md",
        "docs/acme.md",
        "pyproject.toml",
        *(f"src/sms_core_acme/{name}" for name in modules),
        "tests/recordings/balance.toml",
        "tests/recordings/callbacks.toml",
        "tests/recordings/sends.toml",
        "tests/test_conformance.py",
        "tests/test_faults.py",
    }
    texts = {file: (folder / file).read_text(encoding="utf-8") for file in files}
    assert not [file for file, text in texts.items() if "{%" in text or text.replace("${{", "").count("{{")]


def test_its_workflow_runs_tests_lint_types_and_the_build(written: dict[str, Path]) -> None:
    workflow = (written["acme"] / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(workflow)["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    commands = " && ".join(step.get("run", "") for step in job["steps"])
    for command in ("python -m pytest", "ruff check .", "ruff format --check .", "mypy", "python -m build"):
        assert command in commands
    assert job["steps"][1]["with"]["python-version"] == "${{ matrix.python }}"
