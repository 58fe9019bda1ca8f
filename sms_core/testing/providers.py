"""A provider that is at hand, installed or not: its client, its bound hooks, its description."""

from __future__ import annotations

from collections.abc import Sequence

from sms_core import client
from sms_core._engine import discovery, registry
from sms_core.client import connect_provider
from sms_core.provider.info import ProviderInfo
from sms_core.provider.provider import Provider

__all__ = ["bind_provider", "connect_provider", "describe_provider", "load_provider"]


def bind_provider(provider: object, dsn: str, plugins: Sequence[object] = ()) -> Provider:
    """A provider, as a module or an object with hooks, bound to the account that a DSN names.

    ``plugins`` are middleware. Raises `ConfigurationError`.
    """
    bound, _ = client.bind_provider(provider, dsn, plugins)
    return bound


def load_provider(name: str) -> object:
    """The plugin of an installed provider, by its name. Raises `ConfigurationError`."""
    return discovery.load(name)


def describe_provider(provider: object, name: str) -> ProviderInfo:
    """What a provider says of itself, once its hooks have been checked.

    Raises `ConfigurationError` for a hook that is missing, doubled, misspelt or not marked, and for a description
    that is none or has another name.
    """
    return registry.describe(name, registry.bind_hooks(name, provider))
