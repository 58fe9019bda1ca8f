"""From the URL of a database to Django's entry for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import make_url


def entry_of(url: str) -> dict[str, Any]:
    """``sqlite:///texts.sqlite3``, or ``postgresql://user:password@localhost/shop``."""
    given = make_url(url)
    if given.get_backend_name() == "sqlite":
        # So transactions wait for each other, rather than fail in the middle.
        options = {"transaction_mode": "IMMEDIATE"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": given.database, "OPTIONS": options}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.database,
        "USER": given.username,
        "PASSWORD": given.password,
        "HOST": given.host or given.query.get("host", ""),
        "PORT": given.port,
    }
