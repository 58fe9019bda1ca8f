"""What each step from one machine to many costs: ``python -m tests.bench.steps``. The table is that of docs/many-machines.md.

Texts are put one after the other, each in a transaction of its own, while a worker sends them one by one to a server that
answers after 50 ms. CPU is that of our processes from the first put on, without the database's server.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from sms_core import Message
from sms_core_outbox import Outbox, State
from tests.bench.servers import served
from tests.support.postgresql import new_database, postgresql_server

DELAY = 0.05
PUTS = 500
PATIENCE = 300.0
CONCURRENCY = 16
STEPS = (
    ("SQLite, one process", "sqlite", ("both",)),
    ("SQLite, a process that puts and one that sends", "sqlite", ("put", "work")),
    ("PostgreSQL, one process", "postgresql", ("both",)),
    ("PostgreSQL, a process that puts and one that sends", "postgresql", ("put", "work")),
    ("PostgreSQL, a process that puts and a worker of procrastinate", "postgresql", ("put_jobs", "work_jobs")),
)


def main() -> None:
    """The command, and what it runs in processes of their own."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.steps", description=__doc__)
    parser.add_argument("--puts", type=int, default=PUTS)
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        ROLES[options.role](options.puts)
        return
    print("| step | put, median (95 %) | sends each second | CPU for 1,000 sends |\n|---|---|---|---|")
    with postgresql_server() as server, served(delay=DELAY) as port:
        for position, (name, kind, roles) in enumerate(STEPS):
            with tempfile.TemporaryDirectory() as folder:
                url = f"sqlite:///{folder}/sms.db" if kind == "sqlite" else new_database(server, f"step_{position}")
                print(f"| {name} | {_measure(url, port, folder, roles, options.puts)} |", flush=True)


def _measure(url: str, port: int, folder: str, roles: tuple[str, ...], puts: int) -> str:
    """One step: the processes of these roles, of which the first one puts."""
    environment = {
        **os.environ,
        "SMS_OUTBOX": url,
        "SMS_OUTBOX_HASH_KEY": "a key of the benchmarks alone",
        "SMS_DSN": f"every8d://uid:pwd@127.0.0.1:{port}?scheme=http&auth=password",
        "XDG_STATE_HOME": folder,
    }
    running = []
    for role in reversed(roles):
        command = [sys.executable, "-m", "tests.bench.steps", "--role", role, "--puts", str(puts)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
        running.append(subprocess.Popen(command, env=environment, **pipes))
        assert running[-1].stdout.readline() == "ready\n"
    told = [json.loads(process.communicate("go\n", timeout=PATIENCE)[0]) for process in reversed(running)]
    put = told[0]["put"]
    median, late = statistics.median(put), statistics.quantiles(put, n=20)[-1]
    cpu = sum(each["cpu"] for each in told) / puts * 1000
    return f"{median * 1000:.1f} ms ({late * 1000:.0f}) | {puts / told[0]['seconds']:.0f} | {cpu:.1f} s"


def _open() -> Outbox:
    outbox = Outbox(os.environ["SMS_OUTBOX"], accounts={"main": os.environ["SMS_DSN"]}, concurrency=CONCURRENCY)
    outbox.create()
    return outbox


def _put(outbox: Outbox, put: Callable[..., object], puts: int) -> None:
    """Put one after the other, wait until all is sent, and tell how long it took."""
    put(Message("Warm up.", "+886900000001"), key="first")
    print("ready", flush=True)
    sys.stdin.readline()
    cpu, begun = time.process_time(), time.perf_counter()
    took = []
    for number in range(puts):
        before = time.perf_counter()
        # With a subject of its own, none shares a request with another one.
        put(Message("Your order is on its way.", f"+8869{number:08}", subject=str(number)), key=str(number))
        took.append(time.perf_counter() - before)
    while outbox.stats().counts.get(State.ACCEPTED, 0) <= puts:
        time.sleep(0.05)
    seconds = time.perf_counter() - begun
    print(json.dumps({"put": took, "seconds": seconds, "cpu": time.process_time() - cpu}), flush=True)


def _both(puts: int) -> None:
    with _open() as outbox, outbox.worker():
        _put(outbox, outbox.put, puts)


def _only_put(puts: int) -> None:
    with _open() as outbox:
        _put(outbox, outbox.put, puts)


def _work(puts: int) -> None:
    with _open() as outbox, outbox.worker():
        _until_told(puts, outbox)


def _until_told(puts: int, outbox: Outbox) -> None:
    """Say ``ready``; when all is sent, tell how much of the processor this process took since it was told to go."""
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    while outbox.stats().counts.get(State.ACCEPTED, 0) <= puts:
        time.sleep(0.5)
    print(json.dumps({"cpu": time.process_time() - cpu}), flush=True)


def _put_jobs(puts: int) -> None:
    jobs = _jobs()
    with _open() as outbox, jobs.make_app().open():
        _put(outbox, jobs.put, puts)


def _work_jobs(puts: int) -> None:
    with _open() as outbox:
        jobs = _jobs()
        app = jobs.make_app()
        with app.open():
            app.schema_manager.apply_schema()
        working = {"concurrency": 1, "install_signal_handlers": False}
        threading.Thread(target=app.run_worker, kwargs=working, daemon=True).start()
        _until_told(puts, outbox)
    sys.stdout.flush()
    os._exit(0)  # procrastinate's worker has no other way to be stopped by a thread


def _jobs() -> Any:
    from sms_core_outbox.engines.procrastinate import Jobs

    return Jobs(_open())


ROLES = {"both": _both, "put": _only_put, "work": _work, "put_jobs": _put_jobs, "work_jobs": _work_jobs}

if __name__ == "__main__":
    main()
