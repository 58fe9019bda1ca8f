"""The fixtures ``sms_sandbox`` and ``sms_inbox``, which pytest finds by itself where the package is installed.

Nothing of the sandbox is imported before a test asks for one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sms_core_sandbox.box import Sandbox
    from sms_core_sandbox.inbox import Inbox


@pytest.fixture
def sms_sandbox() -> Iterator[Sandbox]:
    """A fresh sandbox on a free port, with every installed face."""
    from sms_core_sandbox.box import Sandbox  # noqa: PLC0415 - see the module's docstring

    with Sandbox() as box:
        yield box


@pytest.fixture
def sms_inbox(request: pytest.FixtureRequest) -> Inbox:
    """The phones that this test's texts arrive on: of ``memory://``, emptied for the test, and of its ``sms_sandbox``."""
    from sms_core.testing import memory_exchanges  # noqa: PLC0415 - the same
    from sms_core_sandbox.inbox import Inbox  # noqa: PLC0415 - the same

    for exchange in memory_exchanges():
        exchange.reset()
    boxes: list[Sandbox] = []
    if "sms_sandbox" in request.fixturenames:
        boxes.append(request.getfixturevalue("sms_sandbox"))
    return Inbox(lambda: [*(box.exchange for box in boxes), *memory_exchanges()])
