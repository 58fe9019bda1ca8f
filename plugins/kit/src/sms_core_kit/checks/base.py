"""What every check stands on: the class attributes that a vendor sets, and the subject made of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sms_core.errors import ConfigurationError
from sms_core_kit.subject import Subject, open_subject


class Checks:
    """The base of all checks. See `ProviderConformance` for the attributes."""

    provider: ClassVar[object]
    dsn: ClassVar[str]
    recordings: ClassVar[Path]
    face: ClassVar[Callable[[Any], Any] | None] = None
    other_codes_refuse: ClassVar[str] = ""
    examples: ClassVar[int] = 100

    @property
    def subject(self) -> Subject:
        """The provider under test with its account and its recordings."""
        try:
            return subject_of(type(self))
        except ConfigurationError as error:
            pytest.skip(f"see test_hooks_match_the_protocol: {error}")


def subject_of(suite: type[Checks]) -> Subject:
    """The subject of a test class, loaded once. Raises `ConfigurationError`, `RecordingFileError`."""
    return _opened(suite)  # type: ignore[arg-type]  # mypy takes no class for hashable


@cache
def _opened(suite: type[Checks]) -> Subject:
    return open_subject(suite.provider, suite.dsn, suite.recordings)
