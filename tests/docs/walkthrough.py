"""A person's way from an Excel list to the report, typed into a real terminal against the sandbox and recorded as text.

``python -m tests.docs.walkthrough`` writes the recordings into their pages anew; a test compares them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen
from openpyxl import Workbook

from sms_core_sandbox import Sandbox
from sms_core_sandbox.box import PASSWORD
from tests.support.terminal import Terminal

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {DOCS / "walkthrough.md": "en", DOCS / "walkthrough.zh-TW.md": "zh_TW"}
"""The pages with recordings, and the language that each of them is in."""
MARK = re.compile(
    r"(?<=<!-- recorded: )(?P<columns>\d+)(?P<end> columns -->\n)```\n.*?^```\n", re.MULTILINE | re.DOTALL
)
PORT = "8025"
"""In the recording."""
PORTS = range(8025, 9999)
"""Of four digits, so that lines break where they do in the recording."""
MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "2026-12-01 09:00"),
    (re.compile(r"\d:\d\d:\d\d"), "0:00:00"),
    (re.compile(r"[⠀-⣿]"), "⠋"),
)
"""What is not the same each time: when the run began, how long it took, and where the wheel of a bar stood."""

SHELL = """
import json, os, shlex, sys
import sms_core_every8d, sms_core_outbox, sms_core_policy, openpyxl  # once: what runs is a fork of this program
from sms_core_cli import campaign_runs
from sms_core_cli.app import app

def run(terminal, lines, folder, environment):
    os.setsid()
    for descriptor in (0, 1, 2):
        os.dup2(os.open(terminal, os.O_RDWR), descriptor)
    sys.stdin = os.fdopen(0)
    os.chdir(folder)
    os.environ.update(environment)
    for line in lines:
        print("$ " + line, flush=True)
        words = shlex.split(line, comments=True)
        if words and os.fork() == 0:
            app(words[1:], prog_name="sms")
        if words:
            os.wait()
    print(END, flush=True)
    os._exit(0)

END = "$ exit"
for line in sys.stdin:
    if os.fork() == 0:
        run(*json.loads(line))
"""
"""Opens shells: each shows the lines that it is given, and runs them in its terminal."""
END = "$ exit\r\n"

ROWS = (
    ("手機", "姓名", "簡訊"),
    ("0900000001", "王小明", "【互動資通】{姓名}您好，您的訂單已出貨。"),
    (900000002, "林美玲", "【互動資通】{姓名}您好，您的訂單已出貨。"),
    ("0900-000-903", "陳大文", "【互動資通】{姓名}您好，您的訂單已出貨。"),
    ("0900000004", "張淑芬", "【互動資通】{姓名}您好，您訂購的商品已到門市，請在七日內攜帶證件取貨。" * 2),
    ("02-2345-6789", "李先生", "【互動資通】{姓名}您好，您的訂單已出貨。"),
    ("0900000001", "王小明", "【互動資通】{姓名}您好，您的訂單已出貨。"),
)
"""The list: a 0 that Excel dropped, a number that nobody has, a long text, a landline, a row that is there twice."""


@frozen
class Step:
    """What is typed, and the answers to what is asked. ``why`` is the remark before it, by language."""

    why: dict[str, str]
    command: str
    answers: tuple[tuple[dict[str, str], str], ...] = ()


STEPS = (
    Step(
        {"en": "Once: the account. The password is asked for.", "zh_TW": "只需一次：新增帳號，密碼另外詢問。"},
        "sms account add shop 'every8d://sandbox@127.0.0.1:8025/every8d?scheme=http'",
        (({"en": "Password:", "zh_TW": "密碼："}, PASSWORD),),
    ),
    Step({"en": "Does it work?", "zh_TW": "帳號能用嗎？"}, "sms account test shop"),
    Step(
        {"en": "Look first. This sends nothing.", "zh_TW": "先檢查，不會發送。"},
        "sms campaign people.xlsx --dry-run",
    ),
    Step(
        {"en": "Excel dropped a 0: put it back, and send.", "zh_TW": "Excel 去掉的 0 補回來，然後發送。"},
        "sms campaign people.xlsx --mend-numbers",
        (({"en": "[y/N]:", "zh_TW": "[y/N]："}, "y"),),
    ),
    Step(
        {"en": "The answer was lost: ask what became of them.", "zh_TW": "沒有收到回應：查詢結果，不會發送。"},
        "sms campaign settle people.xlsx",
    ),
    Step(
        {"en": "The delivery reports.", "zh_TW": "取得發送回報。"},
        "sms campaign people.xlsx --mend-numbers --wait 5m",
    ),
)


@contextmanager
def recorder() -> Iterator[Callable[[int, str], str]]:
    """Give what records the way in a terminal of a width, in a language: what stands on the screen at the end."""
    command = [sys.executable, "-c", SHELL]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    # Nothing of whoever records it: COLUMNS, for one, would say how wide the terminal is.
    with subprocess.Popen(command, env={"PATH": os.environ["PATH"]}, encoding="utf-8", **pipes) as shells:
        try:
            yield partial(_record, shells)
        finally:
            shells.kill()


def _record(shells: subprocess.Popen[str], columns: int, language: str) -> str:
    lines = [line for step in STEPS for line in (f"# {step.why[language]}", step.command)]
    with tempfile.TemporaryDirectory(prefix="walkthrough-") as folder, _sandbox() as box, Terminal(columns) as terminal:
        _write_list(Path(folder) / "people.xlsx")
        box.faults.add("drop_after", match="Send")  # the vendor takes the texts, and its answer is lost
        typed = [line.replace(PORT, str(box.port)) for line in lines]
        environment = {
            "TERM": "xterm-256color",
            "HOME": folder,
            "PYTHONIOENCODING": "utf-8",
            "SMS_LANG": language,
            "SMS_ACCOUNTS": "accounts.toml",
        }
        assert shells.stdin is not None
        shells.stdin.write(json.dumps([terminal.path, typed, folder, environment]) + "\n")
        shells.stdin.flush()
        for question, words in _answers(language):
            terminal.wait_for(question)
            terminal.type(words)
        terminal.wait_for(END)
        return _masked(terminal.text.replace("$ exit\n", ""), box.port, folder)


def _write_list(path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in ROWS:
        sheet.append(row)
    workbook.save(path)


def _answers(language: str) -> Iterator[tuple[str, str]]:
    for step in STEPS:
        for question, words in step.answers:
            yield question[language], words


@contextmanager
def _sandbox() -> Iterator[Sandbox]:
    """One at a free port of `PORTS`."""
    for port in PORTS:
        box = Sandbox(port, faces=["every8d"], filter_sees_all=True)
        try:
            box.start()
        except OSError:
            continue  # somebody else has this port
        try:
            yield box
        finally:
            box.stop()
        return
    raise AssertionError("no port of four digits is free")


def _masked(text: str, port: int, folder: str) -> str:
    """The recording without what differs each time."""
    text = text.replace(str(port), PORT).replace(folder, "~").rstrip() + "\n"
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


def recorded(page: str, language: str, record: Callable[[int, str], str]) -> str:
    """The page with its recordings made anew."""
    return MARK.sub(
        lambda mark: f"{mark['columns']}{mark['end']}```\n{record(int(mark['columns']), language)}```\n", page
    )


def main() -> None:
    """Write the pages."""
    with recorder() as record:
        for page, language in PAGES.items():
            page.write_text(recorded(page.read_text(encoding="utf-8"), language, record), encoding="utf-8")


if __name__ == "__main__":
    main()
