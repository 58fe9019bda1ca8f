"""The table of handled events: its migration, and forgetting."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from sms_core_django.models import HandledEvent

pytestmark = pytest.mark.usefixtures("database")


def test_the_migration_is_the_model() -> None:
    call_command("makemigrations", "sms_core_django", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize(("days", "left"), [("29", {"young"}), ("31", {"young", "old"}), (None, {"young"})])
def test_old_events_are_forgotten(days: str | None, left: set[str]) -> None:
    HandledEvent.objects.create(key="young")
    HandledEvent.objects.create(key="old")
    old = HandledEvent.objects.filter(key="old")
    old.update(handled_at=timezone.now() - timedelta(days=30, minutes=1))
    out = io.StringIO()
    call_command("sms_forget_events", *(["--days", days] if days else []), stdout=out)
    assert set(HandledEvent.objects.values_list("key", flat=True)) == left
    assert out.getvalue() == f"Forgot {2 - len(left)} handled events.\n"


@pytest.mark.parametrize("days", ["0", "-1", "soon"])
def test_days_are_a_whole_number_from_1_on(days: str) -> None:
    with pytest.raises(CommandError, match="whole number from 1 on"):
        call_command("sms_forget_events", f"--days={days}")
