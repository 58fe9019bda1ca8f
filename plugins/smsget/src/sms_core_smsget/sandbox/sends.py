"""Chapters 1 and 3: what the vendor does with a text, and what it costs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import count

from attrs import field, frozen

from sms_core.moments import is_tellable
from sms_core.numbers import is_taiwan
from sms_core.provider import TAIPEI
from sms_core.testing import Draft, behaviour_named, behaviour_of
from sms_core_sandbox.calls import Call
from sms_core_sandbox.values import count_parts
from sms_core_smsget.sandbox import phones
from sms_core_smsget.sandbox.calls import refusal, user_of

FIRST_ID = 1783822
"""Message ids are numbers that grow; this is one that was seen."""
MOST_RECIPIENTS = 250
RATES = {"+886": 1, "+852": 1, "+86": 2}
ELSEWHERE = 3
"""The points of a text to any other country: the document has no price, so this one is made up."""
TWO_WAY = 2
"""Recorded: a two-way text uses two points."""


@frozen
class Sends:
    """The two pages that send; they share the ids that grow."""

    ids: count[int] = field(factory=lambda: count(FIRST_ID))

    def one_way(self, call: Call) -> str:
        """Chapter 1."""
        return self._send(call, two_way=False)

    def two_way(self, call: Call) -> str:
        """Chapter 3: numbers of Taiwan only."""
        return self._send(call, two_way=True)

    def _send(self, call: Call, *, two_way: bool) -> str:
        user = user_of(call)
        send_at = _send_at(call)
        text = call.text("sms_msg")
        if not text:
            raise refusal("001")
        open_abroad = call.exchange.account(user).international
        drafts = [
            _draft(number, text, send_at, two_way=two_way, open_abroad=open_abroad)
            for number in _numbers(call, two_way=two_way)
        ]
        # The answer has no place for a part of the recipients, so it is all or none.
        if not call.exchange.can_pay(user, drafts):
            raise refusal("009")
        batch = call.exchange.submit(user, drafts, face=call.face, batch_id=call.fresh_id(map(str, self.ids)))
        return f"{batch.batch_id}|{batch.cost:f}|{batch.credit:f}"


def _numbers(call: Call, *, two_way: bool) -> list[str]:
    """Who is to get it, E.164. What is in no form is left out without a word: the answer has no place for it."""
    written = call.listed("phone")
    if len(written) > MOST_RECIPIENTS:
        raise refusal("008")
    numbers = []
    for phone in written:
        number = phones.read(phone)
        if number is not None and (is_taiwan(number) or not two_way):
            numbers.append(number)
    if all(behaviour_of(number).refused for number in numbers):
        raise refusal("007")
    return numbers


def _send_at(call: Call) -> datetime | None:
    method = call.text("method")
    if method not in {"1", "2"}:
        raise refusal("001")
    if method == "1":
        return None
    written = f"{call.text('send_date')} {call.text('hour')}:{call.text('min')}"
    try:
        # Not `read_time`, which asks for two digits each: the document gives hour and minute no width.
        moment = datetime.strptime(written, "%Y/%m/%d %H:%M").replace(tzinfo=TAIPEI)
    except ValueError:
        raise refusal("002") from None
    if not is_tellable(moment):
        raise refusal("002")
    if moment < call.exchange.clock.now():
        raise refusal("003")
    return moment


def _draft(number: str, text: str, send_at: datetime | None, *, two_way: bool, open_abroad: bool) -> Draft:
    rate = next((rate for prefix, rate in RATES.items() if number.startswith(prefix)), ELSEWHERE)
    cost = Decimal(rate * count_parts(text) * (TWO_WAY if two_way else 1))
    closed = not open_abroad and not is_taiwan(number)
    return Draft(number, text, cost, send_at=send_at, behaviour=behaviour_named("abroad_closed") if closed else None)
