"""Each broken provider is caught by the check whose name says what is wrong, and by no other."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook
from plugins.kit.tests.conformance.acme import Acme
from plugins.kit.tests.conformance.defects import DEFECTS

from sms_core import ConfigurationError
from sms_core_kit import ProviderConformance

BROKEN = Path(__file__).with_name("broken.py")
ALONE = ("-q", "--tb=short", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:randomly")


class Failures:
    """A plugin for a run of pytest within this one: what each check said."""

    def __init__(self) -> None:
        self.said: dict[str, str] = defaultdict(str)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what failed, by the name of the check."""
        if report.failed:
            name = report.nodeid.rpartition("::test_")[2] or report.nodeid
            self.said[f"test_{name.partition('[')[0]}"] += report.longreprtext


def failures_of(name: str) -> dict[str, str]:
    """Run the kit over a defect."""
    failures = Failures()
    code = pytest.main([*ALONE, f"{BROKEN}::Test{name}"], plugins=[failures])
    assert code is pytest.ExitCode.TESTS_FAILED
    return dict(failures.said)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_caught_by_its_check(name: str) -> None:
    defect, failures = DEFECTS[name], failures_of(name)
    assert set(failures) == defect.caught_by, failures
    assert defect.says in "".join([*failures, *failures.values()])


def test_an_account_that_cannot_be_used_fails_a_check() -> None:
    """The other checks are skipped then, and one that fails keeps this from being overlooked."""
    account = {"provider": Acme(), "dsn": "other://user:pa55-of-nobody@", "exchanges": BROKEN.parent}
    suite = type("TestWrongAccount", (ProviderConformance,), account)
    with pytest.raises(ConfigurationError, match="other"):
        suite().test_hooks_match_the_protocol()


def test_every_check_catches_a_defect() -> None:
    checks = {name for name in dir(ProviderConformance) if name.startswith("test_")}
    assert checks == {name for one in DEFECTS.values() for name in one.caught_by}


@pytest.mark.parametrize(
    "module", sorted({kind.__module__ for kind in ProviderConformance.__mro__ if "checks" in kind.__module__})
)
def test_assertions_are_rewritten_so_that_a_failure_shows_both_sides(module: str) -> None:
    assert isinstance(sys.modules[module].__loader__, AssertionRewritingHook)
