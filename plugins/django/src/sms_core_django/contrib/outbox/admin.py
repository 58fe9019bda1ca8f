# mypy: disable-error-code="assignment, misc, no-any-return, override, union-attr"
# pyright: reportAssignmentType=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# Django's classes are typed by a package of stubs that is stricter than Django; the tests read each page and table.
"""The outbox in Django's admin: searched, filtered and read; and what a person may decide.

Nothing is added, changed or deleted as a form would. What may have been sent is not sent again from here. Whole phone
numbers and texts are personal data: each is for those who have the permission.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sms_core import DeliveryReport, SmsError
from sms_core.masking import mask, mask_numbers
from sms_core.serialize import from_json
from sms_core_django import conf
from sms_core_django.contrib.outbox.models import STATES, STATUSES, Account, Change, Report, Row, Worker, moment
from sms_core_django.contrib.outbox.outboxes import all_carriers, get_outbox
from sms_core_outbox import State
from sms_core_outbox.routes import FOR_EVER

VIEW_NUMBER = "sms_outbox.view_number"
VIEW_TEXT = "sms_outbox.view_text"
RECENT = 10_000
"""Of how many rows the lanes are offered: to find all of them, the database would read the whole table."""
CONFIRM = "sms_outbox/confirm.html"


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Pages that change nothing, in the outbox's database, outside of a request's transaction: vendors are asked between."""

    list_per_page = 50
    show_full_result_count = False
    actions_selection_counter = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """From the database that ``SMS["OUTBOX"]`` names."""
        given = conf.outbox()
        return super().get_queryset(request).using("default" if given is None else given.database)

    def get_urls(self) -> list[URLPattern]:
        """The usual ones, with ``ATOMIC_REQUESTS`` too each with a transaction for each step."""
        patterns: list[URLPattern] = super().get_urls()
        for pattern in patterns:
            if callable(getattr(pattern, "callback", None)):
                transaction.non_atomic_requests(pattern.callback)
        return patterns

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Nobody."""
        del request
        return False

    has_change_permission = has_delete_permission = has_add_permission

    def tell(self, request: HttpRequest, act: Callable[[], str]) -> bool:
        """Do something, and say what it came to. Gives whether it came to anything."""
        try:
            said = act()
        except SmsError as error:
            self.message_user(request, mask_numbers(str(error)), messages.ERROR)
            return False
        self.message_user(request, said, messages.SUCCESS)
        return True

    def confirm(
        self, request: HttpRequest, title: str, text: str, action: str, queryset: Any, form: Any
    ) -> HttpResponse:
        """The page between an action and its effect."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "said": text,
            "action": action,
            "ids": [found.pk for found in queryset],
            "form": form,
            "opts": self.opts,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, CONFIRM, context)


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


class ReasonForm(forms.Form):
    """Why an account pauses."""

    because = forms.CharField(label=_("Because"), max_length=500, help_text=_("For others to see."))


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
        texts = ["shown_text"] if request.user.has_perm(VIEW_TEXT) else []
        return [
            *("id", "shown_number", *texts, "key", "account", "vendors", "lane", "reference", "state", "status"),
            *(
                "batch_id",
                "attempts",
                "is_double",
                "failure",
                "put_at",
                "due",
                "deadline",
                "changed",
                "holder",
                "trace",
            ),
        ]

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
        return " → ".join(_carriers(row)) if row.route else "–"

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
        reports = [] if row is None else list(_reports_of(row))
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


def _carriers(row: Row) -> list[str]:
    """Where it may go: its account, or the vendors of it in their order."""
    carriers: list[str] = json.loads(row.route) if row.route else [row.account]
    return carriers


def _reports_of(row: Row) -> Iterable[dict[str, Any]]:
    """What the vendor reported of a row, in the order of its coming. Its words are shown without numbers."""
    found = Report.objects.using(row._state.db).filter(account__in=_carriers(row), number_hash=row.number_hash)
    for report in found.order_by("received_at", "id"):
        if report.batch_id and row.batch_id and report.batch_id != row.batch_id:
            continue
        if report.reference and report.reference != row.reference:
            continue
        told = from_json(json.dumps(json.loads(report.data)), DeliveryReport)
        yield {
            "at": moment(report.received_at),
            "status": STATUSES[told.status],
            "done_at": told.done_at,
            "batch_id": report.batch_id,
            "words": mask_numbers(f"{told.vendor_code} {told.vendor_text}".strip()),
        }


def _settled(account: str) -> str:
    result = get_outbox().settle(account=account)
    text = gettext("%(account)s: %(asked)s asked about, %(known)s known now, %(unknown)s still unknown.")
    known = result.asked - result.unknown
    return text % {"account": account, "asked": result.asked, "known": known, "unknown": result.unknown}


def _paused(account: str, because: str, by: str) -> str:
    get_outbox().pause(account, because=because, by=by)
    return gettext("%(account)s pauses.") % {"account": account}


def _resumed(account: str) -> str:
    get_outbox().resume(account)
    return gettext("%(account)s goes on.") % {"account": account}


def _cancelled(account: str, key: str, by: str) -> str:
    rows = get_outbox().cancel(key, account=account, by=by)
    text = gettext("%(key)s: %(done)s of %(count)s texts taken back.")
    return text % {"key": key, "done": sum(row.done for row in rows), "count": len(rows)}
