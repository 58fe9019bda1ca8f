"""The recordings of a person's way from an Excel list to the report are what the command does."""

from __future__ import annotations

from tests.docs.walkthrough import MARK, PAGES, recorded, recorder


def test_the_recordings_are_what_stands_on_the_screen() -> None:
    with recorder() as record:
        for page, language in PAGES.items():
            text = page.read_text(encoding="utf-8")
            assert [mark["columns"] for mark in MARK.finditer(text)] == ["80", "40"]
            assert recorded(text, language, record) == text, "python -m tests.docs.walkthrough records it anew"
