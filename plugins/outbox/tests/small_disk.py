"""A disk that is full when a test says so: a small one of the test's own where it may mount one, else a limit of its files."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from pathlib import Path

# From <sched.h> and <sys/mount.h> of Linux.
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
SIZE = 1 << 20
LOG = 2048
"""Bytes, which SQLite's log has exceeded by its first commit."""


class SmallDisk:
    """The folder as a disk of one megabyte, which this process alone and its children see. Use it in a child of the test's.

    Who may not mount one gets a limit of the size of this process's files, which stops SQLite's log from growing too.
    """

    def __init__(self, folder: Path) -> None:
        self._is_mounted = _mount(folder)
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave not a byte."""
        if not self._is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (LOG, resource.RLIM_INFINITY))
            return
        with self._filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """Make room again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self._filler.unlink(missing_ok=True)


def _mount(folder: Path) -> bool:
    """Mount a file system in memory here, apart from all other processes'. False where the system does not let us."""
    if os.geteuid() != 0:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return (
        libc.unshare(CLONE_NEWNS) == 0
        and libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
        and libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, b"size=%d" % SIZE) == 0
    )
