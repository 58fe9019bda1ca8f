"""Each broken provider is caught by the check whose name says what is wrong, and by no other."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

from plugins.kit.tests.conformance.acme import Acme
from plugins.kit.tests.conformance.defects import DEFECTS
from sms_core import ConfigurationError
from sms_core_kit import ProviderConformance
from sms_core_kit.suite import PUSH_CHECKS, RECORDING_CHECKS

BROKEN = Path(__file__).with_name("broken.py")
ALONE = ("-q", "--tb=short", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:randomly")
GROUPS = 4
"""So many runs of pytest share the defects: to start it for each takes longer than most of them."""
NAMED = re.compile(r"^(\w+): ", re.MULTILINE)
"""How a test of many checks begins what one of them found."""


class Failures:
    """A plugin for a run of pytest within this one: what each check said, by the name of the defect's class."""

    def __init__(self) -> None:
        self.said: dict[str, dict[str, str]] = defaultdict(lambda: defaultdict(str))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what failed, by the name of the check."""
        if not report.failed:
            return
        _, suite, test = report.nodeid.split("::", 2)
        test = test.partition("[")[0]
        checks = NAMED.findall(report.longreprtext) if test in {"test_recording", "test_push"} else []
        for name in checks or [test]:
            self.said[suite][name] += report.longreprtext


@pytest.mark.parametrize("group", range(GROUPS))
def test_a_defect_is_caught_by_its_check_and_by_no_other(group: int) -> None:
    names = list(DEFECTS)[group::GROUPS]
    failures = Failures()
    code = pytest.main([*ALONE, *(f"{BROKEN}::Test{name}" for name in names)], plugins=[failures])
    assert code is pytest.ExitCode.TESTS_FAILED
    for name in names:
        defect, said = DEFECTS[name], failures.said[f"Test{name}"]
        texts = "\n".join([*said, *said.values()])
        assert frozenset(said) == defect.caught_by, f"{name}: {texts}"
        assert defect.says in texts, name


def test_an_account_that_cannot_be_used_fails_a_check() -> None:
    """The other checks are skipped then, and one that fails keeps this from being overlooked."""
    account = {"provider": Acme(), "dsn": "other://user:pa55-of-nobody@", "recordings": BROKEN.parent}
    suite = type("TestWrongAccount", (ProviderConformance,), account)
    with pytest.raises(ConfigurationError, match="other"):
        suite().test_hooks_match_the_protocol()


def test_every_check_catches_a_defect() -> None:
    tests = {name for name in dir(ProviderConformance) if name.startswith("test_")}
    checks = {check.__name__ for check in (*RECORDING_CHECKS, *PUSH_CHECKS)}
    caught_by = {name for defect in DEFECTS.values() for name in defect.caught_by}
    assert caught_by == (tests - {"test_recording", "test_push"}) | checks


@pytest.mark.parametrize(
    "module", sorted({kind.__module__ for kind in ProviderConformance.__mro__ if "checks" in kind.__module__})
)
def test_assertions_are_rewritten_so_that_a_failure_shows_both_sides(module: str) -> None:
    assert isinstance(sys.modules[module].__loader__, AssertionRewritingHook)
