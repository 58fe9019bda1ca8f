# mypy: disable-error-code="assignment, misc, no-any-return, override, union-attr"
# pyright: reportAssignmentType=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# Django's classes are typed by a package of stubs that is stricter than Django; the tests read each page and table.
"""Text messages, one a recipient: to search, to read, and to decide about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sms_core import SmsError
from sms_core.masking import mask, mask_numbers
from sms_core.serialize import from_json
from sms_core_django.contrib.outbox.admin.pages import ReadOnly
from sms_core_django.contrib.outbox.admin.reports import carriers, reports_of
from sms_core_django.contrib.outbox.models import STATES, Change, Row, moment
from sms_core_django.contrib.outbox.outboxes import get_outbox
from sms_core_outbox import State

VIEW_NUMBER = "sms_outbox.view_number"
VIEW_TEXT = "sms_outbox.view_text"
RECENT = 10_000
"""Of how many rows the lanes are offered: to find all of them, the database would read the whole table."""


class LaneFilter(admin.SimpleListFilter):
    """By purpose and priority."""

    title = _("lane")
    parameter_name = "lane"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Those of the latest rows."""
        recent = model_admin.get_queryset(request).order_by("-id").values("purpose", "put__priority")[:RECENT]
        lanes = sorted({(found["purpose"], found["put__priority"]) for found in recent})
        return [(f"{priority}:{purpose}", f"{purpose or '–'} ({priority})") for purpose, priority in lanes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of one lane."""
        del request
        priority, colon, purpose = (self.value() or "").partition(":")
        if not colon or not priority.removeprefix("-").isdecimal():
            return queryset
        return queryset.filter(purpose=purpose, put__priority=int(priority))


class History(admin.TabularInline):  # type: ignore[type-arg]
    """What became of a row, in order."""

    model = Change
    extra = 0
    can_delete = False
    ordering = ("at", "id")
    fields = readonly_fields = ("when", "state", "batch_id", "by", "reason")

    @admin.display(description=_("when"))
    def when(self, change: Change) -> datetime | None:
        """Its time."""
        return moment(change.at)

    @admin.display(description=_("why"))
    def reason(self, change: Change) -> str:
        """Why, without a number: a vendor's or a person's words may hold one."""
        return mask_numbers(change.why)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Nobody."""
        del request
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def has_view_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Who may see the row."""
        return request.user.has_perm("sms_outbox.view_row")


class DecisionForm(forms.Form):
    """What a person says of unknown texts."""

    outcome = forms.ChoiceField(
        label=_("What became of it"),
        choices=[(state.value, STATES[state]) for state in (State.ACCEPTED, State.REFUSED, State.NOT_SENT)],
    )
    because = forms.CharField(
        label=_("Because"), max_length=500, help_text=_("Where you have seen it. It goes into the history.")
    )


@admin.register(Row)
class RowAdmin(ReadOnly):
    """Text messages, one a recipient."""

    change_form_template = "sms_outbox/row.html"
    list_display = (
        "id",
        "shown_number",
        "key",
        "account",
        "lane",
        "state",
        "status",
        "batch_id",
        "attempts",
        "changed",
    )
    list_filter = ("state", LaneFilter, "status", "account", "is_double")
    list_select_related = ("put",)
    ordering = ("-id",)
    search_fields = ("put__key",)
    search_help_text = _("A phone number, a key, or a batch; whole.")
    inlines = (History,)
    actions = ("settle", "resolve", "cancel")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The text for those who may see it."""
        del obj  # all rows have the same
        fields = ["id", "shown_number"]
        if request.user.has_perm(VIEW_TEXT):
            fields.append("shown_text")
        fields += ("key", "account", "vendors", "lane", "reference", "state", "status", "batch_id", "attempts")
        fields += ("is_double", "failure", "put_at", "due", "deadline", "changed", "holder", "trace")
        return fields

    get_readonly_fields = get_fields

    def get_list_display(self, request: HttpRequest) -> Any:
        """With numbers as this person may see them."""
        number = "whole_number" if request.user.has_perm(VIEW_NUMBER) else "shown_number"
        return [number if name == "shown_number" else name for name in self.list_display]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The same for one."""
        number = "whole_number" if request.user.has_perm(VIEW_NUMBER) else "shown_number"
        return [
            (None, {"fields": [number if name == "shown_number" else name for name in self.get_fields(request, obj)]})
        ]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Rows of a number, also a forgotten one; else of a key or a batch. Each has an index."""
        del request
        term = search_term.strip()
        if not term:
            return queryset, False
        found = {*queryset.filter(put__key=term).values_list("pk", flat=True)[:RECENT]}
        outbox = get_outbox()
        for search in ({"number": term}, {"batch": term}):
            try:
                found.update(row.id for row in outbox.find(**search))  # type: ignore[arg-type]
            except SmsError:
                continue  # no number
        return queryset.filter(pk__in=found), False

    @admin.display(description=_("phone number"))
    def shown_number(self, row: Row) -> str:
        """The number masked."""
        return mask(row.number) if row.number else "–"

    @admin.display(description=_("phone number"))
    def whole_number(self, row: Row) -> str:
        """The number."""
        return row.number or "–"

    @admin.display(description=_("text"))
    def shown_text(self, row: Row) -> str:
        """What it says, as the phone gets it."""
        return row.put.text if row.text is None else row.text

    @admin.display(description=_("key"), ordering="put__key")
    def key(self, row: Row) -> str:
        """What it was put under."""
        return row.put.key

    @admin.display(description=_("vendors, in order"))
    def vendors(self, row: Row) -> str:
        """Of an account of several vendors, which may carry it; ``account`` is the one where it is."""
        return " → ".join(carriers(row)) if row.route else "–"

    @admin.display(description=_("trace"))
    def trace(self, row: Row) -> str:
        """The tracing context of its put, as W3C Trace Context writes it."""
        return row.put.trace or "–"

    @admin.display(description=_("lane"))
    def lane(self, row: Row) -> str:
        """Purpose and priority."""
        return f"{row.purpose or '–'} ({row.put.priority})"

    @admin.display(description=_("error"))
    def failure(self, row: Row) -> str:
        """Why the last attempt was not accepted, without a number."""
        return "–" if row.error is None else mask_numbers(str(from_json(row.error, SmsError)))

    @admin.display(description=_("put"))
    def put_at(self, row: Row) -> datetime | None:
        """When it was put."""
        return moment(row.put.created_at)

    @admin.display(description=_("not before"))
    def due(self, row: Row) -> datetime | None:
        """When it may go next."""
        return moment(row.ready_at)

    @admin.display(description=_("deadline"))
    def deadline(self, row: Row) -> datetime | None:
        """Until when it may go."""
        return moment(row.deadline_at)

    @admin.display(description=_("changed"), ordering="changed_at")
    def changed(self, row: Row) -> datetime | None:
        """When something of it last changed."""
        return moment(row.changed_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With the row's reports."""
        row = self.get_object(request, object_id)
        reports = [] if row is None else list(reports_of(row))
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "reports": reports})

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Who may settle, resolve and cancel."""
        return request.user.has_perm("sms_outbox.decide_row")

    @admin.action(description=_("Ask the vendor what became of unknown texts"), permissions=["decide"])
    def settle(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Settle the accounts of the chosen rows. Sends nothing."""
        for account in sorted(set(queryset.values_list("account", flat=True))):
            self.tell(request, lambda account=account: _settled(account))

    @admin.action(description=_("Say what became of unknown texts…"), permissions=["decide"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask for the outcome and a reason, and write them down."""
        unknown = queryset.filter(state=State.UNKNOWN.value)
        form = DecisionForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            if not unknown:
                self.message_user(request, gettext("None of them is unknown."), messages.WARNING)
                return None
            text = gettext("%(count)s texts are unknown: the vendor may have taken them. What you say is final.")
            return self.confirm(
                request, gettext("What became of them?"), text % {"count": len(unknown)}, "resolve", unknown, form
            )
        outcome, because = State(form.cleaned_data["outcome"]), form.cleaned_data["because"]
        done = 0
        for row in unknown:
            try:
                get_outbox().resolve(row.pk, outcome, because=because, by=request.user.get_username())
            except SmsError as error:
                self.message_user(request, mask_numbers(str(error)), messages.WARNING)
                continue
            self.log_change(request, row, f"{outcome.value}: {mask_numbers(because)}")
            done += 1
        self.message_user(request, gettext("%(count)s texts resolved.") % {"count": done}, messages.SUCCESS)
        return None

    @admin.action(description=_("Cancel what waits under these keys…"), permissions=["decide"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Show the keys, and take back what can be."""
        keys = sorted({(row.put.account, row.put.key) for row in queryset.select_related("put")})
        if "confirmed" not in request.POST:
            text = gettext("All texts that wait under these keys are cancelled, and bookings at the vendor: %(keys)s")
            said = text % {"keys": ", ".join(key for _account, key in keys)}
            return self.confirm(request, gettext("Cancel?"), said, "cancel", queryset, forms.Form())
        by = request.user.get_username()
        told = {key for key in keys if self.tell(request, lambda key=key: _cancelled(key[0], key[1], by))}
        for row in queryset:
            if (row.put.account, row.put.key) in told:
                self.log_change(request, row, "cancel")
        return None


def _settled(account: str) -> str:
    result = get_outbox().settle(account=account)
    text = gettext("%(account)s: %(asked)s asked about, %(known)s known now, %(unknown)s still unknown.")
    known = result.asked - result.unknown
    return text % {"account": account, "asked": result.asked, "known": known, "unknown": result.unknown}


def _cancelled(account: str, key: str, by: str) -> str:
    rows = get_outbox().cancel(key, account=account, by=by)
    text = gettext("%(key)s: %(done)s of %(count)s texts taken back.")
    return text % {"key": key, "done": sum(row.done for row in rows), "count": len(rows)}
