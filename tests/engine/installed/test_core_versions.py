"""Which versions of the core a plugin works with: as installers say, but for pre-releases of the core."""

from __future__ import annotations

import json

import pytest

from tests.engine.installed.conftest import Install
from tests.engine.installed.distributions import Distribution, plugin

RANGES = {
    "first": ">=0.1,<0.2",
    "compatible": "~=0.1.0",
    "series": "==0.1.*",
    "open": ">=0.1",
    "second": ">=0.2,<0.3",
    "exact": "==0.2.0",
    "not-this": "!=0.2.0,>=0.1",
    "dev-two": ">=0.2.0.dev2",
    "any": "",
}
"""Plugins by name, and the range that each is for."""

WORKS_ON = {
    "0.1.0": {"first", "compatible", "series", "open", "not-this", "any"},
    "0.1.0.post1": {"first", "compatible", "series", "open", "not-this", "any"},
    "0.1.7+patched.1": {"first", "compatible", "series", "open", "not-this", "any"},
    "0.2.0": {"open", "second", "exact", "dev-two", "any"},
    "0.2": {"open", "second", "exact", "dev-two", "any"},
    # Counted as the release that they lead to, but by a range that names pre-releases itself.
    "0.2.0.dev1": {"open", "second", "exact", "any"},
    "0.2.0rc1": {"open", "second", "exact", "dev-two", "any"},
    # What cannot be read refuses nobody.
    "yesterday's": {*RANGES},
}


def core(version: str) -> Distribution:
    """The metadata of another version of this core; its code is the one under test."""
    return Distribution("sms-core", {}, {}, version=version, requires=())


@pytest.mark.parametrize("version", WORKS_ON)
def test_a_plugin_works_with_the_versions_in_its_range(version: str, install: Install) -> None:
    plugins = [plugin(name, requires=(f"sms-core{wanted}",)) for name, wanted in RANGES.items()]
    site = install(core(version), *plugins)
    said = site.ask("print(json.dumps({name: connect(name) for name in sys.argv[1:]}))", *RANGES)
    assert {name for name in RANGES if said[name] == f"The {name}"} == WORKS_ON[version], json.dumps(said, indent=1)
    for name in RANGES.keys() - WORKS_ON[version]:
        assert f"and this is {version}" in said[name]
        assert said[name].endswith(f": pip install --upgrade sms-core sms-{name}")


def test_a_plugin_that_a_pre_release_leaves_behind_is_told_what_it_counts_as(install: Install) -> None:
    site = install(core("0.2.0.dev1"), plugin("first"))
    assert site.ask("print(json.dumps(connect('first')))") == (
        "provider 'first' of sms-first 1.0 is for sms-core <0.2,>=0.1, and this is 0.2.0.dev1, which counts as 0.2.0: "
        "pip install --upgrade sms-core sms-first"
    )


def test_several_requirements_hold_together_and_those_for_other_machines_or_extras_do_not(install: Install) -> None:
    site = install(
        core("0.1.0"),
        plugin("both", requires=("SMS_Core[cli] (>=0.1) ", "sms.core<0.1")),
        plugin("here", requires=("sms-core>=9; python_version >= '3'",)),
        plugin("elsewhere", requires=("sms-core>=9; python_version < '3'", "sms-core>=9; extra == 'cli'")),
        plugin("another", requires=("sms-core-every8d>=9", "sms>=9")),
        plugin("local", requires=("sms-core @ file:///somewhere",)),
    )
    names = ("both", "here", "elsewhere", "another", "local")
    said = site.ask("print(json.dumps({name: connect(name) for name in sys.argv[1:]}))", *names)
    assert said.pop("both").startswith("provider 'both' of sms-both 1.0 is for sms-core <0.1,>=0.1, and this is 0.1.0:")
    assert said.pop("here").startswith("provider 'here' of sms-here 1.0 is for sms-core >=9, and this is 0.1.0:")
    assert said == {"elsewhere": "The elsewhere", "another": "The another", "local": "The local"}
