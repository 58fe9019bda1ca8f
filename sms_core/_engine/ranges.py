"""Version ranges of a plugin's metadata, such as ``>=0.1,<0.2``, as far as release numbers go.

This is the part of PEP 440 that sms-core's own versions need: they are plain numbers, ``1.2.3``. What is beyond it
(pre-releases, epochs, local versions, ``===``) is a `ValueError`, and never a guess.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping

Release = tuple[int, ...]

_NUMBERS = r"[0-9]+(?:\.[0-9]+)*"
_CLAUSE = re.compile(rf"\s*(~=|==|!=|>=|<=|>|<)\s*({_NUMBERS})(\.\*)?\s*")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*([^;]*)")


def _starts_with(ours: Release, prefix: Release) -> bool:
    return (ours + (0,) * len(prefix))[: len(prefix)] == prefix


def _compatible(ours: Release, least: Release) -> bool:
    return _trim(ours) >= _trim(least) and _starts_with(ours, least[:-1])


def _trim(release: Release) -> Release:
    """Without zeros at the end: 1.0 is 1."""
    while release and not release[-1]:
        release = release[:-1]
    return release


def _compared(compare: Callable[[Release, Release], bool]) -> Callable[[Release, Release], bool]:
    return lambda ours, theirs: compare(_trim(ours), _trim(theirs))


_OPERATORS: Mapping[str, Callable[[Release, Release], bool]] = {
    ">=": _compared(operator.ge),
    "<=": _compared(operator.le),
    ">": _compared(operator.gt),
    "<": _compared(operator.lt),
    "==": _compared(operator.eq),
    "!=": _compared(operator.ne),
    "~=": _compatible,
    "==.*": _starts_with,
    "!=.*": lambda ours, prefix: not _starts_with(ours, prefix),
}


def includes(versions: str, version: str) -> bool:
    """Whether the range holds this version. Raises `ValueError` for what is not plain release numbers."""
    if not re.fullmatch(_NUMBERS, version):
        raise ValueError(f"version {version!r} is no plain release number")
    ours = _release(version)
    clauses = [_read(clause) for clause in versions.split(",") if clause.strip()]
    return all(holds(ours, theirs) for holds, theirs in clauses)


def _read(clause: str) -> tuple[Callable[[Release, Release], bool], Release]:
    found = _CLAUSE.fullmatch(clause)
    sign, numbers, star = found.groups(default="") if found else ("", "", "")
    release = _release(numbers) if found else ()
    if sign + star not in _OPERATORS or (sign == "~=" and len(release) == 1):
        raise ValueError(f"{clause.strip()!r} is not a comparison with a plain release number")
    return _OPERATORS[sign + star], release


def _release(numbers: str) -> Release:
    return tuple(map(int, numbers.split(".")))


def required(requirements: Iterable[str], distribution: str) -> str:
    """The range of a distribution's versions that requirements (``Requires-Dist``) name; empty where they name none.

    A requirement with a marker (``; extra == "x"``) does not hold everywhere, and is not read.
    """
    found = (_REQUIREMENT.fullmatch(requirement) for requirement in requirements)
    ranges = (one[2].strip(" ()") for one in found if one and _same(one[1], distribution))
    return ",".join(filter(None, ranges))


def _same(name: str, other: str) -> bool:
    """Whether two names are one distribution's: ``SMS_core`` is ``sms-core``."""
    return re.sub(r"[-_.]+", "-", name).lower() == re.sub(r"[-_.]+", "-", other).lower()
