"""Waiting for the delivery reports of a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sms_core.client import Client
from sms_core.errors import SmsError
from sms_core_cli.campaign import Run
from sms_core_cli.language import _
from sms_core_cli.output import note

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two questions for delivery reports; each pause is twice as long as the one before."""


def await_reports(client: Client, run: Run, patience: timedelta, stop: Any) -> None:
    """Ask for reports until all are in, the time is over, or Ctrl-C."""
    pause, left = FIRST_PAUSE, patience.total_seconds()
    while not stop.is_set():
        try:
            run.fetch_reports(client)
        except SmsError as error:
            note(_("No reports: {error}", error=error))
            return
        if left <= 0 or not run.awaits_reports():
            return
        stop.wait(min(pause, left))
        left -= pause
        pause = min(pause * 2, LONGEST_PAUSE)
