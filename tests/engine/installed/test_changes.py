"""What is installed more than once, or changes while a process runs."""

from __future__ import annotations

from pathlib import Path

from tests.engine.installed.conftest import Install
from tests.engine.installed.distributions import PLUGIN, plugin

NEWER = PLUGIN.format(name="twice", title="The newer")


def test_one_distribution_in_two_places_is_no_clash_and_the_first_place_wins(install: Install) -> None:
    wheel = install(plugin("twice"))
    both = install(plugin("twice", NEWER, version="2.0", name="SMS.Twice"), before=(wheel.folder,))
    assert both.ask("print(json.dumps([connect('twice'), imported()]))") == ["The twice", ["fake_twice"]]
    assert install(plugin("twice", NEWER, version="2.0")).ask("print(json.dumps(connect('twice')))") == "The newer"


def test_a_source_folder_in_development_beside_its_wheel_is_no_clash(install: Install, tmp_path: Path) -> None:
    information = tmp_path / "sms_twice.egg-info"
    information.mkdir()
    (tmp_path / "fake_twice.py").write_text(NEWER)
    (information / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: sms-twice\nVersion: 2.0.dev1\n")
    (information / "entry_points.txt").write_text("[sms_core.providers]\ntwice = fake_twice\n")
    (information / "requires.txt").write_text("sms-core>=0.1\n")
    site = install(plugin("twice"), before=(tmp_path,))
    ask = "print(json.dumps(connect('twice')))"
    assert site.ask(ask) == "The newer"
    (information / "requires.txt").write_text("sms-core>=1\n")
    assert "of sms-twice 2.0.dev1 is for sms-core >=1, and this is " in site.ask(ask)


def test_what_is_uninstalled_after_the_first_look_is_not_installed(install: Install) -> None:
    site = install(plugin("stays"), plugin("leaves"), plugin("loaded"))
    code = """
before = [connect("stays"), connect("loaded")]
for name in ("sms-leaves", "sms-loaded"):
    uninstall(name)
print(json.dumps([*before, connect("leaves"), connect("stays"), connect("loaded")]))
"""
    stays, loaded, gone, still, kept = site.ask(code)
    assert (stays, loaded, still, kept) == ("The stays", "The loaded", "The stays", "The loaded")
    assert gone.startswith("no provider 'leaves' is installed; there are ")
    assert "stays" in gone


def test_a_module_that_is_removed_under_its_metadata_cannot_be_imported(install: Install) -> None:
    site = install(plugin("stays"), plugin("torn"))
    code = """
connect("stays")
for file in importlib.metadata.distribution("sms-torn").files:
    if file.suffix == ".py":
        file.locate().unlink()
print(json.dumps(connect("torn")))
"""
    assert site.ask(code) == ("provider 'torn' cannot be imported: ModuleNotFoundError: No module named 'fake_torn'")


def test_what_is_installed_after_the_first_look_is_found(install: Install) -> None:
    later, site = install(plugin("later")), install(plugin("stays"))
    code = """
import shutil
before = [connect("stays"), connect("later")]
shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)
print(json.dumps([*before, connect("later")]))
"""
    stays, missing, found = site.ask(code, str(later.folder), str(site.folder))
    assert (stays, found) == ("The stays", "The later")
    assert missing.startswith("no provider 'later' is installed")


def test_a_plugin_for_another_core_works_once_it_is_upgraded(install: Install) -> None:
    old = plugin("moves", requires=("sms-core<0.1",))
    new = install(plugin("moves", version="2.0"))
    site = install(old)
    code = """
import shutil
before = connect("moves")
uninstall("sms-moves")
shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)
print(json.dumps([before, connect("moves")]))
"""
    refused, works = site.ask(code, str(new.folder), str(site.folder))
    assert "sms-moves 1.0 is for sms-core <0.1" in refused
    assert works == "The moves"
