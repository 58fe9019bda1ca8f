"""Items are made one ahead of the caller, and no further."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from sms_core_cli.campaign.ahead import ahead


def test_another_thread_makes_one_item_ahead() -> None:
    made: list[int] = []
    threads: set[str] = set()

    def items() -> Iterator[int]:
        for number in range(5):
            threads.add(threading.current_thread().name)
            made.append(number)
            yield number

    with closing(ahead(items())) as taken:
        assert made == []
        for number in taken:
            assert made[: number + 1] == list(range(number + 1))
            assert len(made) <= number + 2
    assert made == list(range(5))
    assert threading.current_thread().name not in threads
    assert not threads & {thread.name for thread in threading.enumerate()}


def test_what_goes_wrong_is_raised_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    taken = ahead(items())
    assert next(taken) == 1
    with pytest.raises(ValueError, match="the second"):
        next(taken)
    assert list(taken) == []
