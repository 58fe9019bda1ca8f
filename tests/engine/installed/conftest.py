"""Folders with installed distributions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.installed.distributions import Distribution, Site

Install = Callable[..., Site]


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Install:
    """Install distributions into a folder of their own."""

    def do(*distributions: Distribution, before: tuple[Path, ...] = ()) -> Site:
        site = Site(tmp_path_factory.mktemp("site") / "site", before)
        site.install(distributions)
        return site

    return do
