"""Several checks in one test: all that failed is told, each by its name."""

from __future__ import annotations

import textwrap
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class Findings:
    """What failed of the checks of one test.

    ::

        findings = Findings()
        for name, check in checks.items():
            with findings.of(name):
                check()
        findings.tell()
    """

    def __init__(self) -> None:
        self._lines: list[str] = []

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Keep what fails within the block, and go on behind it."""
        try:
            yield
        except (AssertionError, pytest.fail.Exception) as failure:
            self._add(name, str(failure))
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is told, with the place of it
            self._add(name, "".join(traceback.format_exception(error)))

    def _add(self, name: str, said: str) -> None:
        first, _, more = said.rstrip("\n").partition("\n")
        self._lines.append(f"{name}: {first}")
        if more:
            self._lines.append(textwrap.indent(more, "    "))

    def tell(self, place: str = "") -> None:
        """Fail the test if anything was found. ``place`` is where the document has it."""
        __tracebackhide__ = True
        if not self._lines:
            return
        lines = [*self._lines, f"see {place}"] if place else self._lines
        pytest.fail("\n".join(lines), pytrace=False)
