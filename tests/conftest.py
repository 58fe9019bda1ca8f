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


WORKER = os.environ.get("PYTEST_XDIST_WORKER")


def pytest_configure(config: pytest.Config) -> None:
    """Let every other worker collect from the other end, so that it finds compiled what the first has come to."""
    if WORKER and int(WORKER.removeprefix("gw")) % 2 and not names_tests(config):
        config.args.reverse()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give all workers one order."""
    if WORKER and not names_tests(config):
        items.sort(key=lambda item: item.path)


def names_tests(config: pytest.Config) -> bool:
    """Whether single tests were asked for, in the order of the person who asks."""
    return any("::" in argument for argument in config.args)


def pytest_collectstart() -> None:
    """Imports and thousands of tests leave next to no garbage, and each look for it would go through all of them."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Many a test collects what is garbage: it need not look at the modules and the thousands of tests each time."""
    gc.enable()
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
