"""Write the generated parts of the docs: ``python -m nox -s docs``. A test compares them with what is installed."""

from __future__ import annotations

from pathlib import Path

import sms_core
from sms_core.matrix import markdown, matrix

MATRIX = Path(__file__).parent / "providers" / "README.md"
START, END = "<!-- generated: nox -s docs -->\n", "<!-- end -->\n"


def with_matrix(page: str) -> str:
    """The page with the matrix of the installed providers between its marks."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{markdown(matrix(sms_core.providers()))}\n{END}{after}"


if __name__ == "__main__":
    MATRIX.write_text(with_matrix(MATRIX.read_text(encoding="utf-8")), encoding="utf-8")
