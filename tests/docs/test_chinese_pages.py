"""The pages in Traditional Chinese are looked at whenever their English ones change.

The first line of each names its English page and what that was when somebody last compared the two. Whoever changes the
English page reads the Chinese one, mends it where it says something else, and writes the new digest into that line.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.zh-TW.md"), *ROOT.glob("docs/**/*.zh-TW.md")])
FIRST_LINE = re.compile(r"<!-- (?P<page>\S+\.md) (?P<digest>[0-9a-f]{12}) -->")
COMMAND = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_there_are_such_pages() -> None:
    assert {page.name for page in PAGES} >= {"README.zh-TW.md", "campaign.zh-TW.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_english_page_is_as_it_was_when_they_were_compared(page: Path) -> None:
    first = FIRST_LINE.fullmatch(page.read_text(encoding="utf-8").partition("\n")[0])
    assert first is not None
    english = page.with_name(first["page"])
    now = hashlib.sha256(english.read_bytes()).hexdigest()[:12]
    assert first["digest"] == now, f"{english.name} changed: look at {page.name}, then write {now} into its first line"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_chinese_page_has_no_command_that_the_english_one_lacks(page: Path) -> None:
    english = page.with_name(page.name.replace(".zh-TW", "")).read_text(encoding="utf-8")
    commands = [line for block in COMMAND.findall(page.read_text(encoding="utf-8")) for line in block.splitlines()]
    assert commands
    assert [line for line in commands if line.startswith("sms ") and line not in english] == []
