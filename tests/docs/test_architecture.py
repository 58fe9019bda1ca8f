"""The page on the architecture knows every module of the core, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import sms_core

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
USERS_MODULES = {"aio", "client", "hookspecs", "middleware"}
"""What users import and the page tells of in its journeys."""


def modules_in(folder: str) -> set[str]:
    """The names of a room's modules and packages, as they are installed."""
    names = set()
    for path in (Path(sms_core.__file__).parent / folder).iterdir():
        if path.suffix == ".py" and path.stem != "__init__":
            names.add(path.stem)
        elif (path / "__init__.py").exists():
            names.add(path.name)
    return names


def table_of(heading: str) -> set[str]:
    """The modules in the first column of the table below a heading."""
    section = PAGE.split(f"### {heading}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    names: set[str] = set()
    for row in section.splitlines():
        if row.startswith("| `"):
            names.update(re.findall(r"`(\w+)`", row.split("|")[1]))
    return names


def test_each_module_stands_in_the_table_of_its_room() -> None:
    rooms = {"provider", "_engine", "testing", "webhooks"}
    assert table_of("The values") == modules_in(".") - USERS_MODULES - rooms
    assert table_of("`provider`") == modules_in("provider")
    assert table_of("`_engine`") == modules_in("_engine")


def test_the_journeys_name_modules_that_are_there() -> None:
    named = set(re.findall(r"`((?:webhooks|provider|flow|tracking)\.\w+)`", PAGE))
    assert named
    for name in named:
        room, _, rest = name.partition(".")
        folder = {"flow": "_engine/flow", "tracking": "tracking"}.get(room)
        if folder is None:
            assert rest in modules_in(room), name
        else:
            source = (Path(sms_core.__file__).parent / f"{folder}.py").read_text(encoding="utf-8")
            assert f"def {rest}(" in source, name
