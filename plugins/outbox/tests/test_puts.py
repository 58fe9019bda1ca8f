"""Putting: once for each key, in the caller's transaction, and nothing stored of what cannot be sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from outbox_vendor import Vendor
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sms_core import ConfigurationError, InvalidMessage, Media, Message, Recipient
from sms_core_outbox import DatabaseUnavailable, KeyConflict, Outbox, OutboxError, Put, State, UnknownKey

A, B, C = (f"+88690000000{last}" for last in range(1, 4))


def test_a_put_is_stored_and_sent(outbox: Outbox, vendor: Vendor) -> None:
    ticket = outbox.put(Message("hi", [A, B, A]), key="k")
    assert ticket.is_new
    assert [row.number for row in ticket.rows] == [A, B]
    result = outbox.drain()
    assert (result.claimed, result.accepted) == (2, 2)
    assert vendor.taken == [(A, "hi"), (B, "hi")]
    rows = outbox.get("k").rows
    assert [(row.state, row.batch_id) for row in rows] == [(State.ACCEPTED, "b1")] * 2
    assert [change.state for change in rows[0].history] == [State.READY, State.SENDING, State.ACCEPTED]


PAST = datetime.now(UTC) - timedelta(hours=1)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"key": "k" * 201}, "key"),
        ({"key": ""}, "key"),
        ({"key": "a\0b"}, "key"),
        ({"purpose": "p" * 101}, "purpose"),
        ({"message": Message("a\0b", A)}, "text"),
        ({"message": Message("hi", "12")}, "number"),
        ({"message": Message("hi", Recipient(A, reference="r\0"))}, "reference"),
        ({"message": Message("", A)}, "text"),
        ({"message": Message("hi", A, send_at=PAST)}, "send_at"),
        ({"message": "hi"}, "message"),
        ({"deadline": PAST}, "deadline"),
        ({"deadline": timedelta(0)}, "deadline"),
        ({"deadline": 60}, "deadline"),
        ({"not_before": timedelta(hours=1)}, "not_before"),
        ({"not_before": datetime(9999, 12, 31, tzinfo=UTC)}, "deadline"),
        ({"priority": True}, "priority"),
        ({"key": "\ud800"}, "key"),
        ({"not_before": datetime(2030, 1, 1)}, "not_before"),  # noqa: DTZ001 - what is refused
        ({"priority": 10**9}, "priority"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(outbox: Outbox, arguments: dict[str, Any], named: str) -> None:
    given = {"message": Message("hi", A), "key": "k", **arguments}
    with pytest.raises(InvalidMessage, match=named):
        outbox.put(given.pop("message"), **given)
    assert outbox.find() == []


def test_messages_that_are_alike_stay_apart(outbox: Outbox, vendor: Vendor) -> None:
    """They are checked together; what is stored of each is the same as if it were put alone."""
    messages = {
        "plain": Message("hi", A),
        "another text": Message("{ho}", B),
        "a reference": Message("hi", C, reference="mine"),
        "the recipient's": Message("hi", Recipient(B, name="Ann", reference="hers")),
        "two": Message("hi", [A, C]),
        "filled": Message("{name}", Recipient(C, params={"name": "Ann"})),
        "the first once more": Message("hi", A),
    }
    tickets = outbox.put_many(Put(message, key) for key, message in messages.items())
    assert [len(ticket.rows) for ticket in tickets] == [1, 1, 1, 1, 2, 1, 1]
    assert [tickets[2].rows[0].reference, tickets[3].rows[0].reference] == ["mine", "hers"]
    assert len({row.reference for ticket in tickets for row in ticket.rows}) == 8
    assert not any(outbox.put(message, key=key).is_new for key, message in messages.items())
    while outbox.drain().claimed:
        pass
    expected = [(A, "hi"), (B, "{ho}"), (C, "hi"), (B, "hi"), (A, "hi"), (C, "hi"), (C, "Ann"), (A, "hi")]
    assert sorted(vendor.taken) == sorted(expected)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (Message("hi", "12"), "to[0].number: "),
        (Message("a\0b", B), "text: holds a NUL"),
        (Message("hi", Recipient(B, name="a\0b")), "to[0].name: holds a NUL"),
        (Message("hi", B, reference="r" * 201), "to[0].reference: is 201"),
    ],
)
def test_one_wrong_message_among_many_is_named_as_if_it_were_alone(outbox: Outbox, wrong: Message, named: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        outbox.put_many([Put(Message("hi", A), "1"), Put(wrong, "2"), Put(Message("ho", C), "3")])
    assert str(caught.value).startswith(named)
    assert outbox.find() == []


def _puts(numbers: range, text: str = "hi") -> list[Put]:
    return [Put(Message(text, f"+8869{number:08}"), f"k{number}") for number in numbers]


def test_thousands_at_once(outbox: Outbox) -> None:
    """They are stored in their order, each once for its key, all of them or none."""
    outbox.put_many(_puts(range(900, 1100)))
    tickets = outbox.put_many(_puts(range(1234)))
    assert [ticket.key for ticket in tickets] == [f"k{number}" for number in range(1234)]
    assert [number for number, ticket in enumerate(tickets) if not ticket.is_new] == list(range(900, 1100))
    assert {len(ticket.rows) for ticket in tickets} == {1}
    given = [*_puts(range(2000, 2999)), *_puts(range(1000, 1001), "another"), *_puts(range(3000, 3100))]
    with pytest.raises(KeyConflict, match="k1000"):
        outbox.put_many([*given, Put(Message("hi", "12"), "wrong")])
    given[999:] = [*_puts(range(3000, 3100)), Put(Message("hi", "12"), "wrong")]
    with pytest.raises(InvalidMessage, match="number"):
        outbox.put_many(given)
    assert sum(outbox.stats().counts.values()) == 1234


def test_an_account_that_there_is_none_of(outbox: Outbox) -> None:
    with pytest.raises(ConfigurationError, match="no account 'other', only main"):
        outbox.put(Message("hi", A), key="k", account="other")
    with pytest.raises(UnknownKey):
        outbox.get("k")


@pytest.mark.parametrize("as_session", [False, True])
def test_in_the_callers_transaction(url: str, outbox: Outbox, vendor: Vendor, as_session: bool) -> None:
    engine = sqlalchemy.create_engine(url)
    with opened(engine, as_session=as_session) as mine:
        outbox.put(Message("hi", A), key="kept", connection=mine)
        mine.commit()
        outbox.put(Message("hi", B), key="rolled back", connection=mine)
        mine.rollback()
    engine.dispose()
    outbox.drain()
    assert vendor.taken == [(A, "hi")]


def opened(engine: Engine, *, as_session: bool) -> Any:
    return Session(engine) if as_session else engine.connect()


def test_a_conflict_leaves_the_callers_transaction_usable(url: str, outbox: Outbox) -> None:
    outbox.put(Message("hi", A), key="k")
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as mine:
        outbox.put(Message("mine", B), key="mine", connection=mine)
        with pytest.raises(KeyConflict):
            outbox.put_many([Put(Message("new", C), "new"), Put(Message("ho", A), "k")], connection=mine)
        mine.commit()
    engine.dispose()
    assert {row.key for row in outbox.find()} == {"k", "mine"}


def test_all_that_a_message_says_is_sent(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_outbox()
    picture = Media(b"GIF89a", "gif")
    outbox.put(Message("see", A, subject="s", media=picture, validity=timedelta(hours=4)), key="mms")
    outbox.put(Message("{{}} {name}", [Recipient(A, params={"name": "Ann"}), Recipient(B, text="own")]), key="filled")
    outbox.drain()
    assert sorted(vendor.taken) == sorted([(A, "see"), (A, "{} Ann"), (B, "own")])


def test_what_no_question_may_hold(outbox: Outbox) -> None:
    outbox.put(Message("hi", A), key="k")
    assert outbox.find(batch="a\0b") == []
    with pytest.raises(UnknownKey):
        outbox.get("a\0b")
    wrong: list[Callable[[], object]] = [
        lambda: outbox.find(limit=-1),
        lambda: outbox.forget(before=datetime(2020, 1, 1)),  # noqa: DTZ001 - what is refused
        lambda: outbox.purge(before=3),  # type: ignore[arg-type]
    ]
    for act in wrong:
        with pytest.raises(ConfigurationError):
            act()
    for words in ({"because": "a\0b"}, {"because": "b", "by": "y" * 201}):
        with pytest.raises(OutboxError):
            outbox.pause(**words)
    with pytest.raises(OutboxError):
        outbox.cancel("k", by="y" * 201)
    assert outbox.get("k").rows[0].state is State.READY


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "sms.db"
    file.write_text("no database\n" * 1000)
    with (
        Outbox(f"sqlite:///{file}", accounts={"main": "memory://"}) as outbox,
        pytest.raises(DatabaseUnavailable, match="not a database"),
    ):
        outbox.put(Message("hi", A), key="k")


def test_an_outbox_that_was_never_created(url: str) -> None:
    with (
        Outbox(url, accounts={"main": "memory://"}, hash_key="k" * 16) as outbox,
        pytest.raises(ConfigurationError, match=r"outbox\.create\(\)"),
    ):
        outbox.put(Message("hi", A), key="k")


def test_another_hash_key_is_noticed(url: str, outbox: Outbox) -> None:
    with (
        Outbox(url, accounts={"main": "memory://"}, hash_key="another one, long enough") as other,
        pytest.raises(ConfigurationError, match="another hash_key"),
    ):
        other.find()


def test_a_database_that_cannot_be_reached() -> None:
    url = "postgresql+psycopg://sms@/nowhere?host=/nonexistent"
    with Outbox(url, accounts={"main": "memory://"}, hash_key="k" * 16) as outbox, pytest.raises(DatabaseUnavailable):
        outbox.put(Message("hi", A), key="k")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://user:pa55word@host/db", "SQLite and PostgreSQL"),
        ("no url", "needs a URL"),
        ("sqlite:////home/somebody/Dropbox/sms.db", "synchronised"),
        ("postgresql+psycopg://host/db", "hash key"),
    ],
)
def test_what_is_no_database_for_it(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        Outbox(url, accounts={"main": "memory://"})
    assert "pa55word" not in str(caught.value)
