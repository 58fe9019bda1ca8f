"""Write the Python fences of README and docs as modules, for type checkers: ``python fences.py FOLDER``.

What the docs show has to pass ``mypy --strict`` and pyright in a user's project too.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted({ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")})
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main(folder: Path) -> None:
    """Write a module for each fence, named after its page and line."""
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            line = text.count("\n", 0, fence.start()) + 1
            name = re.sub(r"\W+", "_", str(page.relative_to(ROOT).with_suffix("")))
            (folder / f"{name}_{line}.py").write_text(fence[1], encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
