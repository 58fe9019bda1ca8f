"""A new provider's distribution, written from the template beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from sms_core.errors import ConfigurationError

TEMPLATE = Path(__file__).parent


def new_provider(destination: Path, answers: Mapping[str, str], *, ask: bool) -> None:
    """Write a provider's distribution into a new or empty folder.

    ``answers`` are to the questions of copier.yml; the others are asked on the terminal, or with ``ask=False`` get their
    defaults. Raises `ConfigurationError`.
    """
    try:
        import copier  # noqa: PLC0415 - an extra; nothing but this needs it
        from copier.errors import CopierAnswersInterrupt, CopierError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is not installed: pip install 'sms-core[scaffold]'") from None
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise ConfigurationError(f"{destination} exists and is no empty folder")
    try:
        copier.run_copy(
            str(TEMPLATE), destination, data={**answers, **_core_range()}, defaults=not ask, quiet=True, unsafe=False
        )
    except CopierAnswersInterrupt:
        raise KeyboardInterrupt from None
    except (CopierError, ValueError) as error:
        raise ConfigurationError(str(error)) from error


def _core_range() -> dict[str, str]:
    """The cores that the new provider is for: this one, up to the next that may break it (semantic versions)."""
    major, minor = (int(part) for part in version("sms-core").split(".")[:2])
    return {"core": f"{major}.{minor}", "core_end": f"{major}.{minor + 1}" if major == 0 else str(major + 1)}
