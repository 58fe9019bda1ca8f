"""What every test of the core stands on: no proxy from outside, and a real server that does as it is told."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# At the end, so that an installed sms_core is tested and not the folder of this name.
sys.path.append(str(Path(__file__).parents[1]))

# Coverage measures the workers that run the tests. The programs that tests start would take twice as long to begin.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)

from tests.support.scripted_server import Script, ScriptedServer

settings.register_profile("sms", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sms")


def pytest_collection_finish() -> None:
    """Many a test collects what is garbage: it need not look at the modules and the thousands of tests each time."""
    gc.collect()
    gc.freeze()


PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Start scripted servers; they stop with the test."""
    with ExitStack() as running:

        def start(*scripts: Script) -> ScriptedServer:
            return running.enter_context(ScriptedServer(*scripts))

        yield start
