"""The pytest fixture ``sandbox``.

Import it into a ``conftest.py``, and ask for it by its name::

    from sms_core_sandbox.fixtures import sandbox

    def test_welcome(sandbox):
        with sms_core.connect(sandbox.dsn("every8d")) as sms:
            sms.send("歡迎", to="0900000001")
        assert [sent.text for sent in sandbox.exchange.accepted] == ["歡迎"]
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sms_core_sandbox.box import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh sandbox on a free port, with every installed face."""
    with Sandbox() as box:
        yield box
