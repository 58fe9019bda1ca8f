"""For pytest, which finds it by itself: an empty outbox for every test, and the fixture ``sms_outbox``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sms_core_django.testing import SentSms


@pytest.fixture(autouse=True)
def _empty_sms_outbox() -> None:
    if testing := sys.modules.get("sms_core_django.testing"):
        testing.empty_outbox()


@pytest.fixture
def sms_outbox() -> list[SentSms]:
    """What the locmem backend has sent in this test."""
    from sms_core_django import testing  # noqa: PLC0415 - pytest loads plugins before it measures coverage

    return testing.current_outbox()
