"""`sms new-provider`: what it asks, and what it says of wrong answers."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field
from click.testing import CliRunner, Result

from sms_core_cli.app import app

GOOD = {"--name": "acme", "--base-url": "https://api.acme.example/v1"}
PATIENCE = 30
"""Seconds for a question to appear."""


def options(**changes: str) -> list[str]:
    """The options of a command that is right, but for these changes."""
    given = {**GOOD, **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
    return [part for pair in given.items() for part in pair]


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["new-provider", *arguments], prog_name="sms")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Acme"}, "--name: up to 30 lower-case letters"),
        ({"name": "acme\n"}, "--name: up to 30 lower-case letters"),
        ({"name": "a_b"}, "--name: up to 30 lower-case letters"),
        ({"name": "9acme"}, "--name: up to 30 lower-case letters"),
        ({"name": "a" * 31}, "--name: up to 30 lower-case letters"),
        ({"name": ""}, "--name: up to 30 lower-case letters"),
        ({"name": "every8d"}, "--name: taken by a package of sms-core's own"),
        ({"name": "smsget"}, "--name: taken by a package of sms-core's own"),
        ({"name": "django"}, "--name: taken by a package of sms-core's own"),
        ({"title": 'Ac"me'}, "--title: up to 30 characters"),
        ({"title": "Ac\nme"}, "--title: up to 30 characters"),
        ({"title": " "}, "--title: up to 30 characters"),
        ({"title": "W" * 31}, "--title: up to 30 characters"),
        ({"document": "HTTP \\ API"}, "--document: up to 60 characters"),
        ({"base_url": "api.acme.example"}, "--base-url: an http:// or https:// URL"),
        ({"base_url": "ftp://api.acme.example"}, "--base-url: an http:// or https:// URL"),
        ({"base_url": "https://user:pw@api.acme.example"}, "--base-url: an http:// or https:// URL"),
        ({"base_url": "https://api.acme.example?v=1"}, "--base-url: an http:// or https:// URL"),
        ({"base_url": "https://api.acme.example/{v}"}, "--base-url: an http:// or https:// URL"),
        ({"base_url": ""}, "--base-url: an http:// or https:// URL"),
        ({"auth": "oauth"}, "'oauth' is not one of 'credentials', 'token', 'soap'"),
        ({"wire": "yaml"}, "'yaml' is not one of 'form', 'json', 'xml'"),
        ({"auth": "soap", "wire": "json"}, "--wire: SOAP is XML, not json"),
    ],
    ids=str,
)
def test_a_wrong_answer_is_refused_in_words_and_nothing_is_written(
    changes: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = run("new", *options(**changes), "--defaults")
    assert done.exit_code == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_named() -> None:
    done = run("new", "--name", "acme", "--defaults")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "missing: --base-url;" in done.stderr
    assert "missing: --name and --base-url;" in run("new").stderr


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("mine", encoding="utf-8")
    done = run("new", *options(), "--defaults")
    assert done.exit_code == 2
    assert "new exists and is no empty folder" in done.stderr
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["mine.txt"]
    assert "is no empty folder" in run("new/mine.txt", *options(), "--defaults").stderr


def test_an_empty_folder_is_filled_and_json_says_where(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    done = run("new", *options(), "--defaults", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == '{\n  "path": "new"\n}\n'
    assert (tmp_path / "new" / "src" / "sms_core_acme" / "provider.py").is_file()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("file/new", *options(), "--defaults")
    assert done.exit_code == 2
    assert "file/new" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_without_the_kit_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sms_core_kit.scaffold", None)
    done = run("new", *options(), "--defaults")
    assert done.exit_code == 2
    assert "the scaffold is not installed: pip install 'sms-core[kit]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


@define
class Terminal:
    """A person's side of a command: what was shown, and keys to press."""

    process: subprocess.Popen[bytes]
    end: int
    shown: str = ""
    _news: threading.Condition = field(factory=threading.Condition)

    def read(self) -> None:
        """Take in what is shown until the command ends."""
        while True:
            try:
                piece = os.read(self.end, 4096)
            except OSError:  # Linux says so when the last process has closed its side
                return
            if not piece:
                return
            with self._news:
                self.shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", piece.decode(errors="replace"))
                self._news.notify_all()
            if b"\x1b[6n" in piece:  # where is the cursor? what asks waits for an answer
                os.write(self.end, b"\x1b[1;1R")

    def answer(self, question: str, keys: str) -> None:
        """Wait for a question, and type."""
        with self._news:
            assert self._news.wait_for(lambda: question in self.shown, PATIENCE), self.shown
            self.shown = self.shown.partition(question)[2]
        os.write(self.end, keys.encode())


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    """The command, on a terminal of its own."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sms_core_cli", "new-provider", *arguments]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as process:
        os.close(theirs)
        running = Terminal(process, ours)
        reader = threading.Thread(target=running.read, daemon=True)
        reader.start()
        try:
            yield running
        finally:
            process.kill()
            reader.join(PATIENCE)
            os.close(ours)


DOWN, ENTER, ERASE, INTERRUPT = "\x1b[B", "\r", "\x7f", "\x03"


def test_on_a_terminal_it_asks_for_what_is_not_given(tmp_path: Path) -> None:
    with terminal("new", "--wire", "json", "--document", "Acme's paper") as person:
        person.answer("as in a DSN", f"Acme{ENTER}")
        person.answer("up to 30 lower-case letters", f"{ERASE * 4}acme{ENTER}")
        person.answer("What people call the vendor", ENTER)
        person.answer("Where its API is", f"https://acme.example/v2{ENTER}")
        person.answer("How does it know you", f"{DOWN}{ENTER}")
        assert person.process.wait(PATIENCE) == 0, person.shown
    assert "requests and answers" not in person.shown
    assert "document that you work from" not in person.shown
    package = tmp_path / "new" / "src" / "sms_core_acme"
    assert "Acme's paper" in (package / "__init__.py").read_text(encoding="utf-8")
    assert "def build_login" in (package / "requests.py").read_text(encoding="utf-8")
    assert "json_request" in (package / "requests.py").read_text(encoding="utf-8")


def test_what_all_is_given_leaves_no_question_and_defaults_asks_none(tmp_path: Path) -> None:
    for name, more in {
        "given": ["--title", "Acme", "--auth", "token", "--wire", "xml", "--document", "Acme's paper"],
        "defaults": ["--defaults"],
    }.items():
        with terminal(name, *options(), *more) as person:
            assert person.process.wait(PATIENCE) == 0, person.shown
        assert (tmp_path / name / "pyproject.toml").is_file()
    with terminal("missing", "--defaults") as person:
        assert person.process.wait(PATIENCE) == 2
    assert not (tmp_path / "missing").exists()


def test_ctrl_c_at_a_question_leaves_nothing(tmp_path: Path) -> None:
    with terminal("new", "--name", "acme") as person:
        person.answer("What people call the vendor", INTERRUPT)
        assert person.process.wait(PATIENCE) == 1, person.shown
    assert "Traceback" not in person.shown
    assert list(tmp_path.iterdir()) == []
