"""Several checks in one test: all that failed is told, each by its name."""

from __future__ import annotations

import textwrap
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import pytest


def assert_nothing(found: Sequence[str]) -> None:
    """Raise an `AssertionError` that has these lines and nothing more, if there are any."""
    if found:
        raise AssertionError("\n".join(found))


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
    def of(self, name: str) -> Generator[None, None, None]:
        """Keep what fails within the block, and go on behind it."""
        try:
            yield
        except (AssertionError, pytest.fail.Exception) as failure:
            words, _, _ = str(failure).partition("\nassert ")  # behind words of our own, pytest has the expression
            self._add(name, words)
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
