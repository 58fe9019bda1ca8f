"""A hundred installed vendors cost as little as one: only the wanted one is imported, and what is found is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.installed.conftest import Install
from tests.engine.installed.distributions import plugin

HUNDRED = [f"vendor{number:03}" for number in range(100)]

WATCH = """
import contextlib

seen = []
watching = False

def watch(event, arguments):
    if watching and event in {"open", "os.listdir", "os.scandir", "import"}:
        seen.append((event, str(arguments[0])))

sys.addaudithook(watch)

def watched(name):
    '''The title, and what was opened, listed and searched for to connect.'''
    global watching
    seen.clear()
    watching = True
    title = connect(name)
    watching = False
    return [title, list(seen), imported()]

print(json.dumps([watched(name) for name in sys.argv[1:]]))
"""


@pytest.fixture(scope="module")
def connected(install: Install) -> list[Any]:
    """What three connects did: one, the same again, another."""
    site = install(*map(plugin, HUNDRED))
    return site.ask(WATCH, "vendor042", "vendor042", "vendor077")  # type: ignore[no-any-return]


def opened(events: list[list[str]], name: str) -> list[str]:
    """The files of this name that were opened."""
    return [path for event, path in events if event == "open" and path.endswith(name)]


def test_only_the_wanted_one_is_imported(connected: list[Any]) -> None:
    first, again, other = connected
    assert (first[0], first[2]) == ("The vendor042", ["fake_vendor042"])
    assert (again[0], again[2]) == ("The vendor042", ["fake_vendor042"])
    assert (other[0], other[2]) == ("The vendor077", ["fake_vendor042", "fake_vendor077"])


def test_the_first_connect_looks_at_every_entry_point_and_at_one_distribution_s_metadata(connected: list[Any]) -> None:
    _, events, _ = connected[0]
    assert len([path for path in opened(events, "entry_points.txt") if "sms_vendor" in path]) == 100
    assert {path for path in opened(events, "METADATA") if "sms_vendor" in path} == {
        path for path in opened(events, "METADATA") if "sms_vendor042" in path
    }


def test_the_second_connect_opens_no_file_lists_no_folder_and_imports_nothing(connected: list[Any]) -> None:
    _, events, _ = connected[1]
    assert events == []


def test_another_vendor_s_connect_looks_at_its_own_metadata_alone(connected: list[Any]) -> None:
    _, events, _ = connected[2]
    assert not opened(events, "entry_points.txt")
    assert opened(events, "METADATA")
    assert all("sms_vendor077" in path or "sms_core-" in path for path in opened(events, "METADATA"))
