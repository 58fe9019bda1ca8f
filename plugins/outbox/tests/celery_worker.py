"""A worker of Celery in a process of its own: ``python celery_worker.py FOLDER URL BROKER [hold]``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[3])]

from celery import Celery, signals
from engine_vendor import open_outbox, say

from sms_core_outbox import Outbox
from sms_core_outbox.engines.celery import Jobs

VISIBLE_AGAIN = 1
"""Seconds after which the broker gives a task to another worker that nobody has acknowledged."""


def make(outbox: Outbox, broker: str) -> Jobs:
    """The tasks in an app on this broker."""
    app = Celery("engine", broker=broker, set_as_current=False)
    app.conf.update(
        broker_transport_options={"visibility_timeout": VISIBLE_AGAIN},
        broker_connection_retry_on_startup=True,
        worker_prefetch_multiplier=1,
    )
    return Jobs(outbox, app)


def main() -> None:
    """Work until a signal comes; say ``ready``, and the name of each task that has run."""
    folder, url, broker, *more = sys.argv[1:]
    jobs = make(open_outbox(url, Path(folder), holds="hold" in more), broker)

    @signals.worker_ready.connect
    def _ready(**_: Any) -> None:
        say("ready")

    @signals.task_postrun.connect
    def _ran(**details: Any) -> None:
        say(details["task"].name)

    # Not `worker_main`, which imports all commands of Celery: a second for each process.
    jobs.app.Worker(pool="solo", without_gossip=True, without_mingle=True, loglevel="error").start()


if __name__ == "__main__":
    main()
