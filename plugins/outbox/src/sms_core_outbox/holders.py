"""Who claims: one holder for each process, and how others can tell that it has ended.

A holder keeps the lock of a file of its own for as long as it lives. The operating system frees it when the process
ends, however it ends; a stopped process keeps it. So on the same machine a free lock proves the end, and nothing else
does: no time that passes, no missing file.
"""

from __future__ import annotations

import errno
import os
import secrets
import socket
import sys
import threading
from pathlib import Path

from attrs import frozen

from sms_core.processes import PerProcess
from sms_core_outbox.places import is_local

_HELD = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # The lock of POSIX, and not that of BSD: a child process does not keep it when its parent has ended.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def boot_id() -> str:
    """What tells this run of this machine from any other; "" where the system does not say."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@frozen
class Holder:
    """What is known of a holder, also of one in another process."""

    name: str
    host: str
    pid: int
    boot: str
    lock_path: Path | None


class OwnHolder:
    """This process as a holder. ``folder`` is where its files lie; None for a database in this process's memory."""

    def __init__(self, folder: Path | None) -> None:
        host = socket.gethostname()
        pid = os.getpid()
        name = f"{host[:60]}:{pid}:{secrets.token_hex(8)}"
        path = None
        self._descriptor: int | None = None
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder.absolute() / f"{name.replace(':', '-')}.lock"
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            _lock(self._descriptor)
            _own_locks.add((pid, str(path)))
        self.about = Holder(name, host, pid, boot_id(), path)

    @property
    def name(self) -> str:
        """What rows and history call it."""
        return self.about.name

    @property
    def spill_path(self) -> Path | None:
        """Where it writes results at its end that the database would not take."""
        return None if self.about.lock_path is None else self.about.lock_path.with_suffix(".spill")

    def is_whole(self) -> bool:
        """Whether its lock is still what others look at. If not, they can prove nothing, and nothing worse."""
        if self._descriptor is None or self.about.lock_path is None:
            return True
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.about.lock_path.stat())
        except OSError:
            return False

    def release(self, *, remove: bool) -> None:
        """Let the lock go, at the end of the process's work; ``remove`` the file where no row needs its proof."""
        if self._descriptor is None or self.about.lock_path is None or self.about.pid != os.getpid():
            return
        if remove:
            self.about.lock_path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None
        _own_locks.discard((self.about.pid, str(self.about.lock_path)))


_own_locks: set[tuple[int, str]] = set()
"""The process and the paths of its own locks. To try one would succeed, and free it."""


def has_ended(holder: Holder) -> bool:
    """Whether the end of a holder is proven. False says nothing."""
    path = holder.lock_path
    if path is None:
        return False
    if holder.boot != boot_id() and not is_local(path):
        return False  # a file of another machine, whose locks are not seen here
    return is_free(path)


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock of a file that is there."""
    if (os.getpid(), str(path)) in _own_locks:
        return False
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(descriptor)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    finally:
        os.close(descriptor)
    return True


_taken: set[tuple[int, str]] = set()
"""The process and the paths of the `FileLock`s that it holds: the system's lock excludes other processes alone."""
_taking = PerProcess(threading.Lock(), lambda _: threading.Lock())


class FileLock:
    """A lock among the processes of this machine and their threads. The system frees it when its process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take it, if nobody has it."""
        place = (os.getpid(), str(self._path))
        with _taking.get():
            if place in _taken:
                return False
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                _lock(descriptor)
            except OSError as error:
                os.close(descriptor)
                if error.errno in _HELD:
                    return False
                raise
            self._descriptor = descriptor
            _taken.add(place)
            return True

    def release(self) -> None:
        """Let it go."""
        if self._descriptor is not None:
            with _taking.get():
                os.close(self._descriptor)
                self._descriptor = None
                _taken.discard((os.getpid(), str(self._path)))
