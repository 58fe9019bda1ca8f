"""The settings as checked values. A mistake is an `ImproperlyConfigured` that names the setting and shows no secret."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any

from attrs import field, frozen
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from sms_core.errors import ConfigurationError
from sms_core.webhooks.guard import Guard

VENDOR = "sms_core_django.backends.vendor"
CONSOLE = "sms_core_django.backends.console"
LOCMEM = "sms_core_django.backends.locmem"
STORE = "sms_core_django.events.DatabaseEvents"

NAMES = (
    "SMS",
    "SMS_BACKEND",
    "SMS_WEBHOOK_INSECURE",
    "SMS_WEBHOOK_NETWORKS",
    "SMS_WEBHOOK_SECRETS",
    "SMS_WEBHOOK_STORE",
    "SMS_WEBHOOK_TRUSTED_PROXIES",
)
"""Every setting."""

EXAMPLE = "SMS = {'default': {'DSN': 'every8d://user:password@'}}"
"""The least there is to write."""
_KEYS = ("DSN", "BACKEND")
OUTBOX = "OUTBOX"
"""The key of ``SMS`` that is no account."""
OUTBOX_KEYS = ("CONCURRENCY", "DATABASE", "HASH_KEY", "ON_ALARM", "RATES", "STATE", "WAKE")


@frozen
class AccountSettings:
    """One entry of ``SMS``. ``dsn`` is "" where there is none; ``backend`` is a dotted path."""

    alias: str
    dsn: str = field(repr=False)
    backend: str


@frozen
class OutboxSettings:
    """``SMS["OUTBOX"]``, as `sms_core_outbox.Outbox` takes it; ``on_alarm`` and ``wake`` are dotted paths or ""."""

    database: str
    hash_key: str | None = field(repr=False)
    state: str | None
    concurrency: int
    rates: Mapping[str, Any]
    on_alarm: str
    wake: str


@frozen
class WebhookSettings:
    """What protects the webhooks, as `sms_core.webhooks.Receiver` takes it; ``store`` is a dotted path."""

    secrets: str | tuple[str, ...] = field(repr=False)
    insecure: bool
    networks: str | tuple[str, ...]
    trusted_proxies: int
    store: str


def aliases() -> tuple[str, ...]:
    """The names in ``SMS``. Raises `ImproperlyConfigured`."""
    return tuple(alias for alias in _accounts() if alias != OUTBOX)


def outbox() -> OutboxSettings | None:
    """The entry ``OUTBOX`` of ``SMS``; None where it is off. Raises `ImproperlyConfigured`."""
    given = _accounts().get(OUTBOX, False)
    if given is False:
        return None
    options = _of_type({} if given is True else given, Mapping, "SMS['OUTBOX']", "True, or a dictionary of options")
    for key in options:
        if key not in OUTBOX_KEYS:
            close = difflib.get_close_matches(str(key).upper(), OUTBOX_KEYS, 1)
            raise ImproperlyConfigured(f"SMS['OUTBOX'] has the key {key!r}: {_hint(close, OUTBOX_KEYS)}")

    def option(name: str, default: object, kind: type | UnionType, what: str) -> Any:
        return _of_type(options.get(name, default), kind, f"SMS['OUTBOX'][{name!r}]", what)

    state = option("STATE", None, str | Path | None, "a folder of this machine")
    return OutboxSettings(
        database=option("DATABASE", "default", str, "an alias of DATABASES"),
        hash_key=option("HASH_KEY", None, str | None, "a secret text"),
        state=None if state is None else str(state),
        concurrency=option("CONCURRENCY", 8, int, "a number of requests side by side"),
        rates=option("RATES", {}, Mapping, "a dictionary from accounts to sms_core_outbox.Rate"),
        on_alarm=option("ON_ALARM", "", str, "a dotted path to a function of an alarm"),
        wake=option("WAKE", "", str, "a dotted path to a function of an account's alias"),
    )


def account(alias: str) -> AccountSettings:
    """The entry of this name in ``SMS``. Raises `ImproperlyConfigured`."""
    accounts = _accounts()
    if alias not in accounts or alias == OUTBOX:
        there = ", ".join(map(repr, aliases())) or f"none; write {EXAMPLE}"
        raise ImproperlyConfigured(f"SMS has no {alias!r}: there is {there}")
    entry = accounts[alias]
    if not isinstance(entry, Mapping):
        raise ImproperlyConfigured(f"SMS[{alias!r}] is a dictionary, as in {EXAMPLE}")
    for key in entry:
        if key not in _KEYS:
            close = difflib.get_close_matches(str(key).upper(), _KEYS, 1)
            raise ImproperlyConfigured(f"SMS[{alias!r}] has the key {key!r}: {_hint(close, _KEYS)}")
    dsn = _of_type(entry.get("DSN", ""), str, f"SMS[{alias!r}]['DSN']", "a DSN")
    backend = entry.get("BACKEND") or getattr(settings, "SMS_BACKEND", None) or _usual_backend()
    return AccountSettings(alias, dsn, _of_type(backend, str, "SMS_BACKEND", f"a dotted path such as {CONSOLE!r}"))


def webhooks() -> WebhookSettings:
    """The settings ``SMS_WEBHOOK_…``. Raises `ImproperlyConfigured`; an unprotected set-up is none of its mistakes."""
    given = WebhookSettings(
        secrets=_texts("SMS_WEBHOOK_SECRETS"),
        insecure=_setting("SMS_WEBHOOK_INSECURE", False, bool, "True or False"),
        networks=_texts("SMS_WEBHOOK_NETWORKS"),
        trusted_proxies=_setting("SMS_WEBHOOK_TRUSTED_PROXIES", 0, int, "a number of proxies"),
        store=_setting("SMS_WEBHOOK_STORE", STORE, str, f"a dotted path such as {STORE!r}"),
    )
    for name in ("secrets", "networks", "trusted_proxies"):
        try:
            Guard(**{name: getattr(given, name)})
        except ConfigurationError as error:
            raise ImproperlyConfigured(f"SMS_WEBHOOK_{name.upper()}: {error}") from error
    if given.insecure and given.secrets:
        raise ImproperlyConfigured("SMS_WEBHOOK_INSECURE and SMS_WEBHOOK_SECRETS are a contradiction: give one of them")
    return given


def misspelt() -> Mapping[str, str]:
    """Settings that look like ours and are none, each with what to do about it."""
    strangers = (name for name in dir(settings) if name.startswith(("SMS_WEBHOOK", "SMS_BACK")) and name not in NAMES)
    return {name: _hint(difflib.get_close_matches(name, NAMES, 1), NAMES) for name in strangers}


def in_test_environment() -> bool:
    """Whether Django's `setup_test_environment` is in force, with its own runner or with pytest-django."""
    utils = sys.modules.get("django.test.utils")  # where nobody imported it, nobody called it
    return hasattr(getattr(utils, "_TestState", None), "saved_data")


def _accounts() -> Mapping[str, object]:
    accounts: Mapping[str, object] = _setting("SMS", {}, Mapping, f"a dictionary, as in {EXAMPLE}")
    for alias in accounts:
        _of_type(alias, str, "a name in SMS", "text")
    return accounts


def _usual_backend() -> str:
    """In tests nothing is sent, as it is with Django's e-mails."""
    return LOCMEM if in_test_environment() else VENDOR


def _setting(name: str, default: object, kind: type, what: str) -> Any:
    return _of_type(getattr(settings, name, default), kind, name, what)


def _texts(name: str) -> str | tuple[str, ...]:
    value = getattr(settings, name, ())
    if isinstance(value, str):
        return value
    values = tuple(_of_type(value, list | tuple | set | frozenset, name, "text or a list of texts"))
    return tuple(_of_type(text, str, name, "a list of texts") for text in values)


def _of_type(value: Any, kind: Any, name: str, what: str) -> Any:
    """The value, if it is of this type. The error does not repeat it, for it may be a secret in the wrong place."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ImproperlyConfigured(f"{name} is {what}, not a value of the type {type(value).__name__}")
    return value


def _hint(close: list[str], known: tuple[str, ...]) -> str:
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
