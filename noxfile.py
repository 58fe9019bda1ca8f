"""Every job that a person or CI runs. ``python3 -m nox -l`` lists them."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys

import nox

nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typing", "wheels"]

ROOT = pathlib.Path(__file__).parent
PLUGINS = [
    "plugins/cli",
    "plugins/django",
    "plugins/every8d",
    "plugins/kit",
    "plugins/mitake",
    "plugins/otel",
    "plugins/sandbox",
    "plugins/smsget",
    "plugins/smsgo",
    "plugins/twilio",
]
SUPPORTED = ["3.11", "3.12", "3.13"]
PARALLEL = ["-n", "4"]  # the tests wait for sockets more than they compute, so more of them than there are cores
LENGTHY = ["plugins/kit/tests/conformance/test_defects.py", "tests/examples", "plugins/kit/tests/scaffold", "plugins/kit/tests/tutorial"]
"""What takes a third of the time, most of it in programs of its own: run with the newest interpreter alone."""


def present() -> list[str]:
    """The supported interpreters that run here: a name on the PATH may be a shim with nothing behind it."""
    found = []
    for version in SUPPORTED:
        python = shutil.which(f"python{version}")
        if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            found.append(version)
    return found or [f"{sys.version_info.major}.{sys.version_info.minor}"]


def install_all(session: nox.Session, *groups: str, editable: bool = True) -> None:
    """The core and every plugin, editable or as wheels, with what the groups of pyproject.toml name."""
    requirements = [one for group in groups for one in nox.project.dependency_groups(PROJECT, group)]
    sources = [".", *(f"./{plugin}" for plugin in PLUGINS)]
    session.install(*(part for one in sources for part in (["-e", one] if editable else [one])), *requirements)


PROJECT = nox.project.load_toml("pyproject.toml")


@nox.session
def demo(session: nox.Session) -> None:
    """Send a campaign of some 220 people through the sandbox, and see what became of each."""
    install_all(session)
    session.run("python", "examples/campaign/demo.py", *session.posargs)


@nox.session(python=present())
def tests(session: nox.Session) -> None:
    """Run all tests against installed wheels with the newest interpreter; without the lengthy ones with the others.

    With the oldest, measure branch coverage too. A single interpreter does it all, with the sources.
    """
    oldest, newest = present()[0], present()[-1]
    install_all(session, "test", editable=session.python != newest or oldest == newest)
    lengthy = [] if session.python == newest else [f"--ignore={path}" for path in LENGTHY]
    if session.posargs or session.python != oldest:
        session.run("pytest", "-q", *(session.posargs or [*PARALLEL, *lengthy]))
        return
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    session.run("coverage", "run", "-m", "pytest", "-q", *PARALLEL, *lengthy)
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, and that imports point one way."""
    install_all(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def typing(session: nox.Session) -> None:
    """Check types as users see them: mypy --strict and pyright; tests/typing is checked and never run."""
    install_all(session, "test", "typing")
    session.run("mypy", "sms_core", "tests/typing", "examples/campaign/demo.py", "noxfile.py")
    for plugin in PLUGINS:
        session.run("mypy", f"{plugin}/src")
    session.run("pyright")


@nox.session
def wheels(session: nox.Session) -> None:
    """Build every distribution; send with two of them in a clean environment, and run all tests against the wheels."""
    session.install("build")
    dist = pathlib.Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    for source in [".", *PLUGINS]:
        session.run("python", "-m", "build", "--outdir", str(dist), source, silent=True)
    session.run("python", "tests/wheels/check_contents.py", str(dist))
    session.run("python", "tests/wheels/send_from_wheels.py", str(dist))


@nox.session
def new_provider(session: nox.Session) -> None:
    """Write a new vendor's distribution: ``nox -s new_provider -- plugins/acme --name acme``; it asks for the rest."""
    session.install("-e", ".", "-e", "./plugins/cli", "-e", "./plugins/kit")
    session.run("sms", "new-provider", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated parts of the docs anew."""
    install_all(session)
    session.run("python", "docs/generate.py")


@nox.session(python=present()[-1])
def bench(session: nox.Session) -> None:
    """Measure what the library costs: next to raw urllib3 and a bare ASGI app, and per row. Nothing is asserted."""
    install_all(session)
    session.run("python", "tests/bench/bench.py")
    session.run("python", "tests/bench/webhooks.py")
