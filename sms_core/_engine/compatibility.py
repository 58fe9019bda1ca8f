"""Whether a plugin is for this version of the core, by the rules that installers have (PEP 440, PEP 508).

Most ranges are plain and `version_ranges` reads them; this module and its packaging are imported for the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from sms_core._engine.version_ranges import CORE


def check_core(requirements: Iterable[str]) -> str:
    """What is wrong with this core for a distribution of these requirements (``Requires-Dist``); "" if it fits.

    Raises `ValueError` where the requirements or the core's own metadata cannot be read.
    """
    wanted = _wanted(requirements)
    if not wanted:
        return ""
    try:
        ours = Version(version(CORE))
    except PackageNotFoundError as error:
        raise ValueError(f"{CORE} has no metadata here") from error
    counted = _counted(ours, wanted)
    if wanted.contains(counted, prereleases=True):
        return ""
    if counted != ours:
        return f"is for {CORE} {wanted}, and this is {ours}, which counts as {counted}"
    return f"is for {CORE} {wanted}, and this is {ours}"


def _wanted(requirements: Iterable[str]) -> SpecifierSet:
    """The range of the core's versions that requirements name; any version where they name none.

    A requirement whose marker does not hold here is left out: one for another Python, or for an extra.
    """
    wanted = SpecifierSet()
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise ValueError(f"requirement {text!r} cannot be read") from error
        marker = requirement.marker
        if canonicalize_name(requirement.name) == CORE and (marker is None or marker.evaluate({"extra": ""})):
            wanted &= requirement.specifier
    return wanted


def _counted(ours: Version, wanted: SpecifierSet) -> Version:
    """The version that a range is asked about.

    A pre-release counts as the release that it leads to, for it has that one's interface: 0.2.0.dev1 is in ``>=0.2``,
    where PEP 440 leaves it out of that range and of ``<0.2`` too, so that no plugin would work on it. A range that
    names pre-releases itself means them.
    """
    if ours.is_prerelease and not wanted.prereleases:
        return Version(ours.base_version)
    return ours
