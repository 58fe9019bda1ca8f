"""Waiting for a text in a test, by the inbox of a sandbox and by the fixtures that pytest finds by itself."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import sms_core
from sms_core.testing import Draft
from sms_core_sandbox import NothingCame, Sandbox


def send(box: Sandbox, number: str, text: str) -> None:
    box.exchange.of("every8d").submit("sandbox", [Draft(number, text)], face="every8d")


class TestWait:
    @pytest.mark.parametrize("written", ["0900-000-001", "+886 900 000 001", "0900000001", "８８６９０００００００１"])
    def test_any_form_of_the_number(self, box: Sandbox, written: str) -> None:
        send(box, "+886900000001", "您的驗證碼是 123456")
        assert box.inbox.wait(written, timeout=1).code == "123456"

    def test_each_text_once_and_in_order(self, box: Sandbox) -> None:
        for code in ("1111", "2222"):
            send(box, "+886900000001", f"code {code}")
        assert [box.inbox.wait("0900000001").code for _ in range(2)] == ["1111", "2222"]
        with pytest.raises(NothingCame, match="given already"):
            box.inbox.wait("0900000001", timeout=0)

    def test_it_waits_for_what_comes(self, box: Sandbox) -> None:
        later = threading.Timer(0.2, send, [box, "+886900000001", "code 4821"])
        later.start()
        try:
            assert box.inbox.wait("0900000001", timeout=10).code == "4821"
        finally:
            later.join()

    def test_a_part_of_the_text_or_a_pattern(self, box: Sandbox) -> None:
        for text in ("welcome", "code 4821", "bye"):
            send(box, "+886900000001", text)
        assert box.inbox.wait("0900000001", text="bye").text == "bye"
        assert box.inbox.wait("0900000001", text=re.compile(r"\d{4}")).text == "code 4821"

    def test_what_never_reaches_the_phone_is_told_and_not_given(self, box: Sandbox) -> None:
        send(box, "+886900000901", "code 1234")
        send(box, "+886900000002", "code 5678")
        with pytest.raises(NothingCame) as caught:
            box.inbox.wait("0900000901", timeout=0)
        assert "expired" in str(caught.value)
        assert "code 1234" in str(caught.value)
        assert "+886900000002" in str(caught.value)

    def test_a_reset_empties_it(self, box: Sandbox) -> None:
        send(box, "+886900000001", "code 1234")
        box.reset()
        with pytest.raises(NothingCame, match="nothing was sent"):
            box.inbox.wait("0900000001", timeout=0)

    def test_a_text_without_a_code(self, box: Sandbox) -> None:
        send(box, "+886900000001", "hello")
        with pytest.raises(AssertionError, match="no code in the text"):
            _ = box.inbox.wait("0900000001").code

    def test_all_that_arrived(self, box: Sandbox) -> None:
        send(box, "+886900000001", "hello")
        send(box, "+886900000901", "never")
        assert [received.text for received in box.inbox.messages()] == ["hello"]
        assert box.inbox.messages("0900000002") == []


USE = """
import sms_core

def test_memory(sms_inbox):
    with sms_core.connect("memory://") as sms:
        sms.send("code 1234", to="0900000001")
    with sms_core.connect("memory://shop") as sms:
        sms.send("code 5678", to="0900000002")
    assert sms_inbox.wait("0900-000-001", timeout=5).code == "1234"
    assert sms_inbox.wait("0900-000-002", timeout=5).code == "5678"

def test_it_is_empty_again(sms_inbox):
    assert sms_inbox.messages() == []

def test_sandbox(sms_inbox, sms_sandbox):
    with sms_core.connect(sms_sandbox.dsn("every8d")) as sms:
        sms.send("您的驗證碼是 482913", to="0900000001")
    assert sms_inbox.wait("0900-000-001", timeout=5).code == "482913"
    assert sms_sandbox.inbox.wait("0900-000-001", timeout=5).code == "482913"
"""
UNUSED = """
import sys
import sms_core_sandbox.pytest_plugin
heavy = {"starlette", "uvicorn", "jinja2", "sqlite3", "sms_core_sandbox.box", "sms_core.client", "sms_core.testing"}
print(sorted(heavy & set(sys.modules)))
"""


def run(*arguments: str, folder: Path) -> str:
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    return ran.stdout + ran.stderr


def test_the_fixtures_are_there_where_the_package_is_installed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(USE, encoding="utf-8")
    assert "3 passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path), folder=tmp_path)


def test_they_import_nothing_of_weight_where_nobody_uses_them(tmp_path: Path) -> None:
    assert run("-c", UNUSED, folder=tmp_path).strip() == "[]"


def test_the_older_fixture() -> None:
    from sms_core_sandbox.fixtures import sandbox  # noqa: PLC0415 - that it can be imported is what is tried

    assert sandbox is not None
    assert sms_core.__name__ == "sms_core"
