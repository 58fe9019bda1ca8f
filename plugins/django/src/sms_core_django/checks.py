"""What ``manage.py check`` says of the settings: mistakes (``sms.E…``) and doubtful set-ups (``sms.W…``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning  # noqa: A004 - Django's word
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from sms_core import Client, dsn
from sms_core_django import conf, webhooks
from sms_core_django.clients import get_client
from sms_core_django.views import receive

_NEW_SECRET = "'sms webhook-url' makes a secret and the URL for the vendor"  # noqa: S105 - none itself
_PAGE = "The page docs/django.md tells what each setting is."
_HTTPS = "Leave out scheme=http; if the vendor has no HTTPS, put a proxy that has it in between."


def check_accounts(app_configs: object = None, **_: Any) -> list[CheckMessage]:
    """E001: an account that does not work. W006: a setting that is misspelt."""
    del app_configs
    found: list[CheckMessage] = [Error(str(error), hint=conf.EXAMPLE, id="sms.E001") for error in _broken_accounts()]
    for name, hint in conf.misspelt().items():
        found.append(Warning(f"{name} is no setting of sms_core_django.", hint=hint, id="sms.W006"))
    return found


def check_webhooks(app_configs: object = None, **_: Any) -> list[CheckMessage]:
    """E002: settings that keep every push out. E003: no database to remember events in."""
    del app_configs
    try:
        given = conf.webhooks()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=_NEW_SECRET if "SECRETS" in str(error) else _PAGE, id="sms.E002")]
    if not urls_are_included() or not (given.secrets or given.insecure):
        return []
    if given.store == conf.STORE and not _has_database():
        hint = "SMS_WEBHOOK_STORE = 'sms_core.webhooks.MemoryEvents' forgets them with the process."
        return [Error("There is no database to remember in which events were handled.", hint=hint, id="sms.E003")]
    if _broken_accounts():
        return []  # check_accounts says it
    wrong = _error_of(webhooks.make_receivers)
    if wrong is None:
        return []
    return [Error(f"No push is taken: {wrong}", hint=_PAGE, id="sms.E002")]


def check_protection(app_configs: object = None, **_: Any) -> list[CheckMessage]:
    """W001 and W002: webhooks without a secret. W003: plain HTTP to a vendor. W005: error reports that show a DSN."""
    del app_configs
    return [*_unprotected_webhooks(), *_plain_accounts(), *_shown_dsns()]


def check_transport(app_configs: object = None, **_: Any) -> list[CheckMessage]:
    """W007, with ``--deploy``: webhooks whose secret anybody on the way may read."""
    del app_configs
    if settings.SECURE_SSL_REDIRECT or not urls_are_included():
        return []
    hint = "SECURE_SSL_REDIRECT = True, or silence this where the server in front takes HTTPS alone."
    return [
        Warning("The SMS webhooks take plain HTTP too, which shows their secret to the network.", hint, id="sms.W007")
    ]


def check_backends(app_configs: object = None, **_: Any) -> list[CheckMessage]:
    """W004: a live site whose texts reach nobody."""
    del app_configs
    if settings.DEBUG or conf.in_test_environment():
        return []
    hint = f"Take it out of the settings of the live site, or name {conf.VENDOR!r}."
    found: list[CheckMessage] = []
    for account in _accounts():
        if account.backend in {conf.CONSOLE, conf.LOCMEM}:
            said = f"has the backend {account.backend!r} with DEBUG = False: its texts reach nobody."
            found.append(Warning(f"{_path(account.alias)} {said}", hint, id="sms.W004"))
    return found


CHECKS: dict[Callable[..., list[CheckMessage]], str] = {
    check_accounts: "sms",
    check_webhooks: "sms",
    check_protection: Tags.security,
    check_backends: "sms",
}
"""Every check and its tag."""
DEPLOYMENT_CHECKS: dict[Callable[..., list[CheckMessage]], str] = {check_transport: Tags.security}
"""Those of ``manage.py check --deploy`` alone: a developer's own machine speaks plain HTTP."""


def urls_are_included() -> bool:
    """Whether the project's URLs lead to the webhooks."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return False
    return any(pattern.callback is receive for pattern in _patterns(get_resolver().url_patterns))


def _patterns(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns)
        else:
            yield pattern


def _unprotected_webhooks() -> Iterator[CheckMessage]:
    given = _result_of(conf.webhooks)
    if given is None or given.secrets or not urls_are_included():
        return
    if given.insecure:
        hint = f"Set SMS_WEBHOOK_SECRETS, and SMS_WEBHOOK_NETWORKS if you know them: {_NEW_SECRET}."
        yield Warning("SMS_WEBHOOK_INSECURE lets anybody report and write in your vendor's name.", hint, id="sms.W002")
    else:
        hint = f"Set SMS_WEBHOOK_SECRETS: {_NEW_SECRET}."
        yield Warning("The SMS webhooks are included without a secret, so every push is refused.", hint, id="sms.W001")


def _plain_accounts() -> Iterator[CheckMessage]:
    for account in _accounts():
        client = _result_of(get_client, account.alias)
        host = _plain_host(client, account.dsn) if client and account.dsn else ""
        if host:
            said = f"{_path(account.alias)} shows password, numbers and texts to the network: plain HTTP to {host}."
            yield Warning(said, _HTTPS, id="sms.W003")


def _plain_host(client: Client, text: str) -> str:
    """The host that a DSN speaks plain HTTP to, "" if that is this machine or there is none."""
    parsed = dsn.parse(text)
    scheme = parsed.options.get("scheme") or client.info.default_scheme
    host = parsed.host or client.info.default_host
    return host if scheme == "http" and not dsn.is_loopback(host) else ""


def _shown_dsns() -> Iterator[CheckMessage]:
    shown = import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)().get_safe_settings().get("SMS", {})
    for account in _accounts():
        if account.dsn and dsn.parse(account.dsn).password and repr(account.dsn) in repr(shown):
            said = f"{_path(account.alias)} with its password would stand in Django's error pages and e-mails."
            hint = "DEFAULT_EXCEPTION_REPORTER_FILTER = 'sms_core_django.reporting.HideDsns'"
            yield Warning(said, hint, id="sms.W005")


def _broken_accounts() -> list[ImproperlyConfigured]:
    wrong = _error_of(conf.aliases)
    if wrong is not None:
        return [wrong]
    errors = [_error_of(get_client, alias) for alias in conf.aliases()]
    return [error for error in errors if error is not None]


def _accounts() -> list[conf.AccountSettings]:
    """The accounts that work; what is wrong with the others is `check_accounts`'s to say."""
    aliases = _result_of(conf.aliases) or ()
    return [conf.account(alias) for alias in aliases if _error_of(get_client, alias) is None]


def _has_database() -> bool:
    engine = settings.DATABASES.get("default", {}).get("ENGINE", "")
    return bool(engine) and engine != "django.db.backends.dummy"


def _path(alias: str) -> str:
    return f"SMS[{alias!r}]"


def _error_of(function: Callable[..., object], *arguments: object) -> ImproperlyConfigured | None:
    try:
        function(*arguments)
    except ImproperlyConfigured as error:
        return error
    return None


def _result_of(function: Callable[..., Any], *arguments: object) -> Any:
    """What a function gives, None if the settings are wrong, which another check says."""
    try:
        return function(*arguments)
    except ImproperlyConfigured:
        return None
