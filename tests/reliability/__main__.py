"""The long form of the reliability tests: prints the figures of each part, and fails if any part is not clean.

A part that is given 0 is left out.
"""

from __future__ import annotations

import argparse
import random
import sys

from tests.reliability import example_kills, forks, inputs, kills, outbox_kills, scale, sends


def main() -> int:
    """The command. 1 where anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument(
        "--sends", type=int, default=1_000_000, help="messages sent under faults (default: %(default)s)"
    )
    parser.add_argument(
        "--async-sends", type=int, default=200_000, help="the same through async clients (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=32, help="of each process that sends (default: %(default)s)")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="inputs for all parsers (default: %(default)s)")
    parser.add_argument("--forks", type=int, default=200, help="rounds of forked clients (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=1000, help="of workers of an outbox (default: %(default)s)")
    parser.add_argument(
        "--campaign-kills", type=int, default=1000, help="of processes of campaigns (default: %(default)s)"
    )
    parser.add_argument(
        "--example-kills", type=int, default=50, help="kills of each process of the examples (default: %(default)s)"
    )
    parser.add_argument(
        "--scale", type=int, default=10_000, help="sends of a shop on PostgreSQL under kills (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="for the same run once more")
    options = parser.parse_args()
    parts = (
        (options.sends, lambda count: sends.run(count, options.seed, options.threads)),
        (options.async_sends, lambda count: sends.run(count, options.seed, options.threads, "async")),
        (options.inputs, lambda count: inputs.run(count, options.seed)),
        (options.forks, lambda count: forks.run(count, options.seed)),
        (options.campaign_kills, lambda count: kills.run(count, options.seed)),
        (options.kills, lambda count: outbox_kills.run(count, options.seed)),
        (options.example_kills, lambda count: example_kills.run(count, options.seed)),
        (options.scale, lambda count: scale.run(count, options.seed)),
    )
    print(f"seed {options.seed}", flush=True)
    clean = True
    for count, run in parts:
        if count:
            figures = run(count)
            print(f"\n{figures}", flush=True)
            clean = clean and figures.is_clean
    return int(not clean)


if __name__ == "__main__":
    sys.exit(main())
