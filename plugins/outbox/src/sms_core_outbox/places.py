"""Where an SQLite file may lie: on a disk of this machine. On a share its locks do not hold, and so neither do ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sms_core.errors import ConfigurationError

SHARED = frozenset(
    (
        "9p",
        "afs",
        "afpfs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    )
)
"""File systems of other machines. Those in user space (``fuse.sshfs``) are told by `_is_shared`."""
SYNCHRONISED = ("Dropbox", "OneDrive", "Google Drive", "GoogleDrive", "Mobile Documents", "Nextcloud", "iCloudDrive")
"""How the folders begin that a program copies to elsewhere, file by file and while they are written."""
MOUNTS = Path("/proc/self/mounts")
REMOTE_DRIVE = 4  # DRIVE_REMOTE of GetDriveTypeW
WAY_OUT = "use a local file, or a PostgreSQL server: --outbox postgresql+psycopg://…"


def check_place(path: Path) -> None:
    """Raise `ConfigurationError` for a file on a network share or in a synchronised folder."""
    whole = path.absolute()
    for part in whole.parts:
        if part.startswith(SYNCHRONISED):
            raise ConfigurationError(f"{path} is in a folder that is synchronised ({part}): {WAY_OUT}")
    kind = file_system_of(whole)
    if _is_shared(kind):
        raise ConfigurationError(f"{path} is on a network share ({kind}), where SQLite's locks do not hold: {WAY_OUT}")


def is_local(path: Path) -> bool:
    """Whether a file is surely on a disk of this machine."""
    kind = file_system_of(path.absolute())
    return kind != "" and not _is_shared(kind)


def file_system_of(path: Path) -> str:
    """The kind of file system that a path is on, "" where the system does not say."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - there alone

        kind = ctypes.windll.kernel32.GetDriveTypeW(path.anchor)
        return "cifs" if path.anchor.startswith("\\\\") or kind == REMOTE_DRIVE else "local"
    if not MOUNTS.exists():
        return ""
    return file_system_by(MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"), os.path.realpath(path))


def file_system_by(mounts: str, path: str) -> str:
    """The same by a table of mounts (fstab(5)): the last of the longest mount points that the path lies below counts."""
    found = ("", "")
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:  # noqa: PLR2004 - device, mount point, kind
            continue
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        below = path == point or path.startswith(point.rstrip("/") + "/")
        if below and len(point) >= len(found[0]):
            found = (point, fields[2])
    return found[1]


def _is_shared(kind: str) -> bool:
    return kind in SHARED or kind.startswith("fuse.")
