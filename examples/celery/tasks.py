"""What the worker does: send a text, and handle what a vendor told of it.

::

    celery -A tasks worker
"""

from __future__ import annotations

import json
import os
import sqlite3
from typing import Any
from uuid import uuid4

import attrs
from celery import Celery, Task
from celery.signals import worker_ready
from jobs import Jobs
from ledger import Ledger

import sms_core
from sms_core import DeliveryReport, InboundMessage, Message, Outcome, RecipientOutcome

# From SMS_DSN. It opens no connection before the first send, so each process that is forked later has its own.
sms = sms_core.connect()
ledger = Ledger(os.environ.get("DATABASE", "messages.sqlite3"))
jobs = Jobs(ledger)
queue = Celery("tasks", broker=os.environ.get("CELERY_BROKER_URL", "redis://localhost"))
queue.conf.broker_transport_options = json.loads(os.environ.get("CELERY_BROKER_OPTIONS", "{}"))


# No autoretry_for: only the outcome says whether a text may be sent again, and to whom.
@queue.task(bind=True, max_retries=5, default_retry_delay=60)
def send(self: Task[..., None], reference: str) -> None:
    """Send a text, at most once, however often the broker hands out the task. Its arguments may be logged."""
    message = jobs.message(reference)
    if not ledger.begin(reference, sms.preview(message)):
        return  # begun before: if that worker was killed, the ledger says "unknown", which is for a person to decide
    try:
        ledger.finish(reference, sms.send(message))
    except sms_core.SendError as error:  # its result tells what became of each recipient all the same
        ledger.finish(reference, error.result)
        again = [row.number for row in error.result.outcomes if may_be_sent_again(row)]
        if again:
            rest = attrs.evolve(message, to=again, reference=uuid4().hex)
            raise self.retry(args=(jobs.put(rest),), exc=error) from error
        raise


def may_be_sent_again(row: RecipientOutcome) -> bool:
    """Whether this recipient surely got nothing, and a second try can help."""
    if row.outcome is Outcome.NOT_SENT:
        return True
    return row.outcome is Outcome.REFUSED and row.error is not None and row.error.retry


# This one may be tried again for whatever reason: a transaction that failed has left nothing behind.
@queue.task(autoretry_for=(sqlite3.OperationalError,), retry_backoff=True)
def handle(key: str) -> None:
    """Handle an event, once, however often the broker hands out the task."""
    event = jobs.event(key)
    with ledger.claim(key) as is_new:
        if is_new:
            ledger.add(event)


@worker_ready.connect
def queue_the_unfinished(**_: Any) -> None:
    """Queue what a killed worker had taken from the broker, and what never came there. Twice does no harm."""
    for task, kind in ((send, Message), (handle, DeliveryReport), (handle, InboundMessage)):
        for key in jobs.unfinished(kind):
            task.delay(key)
