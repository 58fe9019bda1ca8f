"""A new provider's distribution, written from the template beside this module."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import copier
from copier.errors import CopierAnswersInterrupt, CopierError

from sms_core.errors import ConfigurationError
from sms_core.provider import known_packages

TEMPLATE = Path(__file__).parent
TAKEN = frozenset(
    {"cli", "django", "kit", "memory", "otel", "outbox", "policy", "sandbox", *known_packages()}
    | {package.removeprefix("sms-core-") for package in known_packages().values()}
)
"""Names whose package or provider is one of this project's."""

_QUESTION = re.compile(r"Validation error for question '(\w+)'")


def new_provider(destination: Path, answers: Mapping[str, str], *, ask: bool) -> None:
    """Write a provider's distribution into a new or empty folder.

    ``answers`` are to the questions of copier.yml; the others are asked on the terminal, or with ``ask=False`` get their
    defaults. Raises `ConfigurationError`, and `OSError` for a folder that cannot be made; nothing is written then.
    """
    if answers.get("auth") == "soap" and answers.get("wire", "xml") != "xml":
        raise ConfigurationError(f"--wire: SOAP is XML, not {answers['wire']}; leave it out")
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise ConfigurationError(f"{destination} exists and is no empty folder")
    data = {**answers, **_core_range(), "taken": sorted(TAKEN)}
    with TemporaryDirectory() as folder:
        written = Path(folder, "written")
        try:
            copier.run_copy(str(TEMPLATE), written, data=data, defaults=not ask, quiet=True, unsafe=False)
        except CopierAnswersInterrupt:
            raise KeyboardInterrupt from None
        except (CopierError, ValueError) as error:
            raise ConfigurationError(_QUESTION.sub(_as_option, str(error))) from error
        shutil.copytree(written, destination, dirs_exist_ok=True)


def _as_option(question: re.Match[str]) -> str:
    """The option of the command that a question of copier's is."""
    return f"--{question[1].replace('_', '-')}"


def _core_range() -> dict[str, str]:
    """The cores that the new provider is for: this one, up to the next that may break it (semantic versions)."""
    major, minor = map(int, re.findall(r"\d+", version("sms-core"))[:2])
    return {"core": f"{major}.{minor}", "core_end": f"{major}.{minor + 1}" if major == 0 else str(major + 1)}
