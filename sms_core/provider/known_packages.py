"""Which package to install for a vendor, as far as this project knows. The list itself is known_packages.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def known_packages() -> dict[str, str]:
    """Distributions by the names of their providers."""
    text = files("sms_core.provider").joinpath("known_packages.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
