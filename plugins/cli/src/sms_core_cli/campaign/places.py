"""Where the run of a file is kept: beside it, unless SQLite's locks do not hold there."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import frozen
from platformdirs import user_state_path

from sms_core.errors import ConfigurationError
from sms_core_cli.campaign.staging import hash_of
from sms_core_outbox.places import check_place

SUFFIX = ".sms"
SHARED = "the file's folder is on a network share, or is synchronised"
READ_ONLY = "the file's folder cannot be written to"
_DIGITS = 8
"""Of the hash that tells files of one name apart in the user's state folder."""


@frozen
class Place:
    """A database. ``source`` tells the file's runs from those of others in it; ``why`` it is not beside the file, if so."""

    database: str | Path
    source: str = ""
    why: str = ""


def place_of(file: Path, url: str | None = None) -> Place:
    """Where the run of a file is, or will be: in the database that somebody named, beside the file, or with the user."""
    whole = file.resolve()
    if url is not None:
        return Place(url, str(whole))
    beside = whole.with_name(f"{whole.name}{SUFFIX}")
    try:
        check_place(beside)
    except ConfigurationError:
        return Place(_of_the_user(whole), why=SHARED)
    if not beside.exists() and not os.access(whole.parent, os.W_OK):
        return Place(_of_the_user(whole), why=READ_ONLY)
    return Place(beside)


def _of_the_user(file: Path) -> Path:
    name = f"{file.name}.{hash_of(str(file))[:_DIGITS]}{SUFFIX}"
    return user_state_path("sms-core") / "campaigns" / name
