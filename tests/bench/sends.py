"""Rows 1 to 3: sends beside what they stand on."""

from __future__ import annotations

import statistics

from tests.bench.contestants import PEERS
from tests.bench.figures import Figure, Target, ratio
from tests.bench.rounds import side_by_side
from tests.bench.servers import served

DELAY = 0.05
"""Seconds that the server of rows 2 and 3 takes for an answer."""
TARGETS = {"every8d": Target(1.10), "every8d_soap": Target(1.45)}


def one_send(*, quick: bool) -> list[Figure]:
    """A send on a kept-alive connection, in times of raw urllib3."""
    names = [peer.__name__ for peer in PEERS]
    with served() as port:
        samples = side_by_side(names, port=port, count=50 if quick else 300, rounds=7 if quick else 41)
    figures = []
    for name in names:
        raw = "raw_soap" if name in ("raw_soap", "every8d_soap", "zeep") else "raw"
        value = ratio(samples[name].seconds, samples[raw].seconds)
        if name == raw:
            value = statistics.median(samples[name].seconds) / (50 if quick else 300) * 1e6
        unit = "µs" if name == raw else f"of {raw}"
        figures.append(Figure(1, name, value, unit, TARGETS.get(name)))
    return figures


def many_threads(*, quick: bool) -> list[Figure]:
    """32 threads that send at a time, beside raw urllib3 in as many."""
    with served(delay=DELAY) as port:
        samples = side_by_side(
            ["raw", "every8d"], port=port, in_flight=32, count=32 * (5 if quick else 20), rounds=5 if quick else 15
        )
    ours, raw = samples["every8d"], samples["raw"]
    return [
        Figure(2, "rate, 32 in flight", ratio(raw.seconds, ours.seconds), "of raw", Target(0.97, at_least=True)),
        Figure(2, "CPU, 32 in flight", ratio(ours.cpu, raw.cpu), "of raw", Target(1.25)),
    ]


def many_tasks(*, quick: bool) -> list[Figure]:
    """The same in an event loop, beside bare aiohttp."""
    figures = []
    for in_flight, least in ((32, 0.95), (256, 0.70), (1000, 0.70)):
        with served(delay=DELAY) as port:
            samples = side_by_side(
                ["aiohttp", "every8d_async"],
                port=port,
                in_flight=in_flight,
                count=in_flight * (2 if quick else 10),
                rounds=3 if quick else 15,
            )
        ours, bare = samples["every8d_async"], samples["aiohttp"]
        rate = ratio(bare.seconds, ours.seconds)
        figures.append(Figure(3, f"rate, {in_flight} in flight", rate, "of aiohttp", Target(least, at_least=True)))
        figures.append(Figure(3, f"CPU, {in_flight} in flight", ratio(ours.cpu, bare.cpu), "of aiohttp", Target(1.5)))
    return figures
