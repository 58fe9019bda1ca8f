"""SMS for Django: ``INSTALLED_APPS = [..., "sms_core_django"]`` and ``SMS = {"default": {"DSN": "every8d://…"}}``.

::

    from sms_core_django import send_sms

    send_sms("【互動資通】您的驗證碼是 123456", "0900000001")

What vendors push comes in through ``path("sms/", include("sms_core_django.urls"))`` and goes out as the signals
`delivery_reported` and `message_received`.
"""

from typing import TYPE_CHECKING

from sms_core_django.clients import get_client, get_outbox, send_sms
from sms_core_django.signals import delivery_reported, message_received

if TYPE_CHECKING:
    from sms_core_django.testing import SentSms

    outbox: list[SentSms]
    """What the locmem backend has sent in this test."""
else:

    def __getattr__(name: str) -> object:
        """`outbox`, emptied if another test has begun."""
        if name != "outbox":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from sms_core_django import testing  # noqa: PLC0415 - for tests only

        return testing.current_outbox()


__all__ = ["delivery_reported", "get_client", "get_outbox", "message_received", "outbox", "send_sms"]
