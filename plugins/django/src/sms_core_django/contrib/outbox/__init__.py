"""An outbox in Django's own database: its tables, its admin, its checks and what an operator watches.

``INSTALLED_APPS = [..., "sms_core_django", "sms_core_django.contrib.outbox"]`` and ``SMS = {..., "OUTBOX": True}``.
"""
