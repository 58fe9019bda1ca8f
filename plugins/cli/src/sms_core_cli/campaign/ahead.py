"""Making the next item while the one before it is worked with."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T]) -> Generator[T]:
    """The same items, each made by another thread while the caller works with the one before it.

    That saves time where the caller waits for a database, which lets other threads run meanwhile.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="sms-ahead") as other_thread:
        coming = other_thread.submit(_take, source)
        while found := coming.result():
            coming = other_thread.submit(_take, source)
            yield from found


def _take(source: Iterator[T]) -> list[T]:
    """The next item, or nothing at the end."""
    return list(itertools.islice(source, 1))
