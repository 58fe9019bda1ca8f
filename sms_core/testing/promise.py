"""The promise as a check: what a result says is what the vendor really accepted, and nothing is accepted twice."""

from __future__ import annotations

from collections import Counter

from sms_core.model import Outcome, SendResult
from sms_core.testing.exchange import Exchange


def check_promise(exchange: Exchange, result: SendResult, mark: str = "") -> None:
    """Compare each row of a result with what the exchange accepted of the texts that begin with ``mark``.

    ``ACCEPTED`` means once, ``REFUSED`` and ``NOT_SENT`` mean never, ``UNKNOWN`` may be either. Raises
    `AssertionError` that says what is not true.
    """
    texts = [(sent.number, sent.text) for sent in exchange.accepted if sent.text.startswith(mark)]
    assert len(set(texts)) == len(texts), "accepted twice"
    accepted = Counter(number for number, _ in texts)
    outcomes: dict[str, Counter[Outcome]] = {row.number: Counter() for row in result.outcomes}
    for row in result.outcomes:
        outcomes[row.number][row.outcome] += 1
    for number, found in outcomes.items():
        certain = found[Outcome.ACCEPTED]
        possible = certain + found[Outcome.UNKNOWN]
        assert accepted[number] >= certain, "said to be accepted, and it was not"
        assert accepted[number] <= possible, "accepted, and not said to be so or unknown"
    assert not accepted.keys() - outcomes.keys(), "accepted, and in no row"
