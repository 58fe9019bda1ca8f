"""The sandbox, which only some checks need: a distribution of its own, so it is imported late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sms_core_sandbox import Sandbox

_MISSING = "these checks need the vendor's face in a sandbox: pip install sms-core-sandbox"


def open_sandbox(**settings: Any) -> Sandbox:
    """A `sms_core_sandbox.Sandbox`. Fails the test that asks for one where it is not installed."""
    try:
        from sms_core_sandbox import Sandbox  # noqa: PLC0415 - needed for faces and faults alone
    except ImportError as error:
        pytest.fail(f"{_MISSING} ({error})", pytrace=False)
    return Sandbox(**settings)


def fault_kinds() -> dict[str, bool]:
    """Every kind of fault, and whether the vendor acts on the request all the same. Raises `pytest.UsageError`."""
    try:
        from sms_core_sandbox import KINDS  # noqa: PLC0415 - the same
    except ImportError as error:
        raise pytest.UsageError(f"{_MISSING} ({error})") from error
    return KINDS
