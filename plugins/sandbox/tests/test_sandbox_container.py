"""The container's files name what exists: nobody here runs them."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from sms_core_sandbox import __main__ as program

HERE = Path(__file__).parents[1]
PLUGINS = HERE.parent


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `python -m sms_core_sandbox` would serve."""
    settings: dict[str, Any] = {}
    monkeypatch.setattr(program, "serve", lambda **arguments: settings.update(arguments))
    return settings


def entry_point() -> list[str]:
    dockerfile = (HERE / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"^ENTRYPOINT (\[.*\])$", dockerfile, re.MULTILINE)
    assert found
    command: list[str] = json.loads(found[1])
    assert command[:3] == ["python", "-m", "sms_core_sandbox"]
    return command[3:]


def test_the_image_installs_distributions_that_there_are() -> None:
    dockerfile = (HERE / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"pip install (.*?) \\\n", dockerfile)
    assert found
    names = [name for name in shlex.split(found[1]) if not name.startswith("-")]
    projects = [tomllib.loads(file.read_text(encoding="utf-8"))["project"] for file in PLUGINS.glob("*/pyproject.toml")]
    faces = {project["name"] for project in projects if "sms_core.sandbox" in project.get("entry-points", {})} | {
        "sms-core-sandbox"
    }
    assert set(names) == faces


def test_the_image_starts_it_where_others_can_reach_it(given: dict[str, Any]) -> None:
    program.main(entry_point())
    assert (given["host"], given["port"]) == ("0.0.0.0", 8025)


def test_the_example_gives_it_what_it_needs_there(given: dict[str, Any]) -> None:
    service = yaml.safe_load((HERE / "compose.yaml").read_text(encoding="utf-8"))["services"]["sms"]
    program.main([*entry_point(), *service["command"]])
    assert given["db"].startswith(service["volumes"][0].partition(":")[2])
    assert given["allow_callback"] == ["app"]
    assert "SMS_SANDBOX_PASSWORD" in service["environment"]
