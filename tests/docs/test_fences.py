"""Every code fence of README and docs runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

import sms_core_smsgo.provider
from sms_core_kit.recordings import load_book
from sms_core_sandbox import Sandbox
from tests.support.warm_python import WarmPython, warm_python

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "add-a-vendor.md"
"""One session from its first fence to its last, which `tests.tutorial` plays in environments of its own."""
PAGES = sorted({*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")} - {TUTORIAL})
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROJECTS = [
    tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    for file in (ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml"))
]
EXTRAS = {project["name"]: set(project.get("optional-dependencies", ())) for project in PROJECTS}
"""Those of each of our distributions."""


class Fence(NamedTuple):
    """One fence; ``place`` is its page and line."""

    place: str
    language: str
    code: str


def fences() -> list[Fence]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            line = text.count("\n", 0, fence.start()) + 1
            found.append(Fence(f"{page.relative_to(ROOT)}:{line}", fence[1], fence[2]))
    return found


FENCES = fences()


def of(language: str) -> list[pytest.ParameterSet]:  # type: ignore[name-defined]
    return [pytest.param(fence, id=fence.place) for fence in FENCES if fence.language == language]


def is_ours(requirement: str) -> bool:
    """Whether a package, with these extras, is one of ours."""
    wanted = Requirement(requirement)
    return wanted.name in EXTRAS and wanted.extras <= EXTRAS[wanted.name]


DJANGO = "docs/django.md"
DJANGO_SETTINGS = next(fence.code for fence in FENCES if fence.place.startswith(DJANGO) and "SMS = {" in fence.code)
"""The page's own settings, which its other fences run with."""


class Runner:
    """Runs scripts and commands as a reader of the pages would, with SMS_DSN naming a sandbox."""

    def __init__(self, python: WarmPython) -> None:
        self._python = python

    def run(self, script: str, *arguments: str, dsn: str, folder: Path) -> subprocess.CompletedProcess[str]:
        (folder / "project_settings.py").write_text(DJANGO_SETTINGS, encoding="utf-8")
        accounts = str(folder / "accounts.toml")
        ours = {"SMS_DSN": dsn, "SMS_ACCOUNTS": accounts, "DJANGO_SETTINGS_MODULE": "project_settings"}
        return self._python.run(script, arguments, cwd=folder, env={**os.environ, **ours})


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with warm_python(tmp_path_factory.mktemp("python")) as python:
        yield Runner(python)


def test_every_fence_is_of_a_kind_that_runs_here() -> None:
    assert {fence.language for fence in FENCES} <= {"python", "sh", "toml", "yaml", ""}
    assert sum(fence.language == "python" for fence in FENCES) >= 6


@pytest.mark.parametrize("fence", of("python"))
def test_python(fence: Fence, tmp_path: Path, runner: Runner) -> None:
    """With SMS_DSN naming the sandbox, which speaks EVERY8D's wire."""
    script = tmp_path / "fence.py"
    script.write_text(fence.code, encoding="utf-8")
    with Sandbox() as box:
        done = runner.run(str(script), dsn=box.dsn("every8d"), folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("fence", of("toml"))
def test_toml(fence: Fence, tmp_path: Path) -> None:
    """The recordings of the conformance kit are those of smsgo."""
    data = tomllib.loads(fence.code)
    assert data
    if "recording" in data or "callback" in data:
        (tmp_path / "fence.toml").write_text(fence.code, encoding="utf-8")
        book = load_book(tmp_path, sms_core_smsgo.provider.INFO)
        assert len(book.recordings) == len(data.get("recording", ()))
        assert len(book.callbacks) == len(data.get("callback", ()))


@pytest.mark.parametrize("fence", of("sh"))
def test_commands(fence: Fence, tmp_path: Path, runner: Runner) -> None:
    """``sms`` commands run; of those that install, each package is one of ours and each nox session exists."""
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    with Sandbox() as box:
        for line in fence.code.splitlines():
            for command in filter(None, (part.strip() for part in line.partition("#")[0].split("&&"))):
                words = shlex.split(command.replace("examples/", f"{ROOT}/examples/"))
                if words[0] == "sms":
                    if "--dsn" in words:
                        words[words.index("--dsn") + 1] = box.dsn("every8d")
                    done = runner.run("sms_core_cli", *words[1:], dsn=box.dsn("every8d"), folder=tmp_path)
                    assert done.returncode == 0, done.stderr
                elif "nox" in words and "install" not in words:
                    assert f"def {words[-1]}(" in noxfile
                else:
                    assert words[: words.index("install") + 1][-2:] == ["pip", "install"]
                    assert all(package == "nox" or is_ours(package) for package in words[words.index("install") + 1 :])
