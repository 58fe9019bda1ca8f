# mypy: disable-error-code="no-any-return, var-annotated"
# Django's classes are typed by a package of stubs that is stricter than Django; the tests read each page and table.
"""The outbox's tables. They are read here; what is written goes through `sms_core_django.get_outbox`.

`sms_core_outbox.schema` says what each column is, and a test compares the two. Times are microseconds of UTC since 1970.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sms_core import DeliveryStatus
from sms_core_django.contrib.outbox.fields import CascadingKey, NameField
from sms_core_outbox import State
from sms_core_outbox.schema import KEY_LENGTH

STATES = {
    State.READY: pgettext_lazy("state", "waiting"),
    State.SENDING: pgettext_lazy("state", "being sent"),
    State.ACCEPTED: pgettext_lazy("state", "accepted"),
    State.REFUSED: pgettext_lazy("state", "refused"),
    State.UNKNOWN: pgettext_lazy("state", "unknown"),
    State.NOT_SENT: pgettext_lazy("state", "not sent"),
    State.CANCELLED: pgettext_lazy("state", "cancelled"),
}
"""The states in people's words."""
STATUSES = {
    DeliveryStatus.ACCEPTED: pgettext_lazy("status", "accepted"),
    DeliveryStatus.SCHEDULED: pgettext_lazy("status", "booked"),
    DeliveryStatus.SENT: pgettext_lazy("status", "sent"),
    DeliveryStatus.DELIVERED: pgettext_lazy("status", "delivered"),
    DeliveryStatus.EXPIRED: pgettext_lazy("status", "expired"),
    DeliveryStatus.UNDELIVERABLE: pgettext_lazy("status", "undeliverable"),
    DeliveryStatus.REJECTED: pgettext_lazy("status", "rejected"),
    DeliveryStatus.BLOCKED: pgettext_lazy("status", "blocked"),
    DeliveryStatus.CANCELLED: pgettext_lazy("status", "cancelled"),
    DeliveryStatus.NO_CREDIT: pgettext_lazy("status", "no credit"),
    DeliveryStatus.FAILED: pgettext_lazy("status", "failed"),
    DeliveryStatus.UNKNOWN: pgettext_lazy("status", "unknown"),
}
"""The delivery statuses in people's words."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A partial index is used only for a condition that is written as the outbox's statements write it.
_READY = Q(state=State.READY.value)
_OPEN_STATUS = reduce(
    or_, (Q(status=status.value) for status in DeliveryStatus if not status.is_final), Q(status__isnull=True)
)


def moment(micros: int | None) -> datetime | None:
    """A stored time as an aware one."""
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


class Fact(models.Model):
    """What the outbox notes of its tables: their version, and what tells its hash key from others."""

    name = NameField(primary_key=True, max_length=40)
    value = models.CharField(max_length=200)

    class Meta:
        """The table."""

        db_table = "sms_outbox_meta"
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Put(models.Model):
    """What was put under a key: what its rows share."""

    id = models.BigAutoField(primary_key=True)
    account = models.CharField(_("account"), max_length=100)
    key = models.CharField(_("key"), max_length=KEY_LENGTH)
    fingerprint = models.CharField(max_length=64)
    purpose = models.CharField(_("purpose"), max_length=100)
    priority = models.IntegerField(_("priority"))
    created_at = models.BigIntegerField(_("put"))
    form = models.IntegerField()
    text = models.TextField(_("text"))
    fields = models.TextField()
    trace = models.CharField(max_length=55, null=True)

    class Meta:
        """The table."""

        db_table = "sms_outbox_put"
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("account", "key"), name="sms_outbox_put_key"),)

    def __str__(self) -> str:
        return self.key


class Row(models.Model):
    """One recipient of a put."""

    id = models.BigAutoField(_("number of the row"), primary_key=True)
    put = CascadingKey(Put, related_name="rows")
    account = models.CharField(_("account"), max_length=100)
    purpose = models.CharField(_("purpose"), max_length=100)
    urgency = models.IntegerField()
    position = models.IntegerField()
    reference = models.CharField(_("reference"), max_length=200)
    number = models.CharField(_("phone number"), max_length=40)
    number_hash = models.CharField(max_length=32)
    text = models.TextField(null=True)
    recipient = models.TextField(null=True)
    likeness = models.CharField(max_length=40)
    send_at = models.BigIntegerField(null=True)
    due_at = models.BigIntegerField()
    deadline_at = models.BigIntegerField()
    state = models.CharField(_("state"), max_length=10, choices=[(state.value, STATES[state]) for state in State])
    ready_at = models.BigIntegerField()
    attempts = models.IntegerField(_("attempts"), default=0)
    claim = models.CharField(max_length=32, null=True)
    holder = models.CharField(_("worker"), max_length=100, null=True)
    claimed_at = models.BigIntegerField(null=True)
    first_claimed_at = models.BigIntegerField(null=True)
    is_replay = models.BooleanField(default=False)
    batch_id = models.CharField(_("batch"), max_length=200, null=True)
    is_double = models.BooleanField(_("sent twice, perhaps"), default=False)
    error = models.TextField(null=True)
    status = models.CharField(
        _("delivery"), max_length=20, null=True, choices=[(status.value, STATUSES[status]) for status in DeliveryStatus]
    )
    changed_at = models.BigIntegerField()
    forgotten_at = models.BigIntegerField(null=True)
    route = models.TextField(null=True)

    class Meta:
        """The table, its partial indexes, and who may do what."""

        db_table = "sms_outbox_row"
        verbose_name = _("text message")
        verbose_name_plural = _("text messages")
        default_permissions = ("view",)
        permissions = (
            ("view_number", _("Can see whole phone numbers")),
            ("view_text", _("Can see what a text message says")),
            ("decide_row", _("Can settle, resolve and cancel text messages")),
        )
        indexes = (
            models.Index(fields=("put_id",), name="sms_outbox_row_put"),
            models.Index(fields=("number_hash",), name="sms_outbox_row_number"),
            models.Index(
                fields=("account", "batch_id", "number_hash"),
                name="sms_outbox_row_batch",
                condition=Q(batch_id__isnull=False),
            ),
            models.Index(
                fields=("account", "urgency", "ready_at", "id"), name="sms_outbox_row_ready", condition=_READY
            ),
            models.Index(fields=("deadline_at",), name="sms_outbox_row_deadline", condition=_READY),
            models.Index(fields=("holder",), name="sms_outbox_row_sending", condition=Q(state=State.SENDING.value)),
            models.Index(
                fields=("account", "number_hash", "purpose", "urgency", "id"),
                name="sms_outbox_row_turn",
                condition=_READY | Q(state=State.SENDING.value),
            ),
            models.Index(
                fields=("account", "id"), name="sms_outbox_row_unknown", condition=Q(state=State.UNKNOWN.value)
            ),
            models.Index(
                fields=("account", "claimed_at"),
                name="sms_outbox_row_unreported",
                condition=Q(state=State.ACCEPTED.value) & _OPEN_STATUS,
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"


class Change(models.Model):
    """One change of a row."""

    id = models.BigAutoField(primary_key=True)
    row = CascadingKey(Row, related_name="changes")
    at = models.BigIntegerField()
    state = models.CharField(_("became"), max_length=10, choices=[(state.value, STATES[state]) for state in State])
    by = models.CharField(_("by"), max_length=200)
    why = models.TextField(_("why"))
    claim = models.CharField(max_length=32, null=True)
    batch_id = models.CharField(_("batch"), max_length=200, null=True)
    is_answer = models.BooleanField(default=False)

    class Meta:
        """The table."""

        db_table = "sms_outbox_history"
        verbose_name = _("change")
        verbose_name_plural = _("history")
        default_permissions = ()
        indexes = (models.Index(fields=("row_id",), name="sms_outbox_history_row"),)

    def __str__(self) -> str:
        return f"#{self.pk}"


class Report(models.Model):
    """A delivery report, as the vendor told it."""

    id = models.BigAutoField(primary_key=True)
    account = models.CharField(max_length=100)
    key = models.CharField(max_length=200)
    number_hash = models.CharField(max_length=32)
    batch_id = models.CharField(max_length=200)
    reference = models.CharField(max_length=200)
    data = models.TextField()
    received_at = models.BigIntegerField()

    class Meta:
        """The table."""

        db_table = "sms_outbox_event"
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("account", "key"), name="sms_outbox_event_key"),)
        indexes = (models.Index(fields=("account", "number_hash"), name="sms_outbox_event_number"),)

    def __str__(self) -> str:
        return f"#{self.pk}"


class Account(models.Model):
    """What all workers know of an account: whether it pauses."""

    name = NameField(_("account"), primary_key=True, max_length=100)
    paused_at = models.BigIntegerField(null=True)
    paused_by = models.CharField(_("paused by"), max_length=200, null=True)
    because = models.TextField(_("because"), null=True)
    rests_until = models.BigIntegerField(null=True)

    class Meta:
        """The table, and who may do what."""

        db_table = "sms_outbox_account"
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        default_permissions = ("view",)
        permissions = (("pause_account", _("Can pause and resume accounts")),)

    def __str__(self) -> str:
        return self.name


class Worker(models.Model):
    """Who sends."""

    name = NameField(_("worker"), primary_key=True, max_length=100)
    host = models.CharField(_("machine"), max_length=200)
    pid = models.IntegerField(_("process"))
    boot = models.CharField(max_length=40)
    lock_path = models.TextField(null=True)
    started_at = models.BigIntegerField()
    seen_at = models.BigIntegerField()
    ended_at = models.BigIntegerField(null=True)

    class Meta:
        """The table."""

        db_table = "sms_outbox_worker"
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name


MODELS: tuple[type[Any], ...] = (Fact, Put, Row, Change, Report, Account, Worker)
"""Each table's model."""
