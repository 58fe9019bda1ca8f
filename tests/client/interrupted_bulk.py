"""A program that sends many messages and is stopped by Ctrl-C. Its output is what it heard of.

::

    python interrupted_bulk.py DSN NUMBER…       print each message's place, and each recipient's number and outcome
    python interrupted_bulk.py memory:// rounds  be interrupted again and again, and print the figures
    python interrupted_bulk.py memory:// groups  the same, of messages that share requests
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from types import FrameType

import sms_core
from sms_core import Message, Sent
from sms_core.testing import memory_exchange

ROUNDS = 60
ROUNDS_OF_GROUPS = 20
SEED = 20261127
BATCH = "&batch_size=20"
LONGEST = 0.06
"""Seconds until the signal of a round: about as long as its sends take."""


def messages(numbers: list[str]) -> Iterator[Message]:
    return (Message(str(place), numbers, reference=f"m{place}") for place in range(300))


def strangers() -> Iterator[Message]:
    """Messages that can share requests: each has a number of its own."""
    return (Message(str(place), f"09{place:08}", reference=f"m{place}") for place in range(10_000))


def interrupt(_: int, __: FrameType | None) -> None:
    os.write(1, b"waiting\n")
    raise KeyboardInterrupt


def outcomes(heard: list[Sent]) -> list[tuple[str, str, str]]:
    return [
        (str(sent.index), row.number, row.outcome.value)
        for sent in heard
        if sent.result is not None
        for row in sent.result.outcomes
    ]


def send(bulk: sms_core.Bulk, heard: list[Sent]) -> bool:
    """Whether it came to its end."""
    try:
        with bulk:
            for sent in bulk:
                heard.append(sent)  # noqa: PERF402 - list.extend could have taken what it had not stored
    except KeyboardInterrupt as interruption:
        # It may strike between two statements, where nothing can attach anything to it.
        bulk.close()
        heard.extend(getattr(interruption, "sms_results", bulk.results))
        return False
    return True


def rounds(*, group: bool) -> dict[str, int]:
    """Interrupt a bulk at a random moment, and compare what the vendor took with what was heard."""
    moments = random.Random(SEED)
    figures = dict.fromkeys(("rounds", "interrupted", "lost", "lied", "told_twice"), 0)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for number in range(ROUNDS_OF_GROUPS if group else ROUNDS):
        heard: list[Sent] = []
        with sms_core.connect(f"memory://round{number}?credit=1000000{BATCH if group else ''}") as sms:
            try:
                signal.setitimer(signal.ITIMER_REAL, moments.uniform(0.0005, LONGEST))
                given = strangers() if group else messages(["0900000001"])
                ended = send(sms.send_many(given, concurrency=4, group=group), heard)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:  # it came before the bulk began or after it was over
                ended = True
        told = outcomes(heard)
        taken = {message.text for message in memory_exchange(f"round{number}").accepted}
        accepted = {index for index, _, outcome in told if outcome == "accepted"}
        figures["rounds"] += 1
        figures["interrupted"] += not ended
        figures["lost"] += len(taken - accepted)
        figures["lied"] += len(accepted - taken)
        figures["told_twice"] += len(told) - len({index for index, *_ in told})
    return figures


if __name__ == "__main__":
    if sys.argv[2:] in (["rounds"], ["groups"]):
        print(json.dumps(rounds(group=sys.argv[2] == "groups")))  # noqa: T201 - it is what this program is for
    else:
        signal.signal(signal.SIGINT, interrupt)
        all_heard: list[Sent] = []
        client = sms_core.connect(sys.argv[1])
        send(client.send_many(messages(sys.argv[2:]), concurrency=4), all_heard)
        print(json.dumps(outcomes(all_heard)), flush=True)  # noqa: T201 - it is what this program is for
        os._exit(0)  # threads that still wait for the vendor would hold up any other end
