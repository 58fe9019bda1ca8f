"""Entry points are a matter of what is installed, so these tests install tiny distributions of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sms_core import Account, ConfigurationError, ProviderInfo, hookimpl
from sms_core._engine.registry import bind_hooks
from sms_core.http import Request, Response
from sms_core.provider import GetBalance, Operation, Session
from sms_core.testing import FakeTransport
from tests.support.tiny import Tiny, Vendor, bind

MODULE = """
from sms_core import Capability, Limits, ProviderInfo, hookimpl

@hookimpl
def sms_describe():
    return ProviderInfo("{name}", "Fake", {{Capability.SEND}}, Limits(1), default_host="h")

@hookimpl
def sms_send(account, session, operation):
    raise NotImplementedError

@hookimpl
def sms_parse_response(account, operation, response):
    raise NotImplementedError
"""

Python = Callable[[str], str]


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., None]:
    """Install a distribution with one module and one entry point."""

    def do(distribution: str, provider: str, module: str, source: str) -> None:
        (tmp_path / f"{module}.py").write_text(source)
        metadata = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[sms_core.providers]\n{provider} = {module}\n")

    return do


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """Run code where those distributions are installed; gives what it prints."""

    def do(code: str) -> str:
        path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH", ""))))
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return do


CONNECT = """
import sys
import sms_core
for dsn in {dsns!r}:
    try:
        print(sms_core.connect(dsn).info.title)
    except sms_core.ConfigurationError as error:
        print(error)
print(sorted({{"fake_one", "fake_two"}} & set(sys.modules)))
"""


def test_a_provider_is_found_by_its_entry_point_and_no_other_is_imported(
    install: Callable[..., None], python: Python
) -> None:
    install("sms-fake-one", "one", "fake_one", MODULE.format(name="one"))
    install("sms-fake-two", "two", "fake_two", "raise RuntimeError('imported')")
    assert python(CONNECT.format(dsns=["one://u:p@"])).splitlines() == ["Fake", "['fake_one']"]


def test_what_is_not_installed_is_said_with_what_to_do(install: Callable[..., None], python: Python) -> None:
    install("sms-fake-one", "smsfake", "fake_one", MODULE.format(name="smsfake"))
    close, far, *_ = python(CONNECT.format(dsns=["smsfaek://u:p@", "zzzzzzzz://u:p@"])).splitlines()
    assert close == "no provider 'smsfaek' is installed: did you mean 'smsfake'?"
    assert far.startswith("no provider 'zzzzzzzz' is installed; there are ")
    assert "smsfake" in far


def test_two_distributions_that_claim_one_name_are_both_named(install: Callable[..., None], python: Python) -> None:
    install("sms-fake-one", "one", "fake_one", MODULE.format(name="one"))
    install("sms-fake-two", "one", "fake_two", MODULE.format(name="one"))
    said, imported = python(CONNECT.format(dsns=["one://u:p@"])).splitlines()
    assert said == "provider 'one' is claimed by sms-fake-one and sms-fake-two: uninstall all but one"
    assert imported == "[]"


INSTALLED = """
import logging
import sys
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
import sms_core
print([info.name for info in sms_core.providers() if info.name in {"one", "two"}])
for found in sms_core.installed_providers(["one", "two", "three"]):
    print(found.name, found.distributions, found.info and found.info.title, found.error)
"""


def test_one_broken_plugin_never_stops_another(install: Callable[..., None], python: Python) -> None:
    install("sms-fake-one", "one", "fake_one", MODULE.format(name="one"))
    install("sms-fake-two", "two", "fake_two", "import there_is_no_such_module")
    said, *_ = python(CONNECT.format(dsns=["two://u:p@"])).splitlines()
    assert said == "provider 'two' cannot be imported: ModuleNotFoundError: No module named 'there_is_no_such_module'"
    warning, working, one, two, three = python(INSTALLED).splitlines()
    assert warning.startswith("WARNING provider two does not work: provider 'two' cannot be imported")
    assert working == "['one']"
    assert one == "one ('sms-fake-one 1.0',) Fake None"
    assert two == f"two ('sms-fake-two 1.0',) None {said}"
    assert three.startswith("three () None no provider 'three' is installed")


DESCRIBES_BADLY = MODULE.replace("return ProviderInfo(", "raise RuntimeError(")


def test_a_plugin_that_cannot_describe_itself_never_stops_another(install: Callable[..., None], python: Python) -> None:
    install("sms-fake-one", "one", "fake_one", MODULE.format(name="one"))
    install("sms-fake-two", "two", "fake_two", DESCRIBES_BADLY.format(name="two"))
    assert "['one']" in python(INSTALLED).splitlines()


NOTHING_INSTALLED = """
import importlib.metadata
importlib.metadata.entry_points = lambda **_: ()
import sms_core
try:
    sms_core.connect("every8d://u:p@")
except sms_core.ConfigurationError as error:
    print(error)
"""


def test_a_known_vendor_says_what_to_pip_install(python: Python) -> None:
    assert python(NOTHING_INSTALLED) == "no provider 'every8d' is installed: pip install sms-core-every8d"


# What is wrong with a plugin's hooks


def refusal(plugin: object, *middleware: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        bind_hooks("tiny", plugin, middleware)
    return str(caught.value)


class Misspelt(Tiny):
    @hookimpl
    def sms_parse_respons(self) -> None: ...


class Misnamed(Tiny):
    @hookimpl
    def sms_send(self, account: Account, token: str, operation: Operation[Any]) -> Request:  # type: ignore[override]
        raise NotImplementedError


class Foreign(Tiny):
    @hookimpl
    def sms_fly(self) -> None: ...


class Silent:
    @hookimpl
    def sms_describe(self) -> ProviderInfo:
        raise NotImplementedError

    @hookimpl
    def sms_parse_response(self, operation: Operation[Any], response: Response) -> Any:
        raise NotImplementedError


class Unmarked:
    def sms_describe(self) -> ProviderInfo:
        raise NotImplementedError


class Second:
    @hookimpl
    def sms_send(self, account: Account, session: Session | None, operation: Operation[Any]) -> Request:
        raise NotImplementedError


class Overrides:
    @hookimpl
    def sms_perform(self, operation: Operation[Any]) -> Any:
        raise NotImplementedError


def test_a_misspelt_hook_is_named_with_the_right_one() -> None:
    said = refusal(Misspelt())
    assert said.startswith("provider 'tiny': ")
    assert "'sms_parse_respons'" in said
    assert said.endswith("did you mean sms_parse_response?")


def test_an_unknown_hook_is_named() -> None:
    assert "'sms_fly'" in refusal(Foreign())


def test_a_misnamed_argument_is_named() -> None:
    said = refusal(Misnamed())
    assert "sms_send" in said
    assert "token" in said


def test_a_missing_hook_is_named() -> None:
    said = refusal(Silent())
    assert said.startswith("provider 'tiny' has no hook sms_send: define it, marked with @hookimpl, in ")
    assert "no hook sms_describe" in refusal(Unmarked())
    assert "no hook sms_describe" in refusal(object())


def test_a_doubled_hook_is_named_with_both_owners() -> None:
    said = refusal(Tiny(), Second())
    assert said.startswith("provider 'tiny': hook sms_send is implemented twice, by ")
    assert "Tiny" in said
    assert "Second" in said


def test_the_conversation_is_overridden_once() -> None:
    bind_hooks("tiny", Tiny(), [Overrides()])
    assert "hook sms_perform is implemented twice" in refusal(Tiny(), Overrides(), Overrides())


def test_the_same_middleware_twice_is_refused() -> None:
    once = Overrides()
    assert refusal(Tiny(), once, once).startswith("provider 'tiny': ")


def test_each_client_has_a_manager_of_its_own() -> None:
    seen: list[str] = []

    class Watch:
        @hookimpl(wrapper=True)
        def sms_perform(self, operation: Operation[Any]) -> Any:
            seen.append(operation.name)
            return (yield)

    network = FakeTransport(Vendor(balance=["OK 1"]))
    watched, unwatched = bind(network, middleware=[Watch()]), bind(network)
    unwatched.balance()
    assert not seen
    watched.balance()
    assert sorted(seen) == [GetBalance.name, "login"]
