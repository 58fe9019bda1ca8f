"""The long form: a million sends under faults, a million spoiled inputs. Prints the figures; fails if any is bad."""

from __future__ import annotations

import argparse
import random
import sys

from tests.reliability import sends


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sends", type=int, default=1_000_000, help="how many messages are sent (default: %(default)s)"
    )
    parser.add_argument(
        "--threads", type=int, default=32, help="in each of the sending processes (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="for the same run again")
    options = parser.parse_args()
    figures = sends.run(options.sends, options.seed, options.threads)
    print(figures)
    return int(not figures.are_good)


if __name__ == "__main__":
    sys.exit(main())
