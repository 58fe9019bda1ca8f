"""The receivers behind the webhooks, one for each account whose vendor pushes."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from sms_core import Capability, Client, ConfigurationError, DeliveryReport
from sms_core.webhooks import Event, EventStore, Receiver
from sms_core_django import conf
from sms_core_django.clients import get_client, get_outbox
from sms_core_django.process import PerProcess
from sms_core_django.signals import delivery_reported, message_received

log = logging.getLogger("sms_core.django")

_receivers: PerProcess[Mapping[str, Receiver]] = PerProcess()


def receiver_for(path: str) -> Receiver:
    """The receiver of the account that a path names, which has yet to check it. Raises `ImproperlyConfigured`."""
    receivers = _receivers.get("all", make_receivers)
    name = path.split("/")[1]
    # A name that is unknown goes to any of them: each refuses it, in the same words and time as a wrong secret.
    return receivers.get(name, next(iter(receivers.values())))


def make_receivers() -> Mapping[str, Receiver]:
    """New receivers by alias, over one store. Raises `ImproperlyConfigured`."""
    given = conf.webhooks()
    if not given.secrets and not given.insecure:
        raise ImproperlyConfigured("SMS_WEBHOOK_SECRETS is empty, and without a secret anybody can push")
    clients = {alias: get_client(alias) for alias in conf.aliases()}
    clients = {alias: client for alias, client in clients.items() if pushes(client)}
    if not clients:
        raise ImproperlyConfigured("SMS has no account whose vendor pushes anything")
    store = _store(given.store)
    return {alias: _receiver(alias, client, given, store) for alias, client in clients.items()}


def forget_receivers() -> None:
    """Make new receivers for the next push."""
    _receivers.take_all()


def pushes(client: Client) -> bool:
    """Whether a vendor pushes anything."""
    return client.info.can(Capability.PUSHED_REPORTS) or client.info.can(Capability.PUSHED_INBOUND)


def _receiver(alias: str, client: Client, given: conf.WebhookSettings, store: EventStore) -> Receiver:
    try:
        return Receiver(
            {alias: client},
            functools.partial(_announce, alias),
            secrets=given.secrets,
            insecure=given.insecure,
            networks=given.networks,
            trusted_proxies=given.trusted_proxies,
            store=store,
        )
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"SMS[{alias!r}]: {error}") from error


def _announce(alias: str, event: Event) -> None:
    """Tell the outbox, if there is one, and then the signals' receivers, all in the transaction of the event."""
    recorded = conf.outbox() is not None
    if recorded:
        get_outbox().recorder(alias)(event)
    name, signal = "message", message_received
    if isinstance(event, DeliveryReport):
        name, signal = "report", delivery_reported
    if not signal.has_listeners(type(event)) and not (recorded and isinstance(event, DeliveryReport)):
        log.info("%s: nobody listens, so %s %s is acknowledged and forgotten", alias, name, event.key)
    signal.send(type(event), alias=alias, **{name: event})


def _store(path: str) -> EventStore:
    try:
        store = import_string(path)()
    except ImportError as error:
        raise ImproperlyConfigured(f"SMS_WEBHOOK_STORE: {error}") from error
    if not callable(getattr(store, "claim", None)):
        raise ImproperlyConfigured(f"SMS_WEBHOOK_STORE: {path!r} makes no sms_core.webhooks.EventStore")
    made: EventStore = store
    return made
