"""A lock that one process has at a time, and that the operating system frees when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from sms_core.errors import ConfigurationError
from sms_core.provider import TAIPEI

HELD = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK)
"""What trying to lock says where another process has the lock."""
FAR_OUT = 1 << 30
"""The byte that is locked on Windows, where nobody can read a locked one; what the file says lies before it."""

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, FAR_OUT, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """The exclusive lock of a file, as a context manager. ``.NAME.lock`` beside it is what is locked, and says by whom."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f".{path.name}.lock")
        self._of = path
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock. Raises `ConfigurationError` if another process has it, naming that one, and `OSError`."""
        while self._descriptor is None:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._take(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            if self._is_there(descriptor):
                self._descriptor = descriptor
            else:  # its last holder removed it while we were about to lock it
                os.close(descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):  # Windows removes no open file; it is of no harm
            self.path.unlink()
        os.close(self._descriptor)
        self._descriptor = None

    def _take(self, descriptor: int) -> None:
        try:
            _lock(descriptor)
        except OSError as error:
            if error.errno in HELD:
                holder = _holder(os.read(descriptor, 4096))
                raise ConfigurationError(f"{self._of}: a campaign is under way with this file, {holder}") from None
            reason = f"its file system keeps no locks ({error.strerror}), so two campaigns could not be kept apart"
            raise ConfigurationError(f"{self._of}: {reason}; name a local file with --results") from error
        since = datetime.now(UTC).astimezone(TAIPEI).isoformat(timespec="seconds")
        says = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        os.truncate(descriptor, 0)
        os.write(descriptor, json.dumps(says).encode())

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False


def _holder(content: bytes) -> str:
    try:
        says = json.loads(content)
        return f"process {says['pid']} on {says['host']} since {says['since']}"
    except (ValueError, LookupError, TypeError):  # it has not said so yet
        return "another process"
