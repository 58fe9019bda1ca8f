"""The long form of the reliability tests: prints the figures of each part, and fails if any part is not clean.

A part that is given 0 is left out.
"""

from __future__ import annotations

import argparse
import random
import sys

from tests.reliability import inputs, sends


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument(
        "--sends", type=int, default=1_000_000, help="messages sent under faults (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=32, help="of each process that sends (default: %(default)s)")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="inputs for all parsers (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="for the same run once more")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    clean = True
    if options.sends:
        sent = sends.run(options.sends, options.seed, options.threads)
        print(f"\n{sent}", flush=True)
        clean = sent.is_clean
    if options.inputs:
        fuzzed = inputs.run(options.inputs, options.seed)
        print(f"\n{fuzzed}", flush=True)
        clean = clean and fuzzed.is_clean
    return int(not clean)


if __name__ == "__main__":
    sys.exit(main())
