"""The reference of the hooks: each is on the page with its signature, and the page's vendor has each of them called."""

from __future__ import annotations

import ast
import inspect
import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sms_core import CallbackRequest, Client, Message, hookimpl
from sms_core.http import Request, Response
from sms_core.provider import REQUIRED, Login, Operation, ProviderHooks
from sms_core.testing import FakeTransport, connect_provider

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "hooks.md").read_text(encoding="utf-8")
HOOKS = [name for name in vars(ProviderHooks) if name.startswith("sms_")]


def source_of(hook: str) -> ast.FunctionDef:
    """The hook in the Protocol's source, without ``self``."""
    functions = [
        node for node in ast.walk(ast.parse(inspect.getsource(ProviderHooks))) if isinstance(node, ast.FunctionDef)
    ]
    (found,) = (function for function in functions if function.name == hook)
    assert found.args.args.pop(0).arg == "self"
    return found


def section_of(hook: str) -> str:
    (found,) = re.findall(rf"^## `{hook}`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_page_is_up_to_date() -> None:
    assert runpy.run_path(str(DOCS / "generate.py"))["with_hooks"](PAGE) == PAGE, "run: python -m nox -s docs"


def test_there_are_hooks() -> None:
    assert len(HOOKS) >= 7
    assert set(REQUIRED) <= set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_is_on_the_page_with_its_exact_signature(hook: str) -> None:
    fence = re.search(r"^```\n(.*?)^```$", section_of(hook), re.MULTILINE | re.DOTALL)
    assert fence is not None
    (written,) = ast.parse(f"def {fence[1].strip()}: ...").body
    assert isinstance(written, ast.FunctionDef)
    ours = source_of(hook)
    assert (written.name, ast.dump(written.args)) == (hook, ast.dump(ours.args))
    assert written.returns is not None
    assert ours.returns is not None
    assert ast.dump(written.returns) == ast.dump(ours.returns)


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_says_when_it_is_called_and_what_it_may_raise(hook: str) -> None:
    text = section_of(hook)
    assert inspect.getdoc(vars(ProviderHooks)[hook]) in text
    assert re.search(r"^Asked ", text, re.MULTILINE)
    assert re.search(r"^Raise ", text, re.MULTILINE)
    assert ("Required." in text) is (hook in REQUIRED)


def rows() -> dict[str, list[str]]:
    """The table of the page: what an application does, and the hooks that this asks."""
    table = re.findall(r"^\| (.*?) \| (`sms_.*?) \|$", PAGE, re.MULTILINE)
    return {action: said.replace("`", "").split(", ") for action, said in table}


class Script:
    """What the rows of the table say, done with the page's own vendor; ``asked`` are the hooks that were called."""

    def __init__(self) -> None:
        code = re.search(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
        assert code is not None
        names: dict[str, Any] = {"__name__": "hooks"}
        exec(compile(code[1], "docs/hooks.md", "exec"), names)
        self.provider, self.answer = names["Acme"](), names["acme"]
        self.asked: list[str] = []
        self.ends_sessions = False

    def connect(self) -> Client:
        recorder = SimpleNamespace(**{hook: self.recorder(hook) for hook in HOOKS})
        network = FakeTransport(self.vendor)
        dsn = "acme://USER:PASSWORD@?close_session=true"
        return connect_provider(self.provider, dsn, transport=network, plugins=[recorder])

    def vendor(self, request: Request) -> Response:
        if self.ends_sessions:
            self.ends_sessions = False
            return Response(200, body=b"no 5")
        answer: Response = self.answer(request)
        return answer

    def recorder(self, hook: str) -> Callable[..., Any]:
        """A wrapper that notes the call."""

        def wrapper() -> Iterator[None]:
            self.asked.append(hook)
            return (yield)  # type: ignore[misc]

        def of_operations(operation: Operation[Any]) -> Iterator[None]:
            self.asked.append(f"{hook} of the login" if isinstance(operation, Login) else hook)
            return (yield)  # type: ignore[misc]

        return hookimpl(wrapper=True)(of_operations if hook == "sms_perform" else wrapper)  # type: ignore[no-any-return]

    def run(self) -> Iterator[tuple[str, list[str]]]:
        """Each row's action, and what it asked."""
        with self.connect() as sms:
            yield "`connect()`", self.taken()
            sms.send("您好", to="0900000001")
            yield "the first `send()`", self.taken()
            sms.send("您好", to="0900000001")
            yield "the next `send()`", self.taken()
            self.ends_sessions = True
            sms.send("您好", to="0900000001")
            yield "a `send()` in a session that the vendor has ended", self.taken()
            sms.preview(Message("您好", "0900000001"))
            yield "`preview()`", self.taken()
            sms.check()
            yield "`check()`, and other questions", self.taken()
            sms.parse_callback(CallbackRequest("GET", "/", "id=4711&to=%2B886900000001&state=DELIVRD"))
            yield "`parse_callback()`", self.taken()
        yield "`close()` with `close_session=true`", self.taken()

    def taken(self) -> list[str]:
        asked, self.asked = self.asked, []
        return asked


def test_every_hook_is_called_when_the_page_says_so() -> None:
    seen = dict(Script().run())
    assert seen == rows()
    assert {name.removesuffix(" of the login") for asked in seen.values() for name in asked} == set(HOOKS)
