"""``manage.py sms_forget_events --days 30``."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from sms_core_django.models import HandledEvent

DAYS = 30
_DIGITS = re.compile(r"\d{1,5}", re.ASCII)


def _days(text: str) -> int:
    days = int(text) if _DIGITS.fullmatch(text) else 0
    if days < 1:
        raise ArgumentTypeError(
            "needs a whole number from 1 on, of five digits at most: a vendor may still push what is younger"
        )
    return days


class Command(BaseCommand):
    """Forgets which events were handled long ago; a vendor that pushed one of those again would be heard again."""

    help = "Forget handled SMS events that are older than some days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--days``."""
        parser.add_argument("--days", type=_days, default=DAYS, help=f"older than this many days (default {DAYS})")

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        """Delete them."""
        del args, options
        count, _ = HandledEvent.objects.filter(handled_at__lt=timezone.now() - timedelta(days=days)).delete()
        self.stdout.write(f"Forgot {count} handled events.")
