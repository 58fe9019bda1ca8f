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
    accepted = Counter((one.number, one.text) for one in exchange.accepted if one.text.startswith(mark))
    assert max(accepted.values(), default=0) <= 1, "accepted twice"
    numbers = Counter(number for number, _ in accepted)
    rows = {row.number for row in result.outcomes}
    for number in rows:
        found = Counter(row.outcome for row in result.outcomes if row.number == number)
        certain, open_ = found[Outcome.ACCEPTED], found[Outcome.UNKNOWN]
        assert numbers[number] >= certain, "said to be accepted, and it was not"
        assert numbers[number] <= certain + open_, "accepted, and not said to be so or unknown"
    assert not set(numbers) - rows, "accepted, and in no row"
