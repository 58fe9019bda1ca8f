"""A worker of procrastinate in a process of its own: ``python procrastinate_worker.py FOLDER URL [hold]``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[3])]

from engine_vendor import open_outbox

from sms_core_outbox.engines.procrastinate import Jobs


def main() -> None:
    """Work until a signal comes. Every period is a second, and a worker is taken for dead after one."""
    folder, url, *more = sys.argv[1:]
    jobs = Jobs(
        open_outbox(url, Path(folder), holds="hold" in more),
        drain_every="* * * * * *",
        settle_every="* * * * * *",
        poll_every="* * * * * *",
        watch_every="* * * * * *",
        rescue_every="* * * * * *",
        dead_after=1.0,
    )
    jobs.make_app().run_worker(
        concurrency=4, fetch_job_polling_interval=0.5, update_heartbeat_interval=0.3, stalled_worker_timeout=1.0
    )


if __name__ == "__main__":
    main()
