"""The outbox in Django's admin: searched, filtered and read; and what a person may decide.

Nothing is added, changed or deleted as a form would. What may have been sent is not sent again from here. Whole phone
numbers and texts are personal data: each is for those who have the permission.
"""

from __future__ import annotations

from sms_core_django.contrib.outbox.admin.accounts import AccountAdmin
from sms_core_django.contrib.outbox.admin.rows import RowAdmin
from sms_core_django.contrib.outbox.admin.workers import WorkerAdmin

__all__ = ["AccountAdmin", "RowAdmin", "WorkerAdmin"]
