# mypy: disable-error-code="assignment, misc, no-any-return, override, union-attr"
# pyright: reportAssignmentType=false, reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false
# Django's classes are typed by a package of stubs that is stricter than Django; the tests read each page and table.
"""What all pages of the outbox have in common: they only show, tell what was done, and ask before it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern

from sms_core import SmsError
from sms_core.masking import mask_numbers
from sms_core_django import conf

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
