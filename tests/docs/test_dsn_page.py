"""The page on the DSN has every option of every provider, with its default."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from sms_core._engine.connection import ConnectionOptions

PAGE = (Path(__file__).parents[2] / "docs" / "dsn.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (?:`([\w.]+)`)?", re.MULTILINE)


def test_the_table_has_each_option_and_its_default_in_order() -> None:
    options = {option.name: option.default for option in attrs.fields(ConnectionOptions)}
    rows = dict(ROW.findall(PAGE))
    assert list(rows) == list(options)
    for name, shown in rows.items():
        if shown:
            assert type(options[name])(shown == "true" if shown in {"true", "false"} else shown) == options[name], name
        else:
            assert options[name] == "", name
