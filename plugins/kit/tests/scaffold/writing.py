"""Distributions as `sms new-provider` writes them, and an interpreter that has them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sms_core_kit.scaffold import new_provider


class Vendor(NamedTuple):
    """Answers to the command's questions."""

    name: str
    auth: str
    wire: str
    base_url: str
    title: str = ""
    document: str = ""

    def write(self, folder: Path) -> Path:
        """The distribution, in a folder of its own."""
        given = {name: answer for name, answer in self._asdict().items() if answer}
        new_provider(folder / self.name, given, ask=False)
        return folder / self.name


VENDORS = [
    Vendor("acme", "credentials", "form", "https://api.acme.example/v1"),
    Vendor("acme-json", "credentials", "json", "https://acme.example/", "三竹簡訊", "三竹簡訊 API，2.14 版"),
    Vendor("acme2", "credentials", "xml", "http://acme.example:8080/api/sms/"),
    Vendor("acme-token-form", "token", "form", "https://acme.example"),
    Vendor("a" * 30, "token", "json", "https://api.acme.example/v1/%7Euser", "W" * 30, "D" * 60),
    Vendor("acme-token-xml", "token", "xml", "https://acme.example:7003"),
    Vendor("acme-soap", "soap", "", "https://acme.example"),
]
"""Every way to log in with every wire; each with another kind of URL, and the longest words somewhere."""


def run(folder: Path, *command: str, installed: Sequence[Path] = (), timeout: float = 120) -> str:
    """Run a module in the folder, as one who has installed these distributions. It has to succeed; gives its output."""
    sources = [str(distribution / "src") for distribution in installed]
    path = os.pathsep.join(filter(None, (*sources, os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pyproject(folder: Path) -> dict[str, Any]:
    """What a distribution's pyproject.toml says."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def install(folder: Path) -> None:
    """Leave beside the sources what an installer leaves: the name, the requirements and the entry points."""
    project = pyproject(folder)["project"]
    info = folder / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    metadata = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in project["dependencies"]]
    (info / "METADATA").write_text("\n".join(metadata) + "\n", encoding="utf-8")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
