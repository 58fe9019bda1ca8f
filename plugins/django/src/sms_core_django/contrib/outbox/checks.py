"""What ``manage.py check`` says of the outbox: its settings always, its state with ``--database`` alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning  # noqa: A004 - Django's word
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from sms_core import SmsError
from sms_core_django import conf
from sms_core_django.contrib.outbox.models import Row
from sms_core_django.contrib.outbox.outboxes import function_at, get_outbox

_ALARMS = {
    "no_worker": ("sms.W008", "Start one: manage.py sms_outbox run."),
    "unknown": ("sms.W009", "manage.py sms_outbox settle asks the vendor; the admin's action resolves what stays."),
    "paused": ("sms.W010", "Mend the reason, and resume the account in the admin."),
}


def check_settings(app_configs: object = None, **_: Any) -> list[CheckMessage]:
    """E004: an outbox that cannot be used as it is set."""
    del app_configs
    try:
        given = conf.outbox()
        if given is not None:
            get_outbox()
        for path in (given.wake, given.on_alarm) if given is not None else ():
            if path:
                function_at(path)
    except (ImproperlyConfigured, ImportError) as error:
        if not _has_accounts():
            return []  # E001 says it
        hint = "SMS = {'default': {…}, 'OUTBOX': True}; the page docs/django.md tells of its options."
        return [Error(str(error), hint=hint, id="sms.E004")]
    return []


def check_state(app_configs: object = None, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W008: no worker. W009: rows that are unknown for long. W010: an account that pauses. W011: it cannot be read."""
    del app_configs
    if not _has_accounts() or check_settings():
        return []
    given = conf.outbox()
    if given is None or given.database not in (databases or ()) or conf.in_test_environment():
        return []
    connection = connections[given.database]
    if Row._meta.db_table not in connection.introspection.table_names():
        return []  # `migrate` makes them, and runs this before
    try:
        alarms = get_outbox().alarms()
    except SmsError as error:
        return [Warning(f"The outbox cannot be read: {error}", hint="manage.py migrate", id="sms.W011")]
    found: list[CheckMessage] = []
    for alarm in alarms:
        identity, hint = _ALARMS[alarm.kind]
        found.append(Warning(f"{alarm.text[:1].upper()}{alarm.text[1:]}.", hint=hint, id=identity))
    return found


def _has_accounts() -> bool:
    try:
        return bool(conf.aliases())
    except ImproperlyConfigured:
        return False


CHECKS: dict[Callable[..., list[CheckMessage]], str] = {check_settings: "sms", check_state: Tags.database}
"""Every check and its tag."""
