"""The command, run in this process against an exchange of the test's own."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from click.testing import CliRunner

# At the end, so that an installed sms_core is tested and not the folder of this name.
sys.path.append(str(Path(__file__).parents[3]))

from sms_core.testing import Exchange, memory_exchange
from sms_core_cli.app import app

_names = (f"cli{number}" for number in itertools.count())


@frozen
class Done:
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The JSON error on stderr."""
        error: dict[str, Any] = json.loads(self.err)["error"]
        return error


Sms = Callable[..., Done]


@pytest.fixture
def memory_name() -> str:
    """An exchange that no other test knows."""
    return next(_names)


@pytest.fixture
def exchange(memory_name: str) -> Exchange:
    return memory_exchange(memory_name)


@pytest.fixture
def sms(memory_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sms:
    """``sms("send", "hi", …)`` in an empty folder, with SMS_DSN naming the test's exchange."""
    monkeypatch.chdir(tmp_path)

    def run(
        *arguments: str,
        answer: str | None = None,
        dsn: str | None = f"memory://{memory_name}",
        **environment: str | None,
    ) -> Done:
        ours = {"SMS_DSN": dsn, "SMS_ACCOUNTS": str(tmp_path / "accounts.toml"), "COLUMNS": "200", "SMS_LANG": "en"}
        runner = CliRunner(env=ours | environment)
        result = runner.invoke(app, arguments, input=answer, prog_name="sms")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run
