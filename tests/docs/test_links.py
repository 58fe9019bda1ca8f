"""Links lead somewhere: within the repository, and from the pages that a package index shows too."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOME = "https://github.com/sms-core/sms-core"
READMES = sorted([ROOT / "README.md", *ROOT.glob("plugins/*/README.md")])
"""What a package index shows, where a relative link leads nowhere."""
PROJECTS = sorted([ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")])
PAGES = sorted({*READMES, *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/README.md")})
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"\]\(([^)\s]+)\)")
REFERENCE = re.compile(r"^\[[^\]]+\]: (\S+)$", re.MULTILINE)


def links_of(page: Path) -> list[str]:
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    return INLINE.findall(text) + REFERENCE.findall(text)


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing(link: str, page: Path) -> str:
    """What a link to this repository names and is not there; nothing for a link to elsewhere."""
    path, _, anchor = link.partition("#")
    if path.startswith(HOME):
        name = re.sub(rf"^{re.escape(HOME)}(/(blob|tree)/main/)?", "", path)
        target = ROOT / name
        if name in {"", "/issues", "/security/advisories/new"}:
            return ""
    elif re.match(r"\w+:", path):
        return ""
    else:
        target = page.parent / path if path else page
    if not target.exists():
        return f"{target} in {page}"
    if anchor and anchor not in anchors_of(target):
        return f"#{anchor} of {target} in {page}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert not [what for link in links_of(page) if (what := missing(link, page))]


@pytest.mark.parametrize("page", READMES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_readme_s_links_are_whole_addresses(page: Path) -> None:
    assert not [link for link in links_of(page) if not link.startswith(("https://", "#"))]


@pytest.mark.parametrize("file", PROJECTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_project_s_urls_are_of_this_repository(file: Path) -> None:
    urls = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["urls"]
    assert urls.keys() == {"Homepage", "Documentation", "Source", "Changelog", "Issues"}
    assert all(url.startswith(HOME) for url in urls.values())
    assert not [what for url in urls.values() if (what := missing(url, file))]
