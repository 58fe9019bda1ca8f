"""Every benchmark in one run and one report. ``python -m nox -s bench``, or ``-- --quick``, or ``-- --rows 1 4``.

Each contestant is a process of its own; in each round all do the same work, in another order. Nothing is asserted: each
figure is printed beside its target. A run of all rows writes docs/bench/results.json and the chart.
"""

from __future__ import annotations

import argparse
import sys

from tests.bench import report
from tests.bench.campaign import campaigns
from tests.bench.figures import Figure
from tests.bench.growth import growth
from tests.bench.imports import imports
from tests.bench.memory import memory
from tests.bench.outbox import draining, first_byte, puts, single_sends
from tests.bench.page import page
from tests.bench.parsing import parsing
from tests.bench.sends import many_tasks, many_threads, one_send
from tests.bench.webhooks import pushes

ROWS = {
    1: one_send,
    2: many_threads,
    3: many_tasks,
    4: imports,
    5: memory,
    6: parsing,
    7: growth,
    8: pushes,
    9: page,
    10: puts,
    11: draining,
    12: single_sends,
    13: first_byte,
    14: campaigns,
}
WORK = {
    1: "One send on a kept-alive connection, beside urllib3 alone",
    2: "Threads that send at a time, to a server that takes 50 ms",
    3: "Tasks that send at a time, to a server that takes 50 ms",
    4: "A process that imports, beside one that imports urllib3",
    5: "Memory",
    6: "Rows, pushes and previews",
    7: "Vendors and middleware",
    8: "Pushes through the ASGI face, beside a bare ASGI app",
    9: "The sandbox's page while ten thousand messages a minute arrive",
    10: "Putting into the outbox",
    11: "Draining the outbox to a server without delay",
    12: "Single sends of the outbox, to a server that takes 50 ms, beside the bare client",
    13: "From a put to the vendor, where a worker waits",
    14: "A campaign, from the file to the result file",
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and short rounds: to see that all runs")
    parser.add_argument("--rows", type=int, nargs="+", choices=ROWS, default=[*ROWS], help="these alone (default: all)")
    parser.add_argument("--write", action="store_true", help="write the results of a quick run too")
    options = parser.parse_args()
    print(report.machine())
    figures: list[Figure] = []
    for row in options.rows:
        print(f"row {row}: {WORK[row]} …", file=sys.stderr)
        figures += ROWS[row](quick=options.quick)
    print(report.table(figures, WORK))
    is_whole = options.rows == [*ROWS] and not options.quick
    if is_whole or options.write:
        report.write(report.results(figures, quick=options.quick))


if __name__ == "__main__":
    main()
