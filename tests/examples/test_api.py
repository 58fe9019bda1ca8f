"""Each example's own API, on PostgreSQL: who may send, what a key is for, and what becomes of a text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.running import ALL, Example, running
from tests.support.postgresql import new_database, postgresql_server

NUMBER = "+886900000001"
RIGHT = {"text": "您好", "to": [NUMBER]}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.folder)
def test_what_the_api_takes_is_sent_once_and_told_truly(example: Example, server: str, tmp_path: Path) -> None:
    with running(example, tmp_path, new_database(server, example.folder)) as application:
        ask = application.ask
        for wrong in (
            ask("/messages", RIGHT, key="a", token="another"),
            ask("/messages/a", token="another"),
        ):
            assert wrong.status == 401
        assert ask("/messages", RIGHT).status in {400, 422}  # without a key
        for body in ({"text": "您好", "to": ["12"]}, {"text": "", "to": [NUMBER]}):
            assert ask("/messages", body, key="b").status == 400
        assert ask("/messages", {"text": "您好"}, key="b").status in {400, 422}
        for key in ("a", "b"):
            assert ask(f"/messages/{key}").status == 404
        assert application.oracle.taken() == []

        for _ in range(2):
            put = ask("/messages", RIGHT, key="order/17")
            assert (put.status, put.json["key"], put.json["rows"][0]["number"]) == (202, "order/17", NUMBER)
        assert ask("/messages", {**RIGHT, "text": "再見"}, key="order/17").status == 409

        told = {"key": "order/17", "rows": [{"number": NUMBER, "state": "accepted", "status": "delivered"}]}
        application.wait_until(lambda: ask("/messages/order/17").json == told)
        assert [taken.number for taken in application.oracle.taken()] == [NUMBER]
        health = ask("/health")
        assert (health.status, health.json) == (200, {"alarms": []})
