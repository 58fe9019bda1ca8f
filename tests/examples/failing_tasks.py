"""Tasks of a Celery worker whose errors a test reads from the result backend.

::

    REDIS_URL=redis://… celery -A failing_tasks worker
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task

import sms_core
from sms_core.serialize import to_data

app = Celery("failing_tasks", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@app.task
def send(dsn: str, numbers: list[str]) -> Any:
    """Send; what comes back is a result as data, or the error."""
    with sms_core.connect(dsn) as sms:
        return to_data(sms.send("您好", numbers))


@app.task(bind=True, max_retries=1)
def send_again(self: Task[..., Any], dsn: str, numbers: list[str]) -> Any:
    """The same with a second try, which fails as the first one did."""
    try:
        return send(dsn, numbers)
    except sms_core.NotSent as error:
        raise self.retry(exc=error, countdown=0) from error
