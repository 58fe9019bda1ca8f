"""The receivers behind the webhooks, one for each account whose vendor pushes."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Mapping

from attrs import frozen
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
    """New receivers by the name in their address, over one store. Raises `ImproperlyConfigured`."""
    given = conf.webhooks()
    if not given.secrets and not given.insecure:
        raise ImproperlyConfigured("SMS_WEBHOOK_SECRETS is empty, and without a secret anybody can push")
    places = [place for place in _places() if pushes(place.client)]
    if not places:
        raise ImproperlyConfigured("SMS has no account whose vendor pushes anything")
    store = _store(given.store)
    return {place.name: _receiver(place, given, store) for place in places}


def forget_receivers() -> None:
    """Make new receivers for the next push."""
    _receivers.take_all()


def pushes(client: Client) -> bool:
    """Whether a vendor pushes anything."""
    return client.info.can(Capability.PUSHED_REPORTS) or client.info.can(Capability.PUSHED_INBOUND)


@frozen
class _Place:
    """Where a vendor pushes to: the name in the address, the alias, and the account as the outbox knows it."""

    name: str
    alias: str
    account: str
    client: Client


def _places() -> Iterator[_Place]:
    """One for each alias; of a client that stands for several vendors (`sms_core_policy.failover`), one for each of them."""
    for alias in conf.aliases():
        client = get_client(alias)
        vendors = getattr(client, "clients", None)
        if vendors is None:
            yield _Place(alias, alias, alias, client)
            continue
        for vendor, its_client in vendors.items():
            yield _Place(f"{alias}.{vendor}", alias, f"{alias}/{vendor}", its_client)


def _receiver(place: _Place, given: conf.WebhookSettings, store: EventStore) -> Receiver:
    try:
        return Receiver(
            {place.name: place.client},
            functools.partial(_announce, place.alias, place.account),
            secrets=given.secrets,
            insecure=given.insecure,
            networks=given.networks,
            trusted_proxies=given.trusted_proxies,
            store=store,
        )
    except ConfigurationError as error:
        raise ImproperlyConfigured(f"SMS[{place.alias!r}]: {error}") from error


def _announce(alias: str, account: str, event: Event) -> None:
    """Tell the outbox, if there is one, and then the signals' receivers, all in the transaction of the event."""
    recorded = conf.outbox() is not None
    if recorded:
        get_outbox().recorder(account)(event)
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
