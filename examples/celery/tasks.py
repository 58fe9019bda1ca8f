"""The outbox, and Celery's tasks that send what is in it.

::

    celery -A tasks worker
    celery -A tasks beat
"""

from __future__ import annotations

import json
import os

from celery import Celery

from sms_core_outbox import Outbox
from sms_core_outbox.engines.celery import Jobs

DSN = os.environ["SMS_DSN"]

outbox = Outbox(os.environ.get("SMS_OUTBOX", "sqlite:///sms.db"), accounts={"main": DSN})
outbox.create()

queue = Celery("tasks", broker=os.environ.get("CELERY_BROKER_URL", "redis://localhost"))
queue.conf.broker_transport_options = json.loads(os.environ.get("CELERY_BROKER_OPTIONS", "{}"))
jobs = Jobs(outbox, queue)
