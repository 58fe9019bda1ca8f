"""What is installed: from a provider's name to its plugin, which is the only one imported.

A plugin says in its distribution's metadata which core it is for: ``dependencies = ["sms-core>=0.1,<0.2"]``. Installers
warn of a core outside that range and yet leave it there; here such a plugin is refused, before it is imported.
"""

from __future__ import annotations

import difflib
import importlib
import logging
import re
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version

from sms_core._engine.version_ranges import CORE, is_plainly_in_range
from sms_core.errors import ConfigurationError
from sms_core.provider.packages import known_packages

GROUP = "sms_core.providers"
FAILURES = (Exception, SystemExit)
"""What a third party's module may raise when it is imported or called: none of it may stop another plugin."""

_NAME = re.compile(r"[a-z][a-z0-9._+-]*", re.ASCII)

log = logging.getLogger(__name__)


@cache
def _installed() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def installed_names() -> list[str]:
    """The providers that are installed, whether they work or not."""
    return sorted({point.name for point in _installed()})


@cache
def load(name: str) -> object:
    """The plugin behind a provider's name; no other one is imported. Raises `ConfigurationError`.

    What is installed is looked up once, and again for a name that is new or gone since. A plugin that is loaded stays.
    """
    point = _claim(name)
    _check_core(name, point)
    try:
        return point.load()
    except FAILURES as error:
        raise ConfigurationError(f"provider {name!r} cannot be imported: {type(error).__name__}: {error}") from error


def _claim(name: str) -> EntryPoint:
    """The one entry point of this name."""
    found = _claims(name)
    if not found or not all(map(_has_metadata, found)):
        with suppress(KeyError):  # CPython's own, where two threads are at it: the other one has just done it
            importlib.invalidate_caches()
        _installed.cache_clear()
        found = _claims(name)
    if not found:
        raise ConfigurationError(_missing(name))
    if not all(map(_has_metadata, found)):
        raise ConfigurationError(f"provider {name!r} is not wholly installed (no METADATA): install its package again")
    if len(found) > 1:
        claimants = sorted(_owner(point) for point in found)
        raise ConfigurationError(f"provider {name!r} is claimed by {' and '.join(claimants)}: uninstall all but one")
    if not _NAME.fullmatch(name):
        rule = "lower-case letters, digits and . _ + -, a letter first"
        raise ConfigurationError(f"provider {name!r} has a name that no DSN can hold: {rule}")
    return found[0]


def _claims(name: str) -> list[EntryPoint]:
    return [point for point in _installed() if point.name == name]


def _owner(point: EntryPoint) -> str:
    """Who brought an entry point: its distribution, or its module where nothing says which one."""
    if point.dist is None:
        return point.value
    return point.dist.name


def _has_metadata(point: EntryPoint) -> bool:
    """Whether the distribution is there, and not uninstalled or half removed."""
    return point.dist is None or any(map(point.dist.read_text, ("METADATA", "PKG-INFO")))


def _check_core(name: str, point: EntryPoint) -> None:
    """Raise `ConfigurationError` if the plugin's distribution requires another version of the core than this one."""
    owner = point.dist
    if owner is None:
        return
    requirements = owner.requires or ()
    with suppress(PackageNotFoundError):
        if is_plainly_in_range(version(CORE), requirements):
            return
    from sms_core._engine.compatibility import check_core  # noqa: PLC0415 - its packaging is needed by few, and dear

    try:
        fault = check_core(requirements)
    except ValueError as error:
        # Metadata that cannot be read is no reason to refuse a plugin that may work.
        log.warning("provider %s may be for another version of %s, for it was not checked: %s", name, CORE, error)
        return
    if fault:
        upgrade = f"pip install --upgrade {CORE} {owner.name}"
        raise ConfigurationError(f"provider {name!r} of {owner.name} {owner.version} {fault}: {upgrade}")


def distributions(name: str) -> tuple[str, ...]:
    """The distributions that claim a provider's name, each with its version: ``sms-core-every8d 0.1.0``."""
    found = [point.dist for point in _claims(name) if point.dist is not None and _has_metadata(point)]
    return tuple(sorted(f"{distribution.name} {distribution.version}" for distribution in found))


def _missing(name: str) -> str:
    reason = f"no provider {name!r} is installed"
    if name in known_packages():
        return f"{reason}: pip install {known_packages()[name]}"
    close = difflib.get_close_matches(name, installed_names(), 1)
    if close:
        return f"{reason}: did you mean {close[0]!r}?"
    return f"{reason}; there are {', '.join(installed_names()) or 'none'}"
