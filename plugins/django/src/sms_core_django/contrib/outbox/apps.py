"""The app."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core import checks as django_checks
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class OutboxConfig(AppConfig):
    """An outbox in Django's database."""

    name = "sms_core_django.contrib.outbox"
    label = "sms_outbox"
    verbose_name = _("SMS outbox")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and note after each migration what version the tables are of."""
        from sms_core_django.contrib.outbox import checks  # noqa: PLC0415 - it wants the models, which are loaded by now

        for check, tag in checks.CHECKS.items():
            django_checks.register(check, tag)
        post_migrate.connect(_adopt, sender=self, dispatch_uid="sms_core_django.contrib.outbox")


def _adopt(using: str, **_: Any) -> None:
    from sms_core_django import conf  # noqa: PLC0415 - as above
    from sms_core_django.contrib.outbox.models import Fact  # noqa: PLC0415 - as above
    from sms_core_django.contrib.outbox.outboxes import get_outbox  # noqa: PLC0415 - as above

    given = conf.outbox()
    if given is not None and given.database == using and Fact._meta.db_table in _tables(using):
        get_outbox().adopt()


def _tables(using: str) -> list[str]:
    from django.db import connections  # noqa: PLC0415 - as above

    return connections[using].introspection.table_names()
