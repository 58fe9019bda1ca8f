"""`send_sms`, and the clients behind it: one for each account and process, which all threads share."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from sms_core import Client, ConfigurationError, Media, Message, Plan, Recipient, SendResult, VendorOptions
from sms_core_django import conf
from sms_core_django.process import PerProcess

Backend = Callable[[str, str], Client]
"""Makes the client of an account from its alias and its DSN ("" where ``SMS`` has none for it)."""

_clients: PerProcess[Client] = PerProcess()


def get_client(alias: str = "default") -> Client:
    """The client of an account in ``SMS``, for all that is not sending. It is shared: do not close it.

    Raises `ImproperlyConfigured`.
    """
    account = conf.account(alias)
    return _clients.get(account, lambda: _make(account))


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
) -> SendResult:
    """Send a text, a `Message` or a `Plan` through the account ``using``; the rest is as in `sms_core.Client.send`.

    Returns only if the vendor accepted every recipient. Raises `InvalidMessage` or `Unsupported` before anything is
    sent, otherwise a `SendError`, whose ``result`` tells what became of each recipient; and `ImproperlyConfigured`.
    There is no ``fail_silently``. A transaction cannot take a text back: send it ``on_commit``.
    """
    return get_client(using).send(
        message,
        to,
        subject=subject,
        send_at=send_at,
        validity=validity,
        media=media,
        reference=reference,
        options=options,
    )


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
