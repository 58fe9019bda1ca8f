# mypy: disable-error-code="assignment, misc, no-any-return, override, union-attr"
# pyright: reportAssignmentType=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# Django's classes are typed by a package of stubs that is stricter than Django; the tests read each page and table.
"""Who sends, and when each was last seen."""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from sms_core_django.contrib.outbox.admin.pages import ReadOnly
from sms_core_django.contrib.outbox.models import Worker, moment


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    """Who sends, and when each was last seen."""

    list_display = ("name", "host", "pid", "seen", "ended")
    fields = readonly_fields = list_display
    ordering = ("-seen_at",)

    @admin.display(description=_("last seen"))
    def seen(self, worker: Worker) -> datetime | None:
        """When it last said that it lives."""
        return moment(worker.seen_at)

    @admin.display(description=_("ended"))
    def ended(self, worker: Worker) -> datetime | None:
        """When it said that it ends."""
        return moment(worker.ended_at)
