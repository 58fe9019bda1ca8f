"""The outbox that ``SMS["OUTBOX"]`` turns on: one for each process, which all threads share."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import attrs
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from sms_core import Client, ConfigurationError, Message
from sms_core_django import conf
from sms_core_django.clients import get_client
from sms_core_django.contrib.outbox.databases import DjangoDatabase
from sms_core_django.process import PerProcess
from sms_core_outbox import Alarm, Outbox, SeveralVendors, Ticket
from sms_core_outbox.vendors import SEPARATOR

log = logging.getLogger("sms_core.django")

_outboxes: PerProcess[Outbox] = PerProcess()


class Accounts(Mapping[str, str | Client]):
    """The accounts of ``SMS``: DSNs, and clients where the backend is not the usual one."""

    def __getitem__(self, alias: str) -> str | Client:
        if alias not in conf.aliases():  # rows may be of an account that is gone, or of a vendor of one
            raise KeyError(alias)
        account = conf.account(alias)
        return account.dsn if account.backend == conf.VENDOR else get_client(alias)

    def __iter__(self) -> Iterator[str]:
        return iter(conf.aliases())

    def __len__(self) -> int:
        return len(conf.aliases())


def all_carriers() -> tuple[str, ...]:
    """The accounts of ``SMS``; in the place of one of several vendors, each of its vendors, such as ``default/every8d``."""
    names: list[str] = []
    for alias, account in Accounts().items():
        several = account.clients if isinstance(account, SeveralVendors) else {}
        names += [f"{alias}{SEPARATOR}{vendor}" for vendor in several] or [alias]
    return tuple(names)


def get_outbox() -> Outbox:
    """The outbox in Django's database. It is shared: do not close it. Raises `ImproperlyConfigured`.

    Inside ``transaction.atomic()`` its methods are a part of the transaction; what sends is refused there.
    """
    given = conf.outbox()
    if given is None:
        raise ImproperlyConfigured("SMS has no 'OUTBOX': write 'OUTBOX': True into it")
    name = str(connections[given.database].settings_dict["NAME"])  # another one in tests
    return _outboxes.get((given.database, name), partial(_make, given))


def make_outbox(**options: Any) -> Outbox:
    """Another outbox on the same tables, with other ``options`` than the settings'; it is yours to close."""
    given = conf.outbox()
    if given is None:
        raise ImproperlyConfigured("SMS has no 'OUTBOX': write 'OUTBOX': True into it")
    return _make(attrs.evolve(given, **options))


def put_sms(message: Message, *, key: str, using: str, **options: Any) -> Ticket:
    """What `sms_core_django.send_sms` does with a ``key``."""
    outbox = get_outbox()
    ticket = outbox.put(message, key=key, account=using, **options)
    given = conf.outbox()
    assert given is not None  # there is an outbox
    transaction.on_commit(partial(_wake, outbox, given.wake, using), using=given.database)
    return ticket


def function_at(path: str) -> Any:
    """What a dotted path names; of an object in a module too, as ``shop.tasks.jobs.wake``. Raises `ImportError`."""
    owner, _, name = path.rpartition(".")
    try:
        return import_string(path)
    except ModuleNotFoundError as error:
        if error.name != owner:
            raise
    found = import_string(owner)
    if not hasattr(found, name):
        raise ImportError(f"{owner!r} has no {name!r}")
    return getattr(found, name)


def close_outboxes() -> None:
    """Close what this process has open; the next use opens it again."""
    for outbox in _outboxes.take_all():
        outbox.close()


atexit.register(close_outboxes)


def _wake(outbox: Outbox, path: str, alias: str) -> None:
    outbox.wake()
    if not path:
        return
    try:
        function_at(path)(alias)
    except Exception:  # the text is stored, and its caller has nothing to do with a broker that is out of reach
        log.exception("SMS['OUTBOX']['WAKE'] failed for %r; workers find the text by themselves", alias)


def _tell(path: str, alarm: Alarm) -> None:
    """Found as late as this, since its module may ask for the outbox while it is imported."""
    function_at(path)(alarm)


def _make(given: conf.OutboxSettings) -> Outbox:
    try:
        return Outbox(
            DjangoDatabase(given.database),
            accounts=Accounts(),
            hash_key=given.hash_key or _key_of_tests(),
            on_alarm=partial(_tell, given.on_alarm) if given.on_alarm else None,
            concurrency=given.concurrency,
            rates=given.rates,
            state=given.state,
            pretenders=[
                alias for alias in conf.aliases() if conf.account(alias).backend in (conf.CONSOLE, conf.LOCMEM)
            ],
        )
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"SMS['OUTBOX']: {error}") from error


def _key_of_tests() -> str | None:
    """A key for databases that live as long as a test run; elsewhere the environment or the file beside SQLite has it."""
    if not conf.in_test_environment():
        return None
    salt = "sms_core_django.contrib.outbox"
    return salted_hmac(salt, "hash key", secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
