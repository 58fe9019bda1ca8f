"""What the kit's own tests stand on: helpers of the repository, wherever the tests are started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# At the end, so that an installed sms_core is tested and not the folder of this name.
sys.path.append(str(Path(__file__).parents[3]))

LONGEST = ("kit/tests/tutorial/", "kit/tests/scaffold/test_written.py")
"""The tests that take longer than any other: where several run side by side, they begin first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: [place not in item.nodeid for place in LONGEST])
