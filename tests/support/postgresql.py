"""A PostgreSQL server for tests, in a temporary folder, reached by a socket there and not by the network.

Its binaries are those of the system: Debian's package ``postgresql`` has them. The server refuses to run as root, so
root starts it as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy

PATIENCE = 60
"""Seconds for each step of its start and end."""
HINT = "the tests need a PostgreSQL server: apt-get install postgresql"


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Run a server; gives the URL of its database ``postgres``, in which `new_database` makes others."""
    # A socket's path has to be short, and Debian lets no other user into pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="sms-pg-"))
    options = _as_another_user(folder)
    data = folder / "data"
    tool = _folder_of_binaries()
    try:
        initdb = [tool / "initdb", "-D", data, "-U", "sms", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, timeout=PATIENCE, **options)
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200"
        start = [tool / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", settings, "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE, **options)
        try:
            yield f"postgresql+psycopg://sms@/postgres?host={folder}"
        finally:
            stop = [tool / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
            subprocess.run(stop, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE, **options)
    finally:
        shutil.rmtree(folder)


def new_database(server: str, name: str) -> str:
    """Make a database of this name in a server; its URL."""
    folder = sqlalchemy.make_url(server).query["host"]
    with psycopg.connect(host=folder, user="sms", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


def _folder_of_binaries() -> Path:
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise FileNotFoundError(HINT)


def _as_another_user(folder: Path) -> dict[str, Any]:
    """The options of `subprocess.run` for a server in this folder."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"cwd": folder, "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
