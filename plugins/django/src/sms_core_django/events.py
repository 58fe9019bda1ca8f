"""Handled events in the project's database."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from django.db import IntegrityError, router, transaction

from sms_core.callbacks import event_key
from sms_core_django.models import HandledEvent

LONGEST_KEY = 255


class DatabaseEvents:
    """An `sms_core.webhooks.EventStore`: the mark and what receivers write are one transaction.

    While one worker has an event in hand, another that is pushed the same event waits for the unique index
    (PostgreSQL, MySQL) or the write lock (SQLite); it then finds the event handled or handles it itself.
    """

    def __repr__(self) -> str:
        return "<DatabaseEvents>"

    @contextmanager
    def claim(self, key: str) -> Generator[bool, None, None]:
        """Take an event in hand while the block lasts. See `sms_core.webhooks.EventStore.claim`.

        Raises `TransactionManagementError` if the database has refused to commit what the block did.
        """
        using = router.db_for_write(HandledEvent)
        with transaction.atomic(using=using):
            yield _mark(key, using)
            # Django undoes such a transaction without a word, and the event would be lost.
            if transaction.get_rollback(using=using):
                hint = "a receiver caught a database error outside of an atomic() block of its own"
                raise transaction.TransactionManagementError(f"the transaction is to be rolled back: {hint}")


def _mark(key: str, using: str) -> bool:
    """Whether the event was not handled before."""
    key = key if len(key) <= LONGEST_KEY else event_key(key)
    try:
        with transaction.atomic(using=using):  # a savepoint: on PostgreSQL a failed insert ends all that is around it
            HandledEvent.objects.using(using).create(key=key)
    except IntegrityError:
        return False
    return True
