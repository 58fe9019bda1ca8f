"""All that is logged within a block, whatever its level and logger."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager


class _Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


@contextmanager
def kept_logs() -> Generator[list[logging.LogRecord], None, None]:
    """The records of the block, as they come."""
    root, keeper = logging.getLogger(), _Keeper()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield keeper.records
    finally:
        root.setLevel(level)
        root.removeHandler(keeper)
