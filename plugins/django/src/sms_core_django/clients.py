"""`send_sms`, and the clients behind it: one for each account and process, which all threads share."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, overload

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from sms_core import Client, ConfigurationError, Media, Message, Plan, Recipient, SendResult, VendorOptions
from sms_core_django import conf
from sms_core_django.process import PerProcess

if TYPE_CHECKING:
    from sms_core_outbox import Outbox, Ticket

Backend = Callable[[str, str], Client]
"""Makes the client of an account from its alias and its DSN ("" where ``SMS`` has none for it)."""

OUTBOXES = "sms_core_django.contrib.outbox.outboxes"
_clients: PerProcess[Client] = PerProcess()


def get_client(alias: str = "default") -> Client:
    """The client of an account in ``SMS``, for all that is not sending. It is shared: do not close it.

    Raises `ImproperlyConfigured`.
    """
    account = conf.account(alias)
    return _clients.get(account, lambda: _make(account))


@overload
def send_sms(
    message: str | Message | Plan,
    to: str | Recipient | Iterable[str | Recipient] | None = None,
    *,
    using: str = "default",
    subject: str = "",
    send_at: datetime | None = None,
    validity: timedelta | None = None,
    media: Media | None = None,
    reference: str = "",
    options: VendorOptions | Iterable[VendorOptions] = (),
) -> SendResult: ...


@overload
def send_sms(
    message: str | Message,
    to: str | Recipient | Iterable[str | Recipient] | None = None,
    *,
    key: str,
    using: str = "default",
    purpose: str = "",
    priority: int = 0,
    not_before: datetime | None = None,
    deadline: datetime | timedelta | None = None,
    **fields: Any,
) -> Ticket: ...


def send_sms(
    message: str | Message | Plan,
    to: str | Recipient | Iterable[str | Recipient] | None = None,
    *,
    using: str = "default",
    key: str | None = None,
    **given: Any,
) -> SendResult | Ticket:
    """Send a text, a `Message` or a `Plan` through the account ``using``; the rest is as in `sms_core.Client.send`.

    Returns only if the vendor accepted every recipient. Raises `InvalidMessage` or `Unsupported` before anything is
    sent, otherwise a `SendError`, whose ``result`` tells what became of each recipient; and `ImproperlyConfigured`.
    There is no ``fail_silently``. A transaction cannot take a text back: send it with a ``key``.

    With a ``key`` the text goes into the outbox that ``SMS["OUTBOX"]`` turns on: inside ``transaction.atomic()`` it is there
    with your commit or not at all, and a worker sends it afterwards. It gives the `sms_core_outbox.Ticket`; ``purpose``,
    ``priority``, ``not_before`` and ``deadline`` are as in `sms_core_outbox.Outbox.put`, and so is what it raises.
    """
    if key is None:
        return get_client(using).send(message, to, **given)
    conf.account(using)  # raises for one that there is none of
    if conf.outbox() is None:
        raise ImproperlyConfigured("key= is for the outbox: write 'OUTBOX': True into SMS")
    put_sms = import_string(f"{OUTBOXES}.put_sms")  # its package may be absent, and it imports this module
    options = {name: given.pop(name) for name in ("purpose", "priority", "not_before", "deadline") if name in given}
    ticket: Ticket = put_sms(_as_message(message, to, given), key=key, using=using, **options)
    return ticket


def get_outbox() -> Outbox:
    """The outbox that ``SMS["OUTBOX"]`` turns on. It is shared: do not close it. Raises `ImproperlyConfigured`.

    Inside ``transaction.atomic()`` what its methods do is a part of the transaction; what sends is refused there.
    """
    outbox: Outbox = import_string(f"{OUTBOXES}.get_outbox")()
    return outbox


def _as_message(message: str | Message | Plan, to: Any, fields: dict[str, Any]) -> Message:
    if isinstance(message, str):
        return Message(message, to if to is not None else (), **fields)
    if isinstance(message, Message) and to is None and not fields:
        return message
    raise TypeError("with a key, give a text and the message's fields, or a Message and nothing else")


def close_clients() -> None:
    """Close the connections of this process; the next use of a client opens new ones."""
    with ExitStack() as closing:  # all of them, whatever one of them raises
        for client in _clients.take_all():
            closing.callback(client.close)


atexit.register(close_clients)


def _make(account: conf.AccountSettings) -> Client:
    try:
        backend: Backend = import_string(account.backend)
    except ImportError as error:
        raise ImproperlyConfigured(f"the backend {account.backend!r} of SMS[{account.alias!r}]: {error}") from error
    if not callable(backend):
        raise ImproperlyConfigured(f"the backend {account.backend!r} of SMS[{account.alias!r}] is no function")
    try:
        return backend(account.alias, account.dsn)
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"SMS[{account.alias!r}]['DSN']: {error}") from error
