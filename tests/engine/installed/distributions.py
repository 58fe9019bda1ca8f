"""Small real distributions, in a folder as an installer leaves them, used by an interpreter of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

PLUGIN = """
from sms_core import Capability, Limits, ProviderInfo, hookimpl

@hookimpl
def sms_describe():
    return ProviderInfo("{name}", "{title}", {{Capability.SEND}}, Limits(1), default_host="vendor.invalid")

@hookimpl
def sms_send(account, session, operation):
    raise NotImplementedError

@hookimpl
def sms_parse_response(account, operation, response):
    raise NotImplementedError
"""
"""A plugin that works; its ``name`` and ``title`` are to be filled in."""


@frozen
class Distribution:
    """What is installed. ``modules`` are sources by module name, ``points`` entry points by provider name."""

    name: str
    modules: Mapping[str, str]
    points: Mapping[str, str]
    version: str = "1.0"
    requires: tuple[str, ...] = ("sms-core>=0.1,<0.2",)

    @property
    def stem(self) -> str:
        """Its name and version as files have them."""
        return f"{self.name.replace('-', '_')}-{self.version}"

    def files(self) -> dict[str, str]:
        """Everything that is installed, by path: a wheel is an archive of just these files."""
        metadata = ["Metadata-Version: 2.1", f"Name: {self.name}", f"Version: {self.version}"]
        info = {
            "METADATA": "\n".join([*metadata, *(f"Requires-Dist: {requirement}" for requirement in self.requires), ""]),
            "WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "INSTALLER": "by hand\n",
            "entry_points.txt": "[sms_core.providers]\n"
            + "".join(f"{name} = {value}\n" for name, value in self.points.items()),
        }
        files = {f"{name}.py": source for name, source in self.modules.items()}
        files |= {f"{self.stem}.dist-info/{name}": text for name, text in info.items()}
        record = f"{self.stem}.dist-info/RECORD"
        return {**files, record: "".join(f"{name},,\n" for name in [*files, record])}

    def install(self, folder: Path) -> None:
        """Write it into a folder that an interpreter looks for modules in."""
        for name, text in self.files().items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")


def plugin(provider: str, source: str | None = None, value: str = "", **more: Any) -> Distribution:
    """A distribution ``sms-NAME`` with the module ``fake_NAME`` and one entry point; without a source it works."""
    module = f"fake_{provider}".lower().replace("-", "_")
    name = more.pop("name", f"sms-{provider}".lower())
    text = PLUGIN.format(name=provider, title=f"The {provider}") if source is None else source
    return Distribution(name, {module: text}, {provider: value or module}, **more)


@frozen
class Site:
    """A folder that distributions are installed into. ``before`` are those that an interpreter looks at earlier."""

    folder: Path
    before: tuple[Path, ...] = field(default=())

    def install(self, distributions: Iterable[Distribution]) -> None:
        """Put them there."""
        for distribution in distributions:
            distribution.install(self.folder)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run an interpreter that has these distributions."""
        inherited = os.environ.get("PYTHONPATH", "")
        path = os.pathsep.join(filter(None, (*map(str, self.before), str(self.folder), inherited)))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "COLUMNS": "400"}
        environment.pop("SMS_DSN", None)
        return subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def ask(self, code: str, *arguments: str) -> Any:
        """Run code that sees `TOOLS` and prints JSON at its end; gives that."""
        done = self.run("-c", TOOLS + code, *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


TOOLS = """
import importlib.metadata, json, sys
import sms_core

def connect(name):
    '''The title of the provider, or why it does not work.'''
    try:
        with sms_core.connect(f"{name}://u:p@") as client:
            return client.info.title
    except sms_core.ConfigurationError as error:
        return str(error)

def imported():
    return sorted(name for name in sys.modules if name.startswith("fake_"))

def uninstall(name):
    '''Remove what RECORD lists, as an installer does.'''
    files = [file.locate() for file in importlib.metadata.distribution(name).files]
    for file in files:
        file.unlink()
    for folder in {file.parent for file in files if file.parent.suffix == ".dist-info"}:
        folder.rmdir()
"""
"""What the code of `Site.ask` can use."""
