"""smsgo under fire: every fault in every request, and what only this vendor does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sms_core import Message, Outcome
from sms_core_kit.faults import ANSWERED_NO, MANY_NUMBERS, FaultChecks, MakeMessage, Read, personal, plain
from sms_core_sandbox import Sandbox
from sms_core_smsgo import SendOptions

ABROAD = tuple(f"+120255501{n:02}" for n in range(1, 6))


def long(text: str, numbers: Sequence[str]) -> Message:
    return Message(text + " 很長的簡訊" * 20, numbers)


def popup(text: str, numbers: Sequence[str]) -> Message:
    return Message(text, numbers, options=SendOptions(popup=True))


class TestFaults(FaultChecks):
    provider = "smsgo"
    sends = (plain, personal, long, popup)
    # In JSON, which is the default, half an answer is always seen; half of a bare number is a number.
    reads = (
        Read("query_point", lambda sms, result: sms.balance()),
        Read("query.asp", lambda sms, result: list(sms.reports(result))),
        Read("queryBulk", lambda sms, result: list(sms.reports(result.batches[0]))),
    )
    cancel_match = "cancel"
    wires = ({"rtype": "json"}, {"rtype": "text"}, {"rtype": "xml"}, {"method": "POST"})
    random_options = {"rtype": ("json", "text", "xml"), "method": ("GET", "POST")}
    answered_no = ANSWERED_NO | {"out_of_credit"}

    def numbers_for(self, make: MakeMessage) -> Sequence[str]:
        return MANY_NUMBERS if make in {long, popup} else MANY_NUMBERS + ABROAD * 4

    def test_a_split_text_that_fails_in_its_middle(self, box: Sandbox) -> None:
        text = "mark" + "字" * 200
        box.faults.add("drop_after", match=lambda info: len(box.exchange.accepted) >= 2, times=1)
        with self.connect(box) as sms:
            result = self.send(sms, Message(text, ABROAD[:2], options=SendOptions(long_abroad="split")))
        found = Counter((row.number, row.outcome) for row in result.outcomes)
        for number in ABROAD[:2]:
            assert found[number, Outcome.ACCEPTED] == 1
            assert found[number, Outcome.UNKNOWN] == 1
            assert found[number, Outcome.NOT_SENT] == 2
        self.check(box, result, mark="")
