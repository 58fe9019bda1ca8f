# mypy: disable-error-code="assignment, misc, no-any-return, override, union-attr"
# pyright: reportAssignmentType=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# Django's classes are typed by a package of stubs that is stricter than Django; the tests read each page and table.
"""Which accounts send, which pause, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sms_core.masking import mask_numbers
from sms_core_django import conf
from sms_core_django.contrib.outbox.admin.pages import ReadOnly
from sms_core_django.contrib.outbox.models import Account, moment
from sms_core_django.contrib.outbox.outboxes import all_carriers, get_outbox
from sms_core_outbox.routes import FOR_EVER


class ReasonForm(forms.Form):
    """Why an account pauses."""

    because = forms.CharField(label=_("Because"), max_length=500, help_text=_("For others to see."))


@admin.register(Account)
class AccountAdmin(ReadOnly):
    """Accounts, and of an account of several vendors each of them: which pauses, and why; which rests."""

    list_display = ("name", "is_paused", "paused_by", "reason", "since", "rests")
    fields = readonly_fields = list_display
    actions = ("pause", "resume")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Each account of ``SMS`` has a row here, from its first sight on."""
        queryset = super().get_queryset(request)
        known = {*queryset.values_list("name", flat=True)}
        missing = [Account(name=name) for name in all_carriers() if name not in known]
        if missing and conf.outbox() is not None:
            queryset.bulk_create(missing, ignore_conflicts=True)
        return queryset

    @admin.display(description=_("sends"), boolean=True)
    def is_paused(self, account: Account) -> bool:
        """Whether it sends."""
        return account.paused_at is None

    @admin.display(description=_("because"))
    def reason(self, account: Account) -> str:
        """Why it pauses, without a number."""
        return mask_numbers(account.because or "")

    @admin.display(description=_("since"))
    def since(self, account: Account) -> datetime | None:
        """Since when."""
        return moment(account.paused_at)

    @admin.display(description=_("rests until"))
    def rests(self, account: Account) -> datetime | None:
        """Until when a vendor that could not be reached is left alone; one that pauses is so until it is resumed."""
        return None if account.rests_until == FOR_EVER else moment(account.rests_until)

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Who may pause and resume."""
        return request.user.has_perm("sms_outbox.pause_account")

    @admin.action(description=_("Pause…"), permissions=["pause"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask for a reason, and send nothing more of these accounts."""
        form = ReasonForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            text = gettext("Nothing more of these accounts is sent, on all machines, until they are resumed: %(names)s")
            names = ", ".join(account.name for account in queryset)
            return self.confirm(request, gettext("Pause?"), text % {"names": names}, "pause", queryset, form)
        because, by = form.cleaned_data["because"], request.user.get_username()
        for account in queryset:
            if self.tell(request, lambda name=account.name: _paused(name, because, by)):
                self.log_change(request, account, "pause")
        return None

    @admin.action(description=_("Resume"), permissions=["pause"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Let them go on."""
        for account in queryset:
            if self.tell(request, lambda name=account.name: _resumed(name)):
                self.log_change(request, account, "resume")


def _paused(account: str, because: str, by: str) -> str:
    get_outbox().pause(account, because=because, by=by)
    return gettext("%(account)s pauses.") % {"account": account}


def _resumed(account: str) -> str:
    get_outbox().resume(account)
    return gettext("%(account)s goes on.") % {"account": account}
