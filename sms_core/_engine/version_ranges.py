"""Whether a version lies in a range, where both are plain: ``0.1.3`` in ``sms-core<0.2,>=0.1``, as nearly all are.

`compatibility` reads whatever else PEP 440 and PEP 508 allow, by packaging, whose import is a fifth of a first client's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

CORE = "sms-core"

_OF_THE_CORE = re.compile(r"\s*sms[-_.]+core(?![-_.]*[a-z0-9])", re.ASCII | re.IGNORECASE)
"""How a requirement begins that names the core, in any spelling (PEP 503)."""
_RANGE = re.compile(r"sms-core((?:,?(?:>=|<)\d+(?:\.\d+)*)+)", re.ASCII)
_BOUND = re.compile(r"(>=|<)([\d.]+)", re.ASCII)
_RELEASE = re.compile(r"\d+(?:\.\d+)*", re.ASCII)


def is_plainly_in_range(version: str, requirements: Iterable[str]) -> bool:
    """Whether this version of the core fits requirements (``Requires-Dist``); False too where packaging has to tell."""
    if not _RELEASE.fullmatch(version):
        return False
    ours = _release(version)
    for requirement in requirements:
        if not _OF_THE_CORE.match(requirement):
            continue
        plain = _RANGE.fullmatch(requirement)
        if plain is None:
            return False
        for operator, bound in _BOUND.findall(plain[1]):
            is_kept = ours >= _release(bound) if operator == ">=" else ours < _release(bound)
            if not is_kept:
                return False
    return True


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a release; 0.2 and 0.2.0 are the same one."""
    numbers = [int(number) for number in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
