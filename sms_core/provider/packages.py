"""Which package to install for a vendor: known_packages.json, all that the core knows of vendors by name."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def known_packages() -> dict[str, str]:
    """Distributions by the names of their providers."""
    text = files("sms_core.provider").joinpath("known_packages.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found
