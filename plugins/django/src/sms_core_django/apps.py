"""The app."""

from __future__ import annotations

import sys
from typing import Any

from django.apps import AppConfig
from django.core import checks as django_checks
from django.core.signals import setting_changed


class SmsConfig(AppConfig):
    """SMS through the vendors that the setting ``SMS`` names."""

    name = "sms_core_django"
    verbose_name = "SMS"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and follow changed settings."""
        from sms_core_django import checks  # noqa: PLC0415 - the URLs in it want the models, which are loaded by now

        for check, tag in checks.CHECKS.items():
            django_checks.register(check, tag)
        for check, tag in checks.DEPLOYMENT_CHECKS.items():
            django_checks.register(check, tag, deploy=True)
        setting_changed.connect(_follow, dispatch_uid="sms_core_django")


def _follow(*, setting: str, **_: Any) -> None:
    from sms_core_django.clients import close_clients  # noqa: PLC0415 - as above
    from sms_core_django.webhooks import forget_receivers  # noqa: PLC0415 - as above

    if setting.startswith("SMS"):
        if "sms_core_django.contrib.outbox.outboxes" in sys.modules:  # where nobody imported it, nothing is open
            sys.modules["sms_core_django.contrib.outbox.outboxes"].close_outboxes()
        forget_receivers()
        close_clients()
