"""Preparing puts: each is checked, planned, and made what is stored of it, without the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from sms_core.errors import InvalidMessage
from sms_core.model import Message
from sms_core_outbox.accounts import Accounts
from sms_core_outbox.hashing import Hashes
from sms_core_outbox.messages import StoredMessage, Templates
from sms_core_outbox.model import Put
from sms_core_outbox.planning import Planner, Routes, check_text
from sms_core_outbox.schema import KEY_LENGTH, NAME_LENGTH
from sms_core_outbox.senders import Sender

HIGHEST_PRIORITY = 1_000_000


@frozen
class PreparedPut:
    """A put that was checked and can be stored. ``routes`` has for each row who may carry it, where there are several."""

    given: Put
    account: str
    fingerprint: str
    stored: StoredMessage
    routes: Routes | None = None


class Preparation:
    """Prepares puts, without the database."""

    def __init__(self, accounts: Accounts[Sender], hashes: Hashes) -> None:
        self._accounts = accounts
        self._hashes = hashes
        self._planner = Planner(accounts)
        self._templates = Templates()

    def prepare(self, given: Sequence[Put]) -> list[PreparedPut]:
        """What to store of puts that were checked. Raises `InvalidMessage` or `Unsupported`, as the account's `send` would.

        One step for all of them after the other takes two thirds of the time of all steps for each: their code stays in
        the processor's caches.
        """
        planned = self._planner.plan(given)
        stored = [self._templates.to_stored(item.message, found) for item, found in zip(given, planned, strict=True)]
        fingerprints = [self._hashes.message(found.content) for found in stored]
        return [
            PreparedPut(item, plan.account, fingerprint, found, plan.routes)
            for item, plan, found, fingerprint in zip(given, planned, stored, fingerprints, strict=True)
        ]

    def account_of(self, given: Put) -> str:
        """The name of the account that a put is for. Raises `ConfigurationError`."""
        return self._accounts.name_of(given.account)

    def fingerprint(self, message: Message) -> str:
        """The same as `PreparedPut.fingerprint`, of a message that cannot be sent now."""
        return self._hashes.message(self._templates.content_of(message))


def check_all(given: Iterable[Put]) -> None:
    """Refuse what is wrong with a put, whatever its account. Raises `InvalidMessage`."""
    for item in given:
        _check(item)


def _check(given: Put) -> None:
    if not isinstance(given, Put):
        raise InvalidMessage("put_many", f"needs Puts, not {type(given).__name__}")
    _check_name("key", given.key, KEY_LENGTH)
    if not given.key:
        raise InvalidMessage("key", "is empty: name what is sent, such as order-17-shipped")
    _check_name("purpose", given.purpose, NAME_LENGTH)
    if not isinstance(given.message, Message):
        raise InvalidMessage("message", f"needs a Message, not {type(given.message).__name__}")
    check_text("subject", given.message.subject, None)
    for place, recipient in enumerate(given.message.to):
        if recipient.name or recipient.email:  # as few have
            check_text(f"to[{place}].name", recipient.name, None)
            check_text(f"to[{place}].email", recipient.email, None)
    if type(given.priority) is not int or abs(given.priority) > HIGHEST_PRIORITY:  # True is an int, but no priority
        raise InvalidMessage("priority", f"needs a whole number up to {HIGHEST_PRIORITY}")
    _check_moment("not_before", given.not_before)
    if not isinstance(given.deadline, timedelta):
        _check_moment("deadline", given.deadline)


def _check_name(name: str, text: str, longest: int) -> None:
    check_text(name, text, longest)
    if not text.isascii() and _has_lone_surrogate(text):
        raise InvalidMessage(name, "holds half a surrogate pair, which no database takes")


def _has_lone_surrogate(text: str) -> bool:
    """Whether a text holds half a surrogate pair, which is no character."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _check_moment(name: str, moment: object) -> None:
    if moment is None:
        return
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise InvalidMessage(name, "needs an aware datetime, such as datetime.now(UTC) + timedelta(hours=1)")
