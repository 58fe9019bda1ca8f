"""Check the Python fences of README and docs as modules: ``python fences.py FOLDER COMMAND …`` runs a type checker there.

What the docs show has to pass ``mypy --strict`` and pyright in a user's project too: the folder has no settings of ours.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted({ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")})
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write(folder: Path) -> None:
    """Write a module for each fence, named after its page and line."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            line = text.count("\n", 0, fence.start()) + 1
            name = re.sub(r"\W+", "_", str(page.relative_to(ROOT).with_suffix("")))
            (folder / f"{name}_{line}.py").write_text(fence[1], encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
    sys.exit(subprocess.run(sys.argv[2:], cwd=sys.argv[1], check=False).returncode)
