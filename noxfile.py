"""Every job that a person or CI runs. ``python3 -m nox -l`` lists them."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typing", "wheels"]

ROOT = pathlib.Path(__file__).parent
PROJECT = nox.project.load_toml("pyproject.toml")
SUPPORTED = nox.project.python_versions(PROJECT)
PLUGINS = sorted(f"./{file.parent.relative_to(ROOT).as_posix()}" for file in ROOT.glob("plugins/*/pyproject.toml"))
DISTRIBUTIONS = [".", *PLUGINS]
"""The core first: the plugins need it."""
WORKERS = min((os.cpu_count() or 1) * 3 // 2, 16)
"""More than there are cores, since tests wait for sockets; not many more, since each imports all tests once more."""
PARALLEL = ["-n", str(WORKERS), "--dist", "worksteal"]
PROGRAMS = [
    "plugins/cli/tests/test_demo.py",
    "plugins/cli/tests/test_interrupt.py",
    "plugins/cli/tests/test_joins.py",
    "plugins/kit/tests/conformance/test_defects.py",
    "plugins/kit/tests/scaffold",
    "plugins/kit/tests/tutorial",
    *(f"plugins/outbox/tests/test_{name}.py" for name in ("attacks", "celery", "failures", "procrastinate", "stopped")),
    "plugins/policy/tests/test_stores.py",
    "tests/browser",
    "tests/docs",
    "tests/engine/installed",
    "tests/examples",
]
"""Tests that start programs of their own and take half of the time: run with the newest interpreter alone."""
DATABASES = [
    "plugins/cli/tests/test_campaign_postgresql.py",
    *(
        f"plugins/outbox/tests/test_{name}.py"
        for name in ("claims", "forks", "joined", "keeping", "ledger", "logins", "polling", "rates", "settling")
    ),
]
"""Tests that run on a database of each kind, but for those of what everybody calls."""
WITHOUT_PROGRAMS = [f"--ignore={path}" for path in PROGRAMS]
WITHOUT_ROUNDS = [
    "--ignore=tests/reliability",
    "--ignore-glob=*/test_faults.py",
    "--ignore-glob=*/test_*garbage.py",
    "--ignore=plugins/outbox/tests/test_crashes.py",
    "--ignore=plugins/outbox/tests/test_model.py",
]
"""Without those that try the same with fault after fault, and take a third of the time."""
CASE_AFTER_CASE = [
    "tests/vendors/test_capabilities.py",
    "tests/vendors/test_frames.py",
    *(f"plugins/{name}/tests/test_secrets.py" for name in ("every8d", "smsgo")),
]
"""Tests that start a sandbox for each of many cases, which differ in what a vendor says and not in the interpreter."""
BESIDE_THE_CORE = [f"plugins/{name}" for name in ("cli", "django", "otel", "policy", "sandbox")]
"""Packages whose tests the newest interpreter alone runs: for the oldest their types are checked."""
CORE = [
    *(f"tests/{room}" for room in ("client", "engine", "provider", "values")),
    *sorted(str(file) for file in ROOT.glob("plugins/*/tests/test_conformance.py")),
]
"""The core, and what each vendor is held to: interpreters between the oldest and the newest seldom differ from both."""

SERVICES = {
    "postgresql": ("initdb", "usr/lib/postgresql/*/bin/initdb"),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "fonts-noto-cjk": ("usr/share/fonts/*/noto/NotoSansCJK*", "usr/share/fonts/*/*CJK*"),
}
"""Debian's packages of what the tests start and no wheel brings, each with where its program may be."""


def present() -> list[str]:
    """The supported interpreters that run here: a name on the PATH may be a shim with nothing behind it."""
    found = []
    for version in SUPPORTED:
        python = shutil.which(f"python{version}")
        if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            found.append(version)
    return found or [f"{sys.version_info.major}.{sys.version_info.minor}"]


def sources(*, editable: bool) -> list[str]:
    """What an installer is told to install the core and every plugin from this folder, in one command."""
    if not editable:
        return [*DISTRIBUTIONS]
    return [argument for distribution in DISTRIBUTIONS for argument in ("-e", distribution)]


def install_all(session: nox.Session, *groups: str, editable: bool = True) -> None:
    """The core and every plugin, editable or as wheels, with what these groups of pyproject.toml name."""
    arguments = sources(editable=editable)
    if not editable and session.venv_backend == "uv":
        # As pip does it: uv would link to the folder that the workspace names for the core, and would take a package for
        # up to date while its pyproject.toml is.
        names = [nox.project.load_toml(f"{folder}/pyproject.toml")["project"]["name"] for folder in DISTRIBUTIONS]
        arguments += ["--no-sources", *(f"--reinstall-package={name}" for name in names)]
    session.install(*arguments, *nox.project.dependency_groups(PROJECT, *groups))


def install_services(session: nox.Session) -> None:
    """Install what the tests start and this machine lacks: by apt where there is one, else by whoever reads the error."""
    missing = [package for package, places in SERVICES.items() if not any(map(is_there, places))]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        session.error(f"the tests need what Debian calls {' '.join(missing)}: install it, and run them again")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    session.run(*as_root, "apt-get", "update", external=True, silent=True)
    session.run(*as_root, "apt-get", "install", "--yes", *missing, external=True, silent=True)


def is_there(place: str) -> bool:
    """Whether there is a program of this name, or a file from the root on that fits this pattern."""
    return shutil.which(place) is not None or any(pathlib.Path("/").glob(place))


def side_by_side(session: nox.Session, *commands: Sequence[str], silent: bool = False) -> None:
    """Run as many of these commands at a time as there are cores; when all have ended, one that failed fails the session."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(session.run, *command, silent=silent) for command in commands]
    for command in running:
        command.result()


@nox.session
def demo(session: nox.Session) -> None:
    """Send a campaign of some 220 people through the sandbox, and see what became of each."""
    install_all(session)
    session.run("python", "examples/campaign/demo.py", *session.posargs)


@nox.session(python=present())
def tests(session: nox.Session) -> None:
    """Run the tests, or those that are named after ``--``.

    The newest interpreter runs all, against installed wheels. The oldest leaves out what is mostly programs of its own,
    the rounds of faults, most of what runs on databases, and packages that the core and the vendors do without;
    those between them run the core and what each vendor is held to. A single interpreter does it all, with the sources.
    """
    oldest, newest = present()[0], present()[-1]
    install_services(session)
    install_all(session, "test", editable=session.python != newest or oldest == newest)
    # Where no bytecode is kept, every child process compiles all that it imports, and every worker all tests.
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    if session.posargs:
        session.run("pytest", "-q", *session.posargs)
        return
    # Not `python -m pytest`, which finds the folder of sources before the installed wheel.
    left_out = ["--ignore=tests/browser"]
    if session.python != newest:
        left_out += [
            *WITHOUT_PROGRAMS,
            *WITHOUT_ROUNDS,
            *(f"--ignore={path}" for path in (*DATABASES, *CASE_AFTER_CASE, *BESIDE_THE_CORE)),
        ]
    paths = CORE if session.python not in {oldest, newest} else []
    with ThreadPoolExecutor() as pool:
        apart = None
        if session.python == newest:
            # By itself: a worker in which Playwright runs seems to be in an event loop to the other tests.
            apart = pool.submit(session.run, "pytest", "-q", "tests/browser")
        session.run("pytest", "-q", *PARALLEL, *left_out, *paths)
        if apart is not None:
            apart.result()


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure which branches the tests take, but for those that start programs; fail below 95 %. Doubles their time."""
    install_services(session)
    install_all(session, "test")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", *PARALLEL, *WITHOUT_PROGRAMS)
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, that imports point one way, that the lock is in step, and that the changelog can be made."""
    install_all(session, "lint", "changelog")
    side_by_side(
        session,
        ("lint-imports",),
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        # Without a network: a lock that is in step needs none. The index is named, as a mirror's name is no difference.
        ("uv", "lock", "--check", "--offline", "--default-index", "https://pypi.org/simple"),
    )
    session.run("towncrier", "build", "--draft", "--version", "0", silent=True)


@nox.session
def typing(session: nox.Session) -> None:
    """Check types as users see them: mypy --strict and pyright; what the docs show passes both too.

    All at a time, but for one mypy after the other, so that two cores are busy to the end: pyright takes longer.
    """
    install_all(session, "test", "typing")
    paths = [
        "sms_core",
        *(f"{plugin}/src" for plugin in PLUGINS),
        "tests/typing",
        "examples/campaign/demo.py",
        "noxfile.py",
    ]
    folder = pathlib.Path(session.create_tmp()).absolute()
    fences = ("python", "tests/typing/fences.py")

    # What mypy knows of others' packages is in its cache when it comes to the fences.
    of_fences = (*fences, str(folder / "mypy"), "mypy", "--strict", f"--cache-dir={ROOT / '.mypy_cache'}", ".")
    chains = [
        [("mypy", *paths), of_fences],
        [("pyright",)],
        [(*fences, str(folder / "pyright"), "pyright")],
    ]

    def run(chain: Sequence[Sequence[str]]) -> None:
        for command in chain:
            session.run(*command)

    with ThreadPoolExecutor() as pool:
        list(pool.map(run, chains))


@nox.session
def wheels(session: nox.Session) -> None:
    """Build every distribution, look into each, and send with two of them in a clean environment."""
    session.install("build", *PROJECT["build-system"]["requires"])
    dist = pathlib.Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    build = ("python", "-m", "build", "--no-isolation", "--outdir", str(dist))
    side_by_side(session, *((*build, distribution) for distribution in DISTRIBUTIONS), silent=True)
    session.run("python", "tests/wheels/check_contents.py", str(dist))
    session.run("python", "tests/wheels/send_from_wheels.py", str(dist))


@nox.session(venv_backend="none")
def dev(session: nox.Session) -> None:
    """Make `.venv` with the core, every plugin and every tool: for an editor, and to run one test."""
    if shutil.which("uv"):
        session.run("uv", "sync", "--all-packages", "--all-groups")
        return
    session.run(sys.executable, "-m", "venv", ".venv")
    python = ROOT / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    tools = nox.project.dependency_groups(PROJECT, "dev")
    session.run(str(python), "-m", "pip", "install", "--quiet", *sources(editable=True), *tools)


@nox.session
def changelog(session: nox.Session) -> None:
    """Show what the next version's changelog says; ``nox -s changelog -- --yes`` writes it."""
    session.install(*nox.project.dependency_groups(PROJECT, "changelog"))
    session.run("towncrier", "build", "--version", PROJECT["project"]["version"], *(session.posargs or ["--draft"]))


@nox.session
def new_provider(session: nox.Session) -> None:
    """Write a new vendor's distribution: ``nox -s new_provider -- plugins/acme --name acme``; it asks for the rest."""
    install_all(session)
    session.run("sms", "new-provider", *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """Take the README's picture of the sandbox's page anew."""
    install_services(session)
    install_all(session, "test")
    session.run("pytest", "-q", "tests/browser", "-k", "readme")
    shutil.copy(ROOT / "build" / "screenshots" / "readme.png", ROOT / "docs" / "images" / "sandbox.png")


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated parts of the docs anew."""
    install_all(session)
    session.run("python", "docs/generate.py")


@nox.session
def reliability(session: nox.Session) -> None:
    """Send a million messages under faults, spoil a million inputs, kill what sends, in an hour or so; ``-- --help`` tells more."""
    install_services(session)
    install_all(session, "test")
    session.run("python", "-m", "tests.reliability", *session.posargs)


@nox.session(python=present()[-1])
def bench(session: nox.Session) -> None:
    """Measure what the library costs, beside its peers and its targets; ``-- --quick`` in a minute or two."""
    install_services(session)
    install_all(session, "bench")
    session.run("python", "-m", "tests.bench", *session.posargs)
