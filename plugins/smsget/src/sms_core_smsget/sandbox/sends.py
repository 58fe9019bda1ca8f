"""Chapters 1, 3 and 5: what the vendor does with a text, what it costs, and what is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from attrs import frozen

from sms_core.provider import TAIPEI
from sms_core.testing import Draft, behaviour_named, behaviour_of
from sms_core.testing.records import current_allowance
from sms_core.text import utf16_length
from sms_core_smsget.sandbox.calls import Call, Refusal
from sms_core_smsget.sandbox.phones import read

NAME = "sms-get"
MOST_RECIPIENTS = 250
RATES = {"+886": 1, "+852": 1, "+86": 2}
ELSEWHERE = 3
"""The points of a text to any other country: the document has no price, so this one is made up."""
TWO_WAY = 2
"""Recorded: a two-way text uses two points."""


@frozen
class Sends:
    """The two pages that send; they share the ids that grow."""

    ids: Iterator[int]

    def one_way(self, call: Call) -> str:
        """Chapter 1."""
        return self._send(call, two_way=False)

    def two_way(self, call: Call) -> str:
        """Chapter 3: numbers of Taiwan only."""
        return self._send(call, two_way=True)

    def _send(self, call: Call, *, two_way: bool) -> str:
        user = call.user()
        send_at = _send_at(call)
        text = call.text("sms_msg")
        if not text:
            raise Refusal("001")
        numbers = _numbers(call, two_way=two_way)
        open_abroad = call.exchange.account(user).international
        drafts = [_draft(number, text, send_at, two_way=two_way, open_abroad=open_abroad) for number in numbers]
        # The answer has no place for a part of the recipients, so the points are counted before.
        allowance = current_allowance()
        if allowance is not None and allowance.left < len(drafts):
            raise Refusal("009")
        if sum(draft.cost for draft in drafts) > call.exchange.account(user).credit:
            raise Refusal("009")
        batch = call.exchange.submit(user, drafts, face=NAME, batch_id=str(next(self.ids)))
        return f"{batch.batch_id}|{batch.cost:f}|{batch.credit:f}"


def query_credit(call: Call) -> str:
    """Chapter 5."""
    user = call.user()
    return f"{user}|{call.exchange.account(user).credit:f}"


def _numbers(call: Call, *, two_way: bool) -> list[str]:
    """Who is to get it, E.164. What is in no form is left out without a word: the answer has no place for it."""
    phones = [one for one in call.text("phone").split(",") if one.strip()]
    if len(phones) > MOST_RECIPIENTS:
        raise Refusal("008")
    numbers = [number for number in map(read, phones) if number and (number.startswith("+886") or not two_way)]
    if all(behaviour_of(number).refused for number in numbers):
        raise Refusal("007")
    return numbers


def _send_at(call: Call) -> datetime | None:
    method = call.text("method")
    if method not in {"1", "2"}:
        raise Refusal("001")
    if method == "1":
        return None
    written = f"{call.text('send_date')} {call.text('hour')}:{call.text('min')}"
    try:
        moment = datetime.strptime(written, "%Y/%m/%d %H:%M").replace(tzinfo=TAIPEI)
    except ValueError:
        raise Refusal("002") from None
    if moment < call.exchange.clock.now():
        raise Refusal("003")
    return moment


def _draft(number: str, text: str, send_at: datetime | None, *, two_way: bool, open_abroad: bool) -> Draft:
    rate = next((rate for prefix, rate in RATES.items() if number.startswith(prefix)), ELSEWHERE)
    cost = Decimal(rate * _segments(text) * (TWO_WAY if two_way else 1))
    closed = not open_abroad and not number.startswith("+886")
    return Draft(number, text, cost, send_at=send_at, behaviour=behaviour_named("abroad_closed") if closed else None)


def _segments(text: str) -> int:
    """純英文 160 個字內算一則, 超過每 153; 中英文 70 個字內, 超過每 67."""
    single, joined = (160, 153) if text.isascii() else (70, 67)
    length = utf16_length(text)
    return 1 if length <= single else -(-length // joined)
