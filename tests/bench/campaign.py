"""Row 14: a campaign of a long list, in a process of its own. ``python -m tests.bench.campaign ROWS PORT``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sms_core import connect
from sms_core_cli.campaign import MessageDefaults, Store, begin_run, export, open_table, place_of, plan_campaign, send
from sms_core_cli.garbage import collect_rarely
from tests.bench.figures import Figure, Target
from tests.bench.memory import peak
from tests.bench.rounds import ROOT
from tests.bench.servers import FULL, served

ROWS = 100_000
TEXT = "{name}您好，您的訂單{order}已出貨，感謝您的訂購。"
CONCURRENCY = 4


def campaigns(*, quick: bool) -> list[Figure]:
    """How long a list takes from the file to the last answer, and what it takes of the memory."""
    rows = 10 * FULL if quick else ROWS
    command = [sys.executable, "-m", "tests.bench.campaign", str(rows)]
    with served(full=True) as port:
        begun = time.perf_counter()
        with subprocess.Popen([*command, str(port)], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as running:
            assert running.stdout is not None
            assert running.stdout.readline() == "first\n"
            first = time.perf_counter() - begun
            told = json.loads(running.stdout.readline())
    named = f"a campaign of {rows:,} rows"
    return [
        Figure(14, f"{named}: the first rows planned after", first, "s", Target(2)),
        Figure(14, "read, planned and put in", told["put"], "s", Target(20)),
        Figure(14, "the same, CPU", told["put_cpu"], "s"),
        Figure(14, "sent in", told["sent"], "s", Target(60)),
        Figure(14, "written to the result file in", told["exported"], "s"),
        Figure(14, "peak", told["peak"], "MB", Target(150)),
    ]


def run(rows: int, port: int) -> None:
    """Send such a list; say ``first`` when the first rows are planned, and then how long each step took."""
    collect_rarely()
    with (
        tempfile.TemporaryDirectory() as folder,
        connect(f"every8d://uid:pwd@127.0.0.1:{port}?scheme=http&auth=password") as client,
    ):
        file = Path(folder) / "people.csv"
        with file.open("w", encoding="utf-8") as table:
            table.write("number,name,order\n")
            table.writelines(f"09{number:08},王小明{number},A{number:07}\n" for number in range(rows))
        told: list[int] = []

        def progress(count: int) -> None:
            if not told:
                print("first", flush=True)
            told.append(count)

        with Store(place_of(file), client, concurrency=CONCURRENCY) as store:
            begun, cpu = time.perf_counter(), time.process_time()
            with plan_campaign(client, open_table(file), MessageDefaults(TEXT), progress=progress) as planned:
                campaign = begin_run(store)
                campaign.add(planned, client)
            put, put_cpu = time.perf_counter(), time.process_time()
            send(campaign)
            sent = time.perf_counter()
            export(campaign, file.with_name("results.csv"))
            exported = time.perf_counter()
            assert campaign.overview().is_finished
        took = {"put": put - begun, "put_cpu": put_cpu - cpu, "sent": sent - put, "exported": exported - sent}
        print(json.dumps({**took, "peak": peak()}), flush=True)


if __name__ == "__main__":
    run(*map(int, sys.argv[1:]))
