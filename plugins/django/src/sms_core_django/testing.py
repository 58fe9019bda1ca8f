"""The outbox of the locmem backend, and when to empty it."""

from __future__ import annotations

import threading

from attrs import field, frozen
from django.core import mail

from sms_core import Message
from sms_core.masking import mask
from sms_core.testing.memory import memory_exchange

EXCHANGE = "sms-core-django"
"""The `sms_core.testing.memory.memory_exchange` that answers for the console and locmem backends."""


@frozen
class SentSms:
    """One text as one phone gets it.

    ``number`` is E.164, ``text`` has its placeholders filled. ``alias`` is the account in ``SMS``. ``message`` is what
    was sent, with its subject, picture, times and all its recipients.
    """

    alias: str
    number: str = field(repr=mask)
    text: str = field(repr=lambda text: f"<{len(text)} long>")
    reference: str
    batch_id: str
    message: Message


_outbox: list[SentSms] = []
_lock = threading.Lock()
_mails: object = None


def keep(sent: SentSms) -> None:
    """Put a text into the outbox of the test that runs."""
    current_outbox().append(sent)


def current_outbox() -> list[SentSms]:
    """The outbox, always the same list, without what earlier tests have left.

    Django tells nobody that a test begins, but gives each a new ``mail.outbox``.
    """
    global _mails  # noqa: PLW0603 - there is one outbox for each process, as there is of e-mails
    with _lock:
        mails = getattr(mail, "outbox", None)
        if mails is not _mails:
            _mails = mails
            empty_outbox()
    return _outbox


def empty_outbox() -> None:
    """Forget what was sent, and all that the exchange behind the backends knows of it."""
    _outbox.clear()
    memory_exchange(EXCHANGE).reset()
