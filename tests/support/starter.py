"""Programs that start at once: each is forked from a process that has imported already what it needs.

A test that kills servers some hundred times would wait for imports most of the time. `Starter` runs this file, which
imports, forks and ends programs as it is told; everything else of them is as ``python -m`` makes it. What they import
besides is compiled once, and kept for the next ones.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Starter:
    """Starts and ends programs while a ``with`` block lasts; at its end all of them are killed, with their children.

    It holds a listening socket of this machine, ``port``, which each program inherits as the descriptor ``socket``: as
    systemd does it. So a server that is killed leaves its callers waiting for the next one.
    """

    def __init__(self, *modules: str) -> None:
        self._compiled = tempfile.TemporaryDirectory(prefix="sms-compiled-", ignore_cleanup_errors=True)
        command = [sys.executable, __file__, self._compiled.name, *modules]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self._started: list[int] = []
        self.port, self.socket = self._told()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pid in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        self._process.kill()
        self._process.communicate()
        self._compiled.cleanup()

    def start(self, arguments: Sequence[str], *, folder: Path, log: Path, environment: Mapping[str, str]) -> int:
        """Start ``python -m …`` in a session of its own; its process id, which stays its own until `kill`."""
        pid = self._ask("start", list(arguments), str(folder), str(log), dict(environment))
        self._started.append(pid)
        return int(pid)

    def kill(self, pid: int) -> None:
        """End a program by SIGKILL; what it started itself lives on."""
        self._ask("kill", pid)

    def has_ended(self, pid: int) -> bool:
        """Whether a program has ended by itself. One that has is not to be asked about again."""
        return bool(self._ask("look", pid))

    def _ask(self, *words: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return self._told()

    def _told(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def children_of(pid: int) -> list[int]:
    """The processes that one has started and that live."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except FileNotFoundError:
        return []


def main() -> None:
    """Import what is named, and do what each line of the input says."""
    sys.path[0] = os.curdir  # and not this folder, whose modules hide others
    compiled, *names = sys.argv[1:]
    for name in names:
        importlib.import_module(name)
    sys.dont_write_bytecode = False
    sys.pycache_prefix = compiled
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    # Accepted sockets inherit it; asyncio sets it only where it knows that a socket is TCP's, and of a descriptor it does not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.set_inheritable(True)
    _say((listener.getsockname()[1], listener.fileno()))
    for line in sys.stdin:
        match json.loads(line):
            case "start", arguments, folder, log, environment:
                pid = os.fork()
                if pid == 0:
                    _become(arguments, folder, log, environment)
                _say(pid)
            case "kill", pid:
                os.kill(pid, signal.SIGKILL)  # nobody has waited for it, so the id is still its own
                os.waitpid(pid, 0)
                _say(pid)
            case "look", pid:
                _say(os.waitpid(pid, os.WNOHANG)[0])


def _become(arguments: list[str], folder: str, log: str, environment: dict[str, str]) -> None:
    """Be the program, to its end."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, place in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(descriptor, place)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    sys.argv = [*arguments]
    code: object = 1
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - told in the log; nothing may leave the child, which is a copy of the starter
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
