"""Names are imported when they are first asked for, and a type checker sees them as they are."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import sms_core
import sms_core.provider

PACKAGES = [sms_core, sms_core.provider]
of_each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)


def names_for_type_checkers(package: ModuleType) -> dict[str, str]:
    """The names that a package imports for type checking alone, and the module that each is from."""
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body]
    found = {}
    for node in imports:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            found[alias.name] = str(node.module)
    return found


@of_each_package
def test_a_type_checker_sees_what_is_there(package: ModuleType) -> None:
    typed = names_for_type_checkers(package)
    assert sorted(typed) == sorted(package.__all__)
    for name, module in typed.items():
        assert getattr(package, name) is getattr(importlib.import_module(module), name), name


@of_each_package
def test_no_name_is_that_of_another_module_too(package: ModuleType) -> None:
    # The import of a module sets it as its package's attribute, in place of what had that name.
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    typed = names_for_type_checkers(package)
    assert {name for name in modules & set(typed) if typed[name] != package.__name__} == set()


@of_each_package
def test_all_names_are_shown_and_no_other_is_there(package: ModuleType) -> None:
    assert set(package.__all__) <= set(dir(package))
    assert not hasattr(package, "nonsense")
    with pytest.raises(ImportError, match="nonsense"):
        exec(f"from {package.__name__} import nonsense")
    everything: dict[str, object] = {}
    exec(f"from {package.__name__} import *", everything)
    assert set(package.__all__) <= set(everything)


def imported(code: str) -> set[str]:
    """The modules that a new interpreter has after this."""
    shown = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_a_message_costs_no_client() -> None:
    modules = imported("from sms_core import Message, Recipient, Media, SendResult")
    ours = {name for name in modules if name.partition(".")[0].startswith("sms_core")}
    assert ours == {f"sms_core{name}" for name in ("", ".lazy", ".model", ".caller_errors", ".masking", ".moments")}
    others = {"urllib3", "ssl", "http.client", "xmltodict", "xml", "cattrs", "pluggy", "packaging", "asyncio", "json"}
    assert modules.isdisjoint(others)


def test_a_client_costs_no_other_vendor_no_command_and_no_parser_that_it_does_not_use() -> None:
    modules = imported("import sms_core\nsms_core.connect('every8d://UID:PWD@').close()")
    packages = {name.partition(".")[0] for name in modules}
    assert {name for name in packages if name.startswith("sms_core")} == {"sms_core", "sms_core_every8d"}
    assert packages.isdisjoint({"xmltodict", "packaging", "click", "rich", "asyncio", "aiohttp", "pytest"})
    assert "sms_core_every8d.soap" not in modules


def test_modules_can_be_reached_through_the_package() -> None:
    assert imported(
        "import sms_core\nsms_core.tracking.STATUS_ORDER, sms_core.provider.template.names, sms_core.dsn.build"
    )
