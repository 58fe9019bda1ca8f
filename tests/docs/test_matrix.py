"""The matrix in the docs is what the providers say of themselves."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_matrix_is_up_to_date() -> None:
    generate = runpy.run_path(str(DOCS / "generate.py"))
    page = generate["MATRIX"].read_text(encoding="utf-8")
    assert generate["with_matrix"](page) == page, "run: python -m nox -s docs"
