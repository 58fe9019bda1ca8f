"""The sandbox's face is the vendor as the exchanges show it: two readings of one document agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import attrs
import pytest

from sms_core.callbacks import CallbackRequest
from sms_core.client import Client, connect_provider
from sms_core.errors import AuthenticationFailed, InvalidMessage, SendError, SmsError, VendorError
from sms_core.http import Response
from sms_core.model import Balance, Cancellation, DeliveryReport, InboundMessage, Outcome, SendResult
from sms_core.provider import Capability
from sms_core.testing.clock import Clock
from sms_core.testing.records import Push
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.characters import CHARACTERS, text_with
from sms_core_kit.exchanges import RecordedExchange
from sms_core_kit.subject import NOW, no_sleep

if TYPE_CHECKING:
    from sms_core_sandbox import Sandbox


PUSHED_TO = "https://example.org/push"
"""Where the face pushes to."""


class ExchangeClock(Clock):
    """A clock that stands at the time of the exchange at hand."""

    moment: datetime = NOW

    def now(self) -> datetime:
        """That time."""
        return self.moment


class FaceChecks(Checks):
    """The provider against its face, over real HTTP. None of this is run without a ``face``."""

    @pytest.fixture(scope="class")
    @classmethod
    def box(cls) -> Iterator[Sandbox]:
        """A sandbox with this face alone."""
        from sms_core_sandbox import Sandbox  # noqa: PLC0415 - a distribution of its own, needed for faces alone

        assert cls.face is not None
        with Sandbox(faces={cls.dsn.partition(":")[0]: cls.face}, clock=ExchangeClock()) as box:
            yield box

    def _connect(self, box: Sandbox, exchange: RecordedExchange | None = None, **account: str) -> Client:
        assert isinstance(box.clock, ExchangeClock)
        subject = self.subject
        exchange = exchange or subject.base
        box.reset()
        box.clock.moment = exchange.now or NOW
        options = {**subject.dsn.options, **exchange.options, **account}
        box.callback_url = PUSHED_TO  # for a vendor that signs it; nothing is pushed there
        dsn = box.dsn(subject.dsn.provider, **options)
        box.callback_url = None
        return connect_provider(subject.plugin, dsn, clock=box.clock.now, sleep=no_sleep)

    def test_the_face_takes_what_the_exchange_sends(self, box: Sandbox, taken: RecordedExchange | None) -> None:
        """The same outcomes; and what it accepted are the texts and numbers of the message, no more and no less."""
        assert taken is not None, "no exchange sends one request with success: record one, such as in sends.toml"
        assert taken.message is not None
        recorded = self.subject.play(taken)
        with self._connect(box, taken) as sms:
            result = _sent(sms, taken)
        assert [_row(one) for one in result.outcomes] == [_row(one) for one in recorded.rows]
        accepted = [row.number for row in result.outcomes if row.outcome is Outcome.ACCEPTED]
        assert sorted(one.number for one in box.exchange.accepted) == sorted(accepted)
        plain = {taken.message.text} if not any(one.params or one.text for one in taken.message.to) else None
        if plain is not None and taken.message.media is None and not taken.message.options:
            assert {one.text for one in box.exchange.accepted} == plain

    def test_the_face_gets_every_character(self, box: Sandbox, character: str) -> None:
        """What it accepted is the text; or the provider refused it here."""
        text = text_with(CHARACTERS[character])
        with self._connect(box) as sms:
            try:
                sms.send(self.subject.message(text))
            except InvalidMessage:
                assert not box.exchange.accepted
                return
        assert [one.text for one in box.exchange.accepted] == [text]

    def test_the_face_refuses_a_wrong_password(self, box: Sandbox) -> None:
        """As the vendor does, in words that the provider takes for that."""
        with self._connect(box) as _:
            options = {**self.subject.base.options, "password": "not the password"}
            dsn = box.dsn(self.subject.dsn.provider, **options)
        sms = connect_provider(self.subject.plugin, dsn, clock=box.clock.now, sleep=no_sleep)
        error = _error_of(sms, self.subject.base)
        assert isinstance(error, AuthenticationFailed), f"a wrong password gave {error!r}"
        assert box.exchange.accepted == ()

    def test_the_face_answers_what_is_claimed(self, box: Sandbox, claimed: Capability) -> None:
        """Each operation that the provider claims is understood on both sides."""
        with self._connect(box) as sms:
            message = self.subject.message()
            match claimed:
                case Capability.BALANCE:
                    assert isinstance(sms.balance(), Balance)
                case Capability.REPORTS:
                    result = sms.send(message)
                    reports = list(sms.reports(result))
                    assert all(isinstance(one, DeliveryReport) for one in reports)
                    assert [one.number for one in reports] == [row.number for row in result.outcomes]
                case Capability.INBOUND:
                    result = sms.send(message)
                    box.exchange.reply(result.outcomes[0].number, "好的", result.batch_id or "")
                    replies = list(sms.inbound(result))
                    assert all(isinstance(one, InboundMessage) for one in replies)
                    assert [one.text for one in replies] == ["好的"]
                case Capability.CANCEL:
                    booked = attrs.evolve(message, send_at=self.subject.booking())
                    assert isinstance(sms.cancel(sms.send(booked).batch_id or ""), Cancellation)
                case Capability.PUSHED_REPORTS:
                    row = sms.send(message).outcomes[0]
                    pushed = self._pushed(box, sms, box.exchange.messages[0])
                    assert [type(one) for one in pushed] in ([], [DeliveryReport])
                    assert all(one.number in {"", row.number} for one in pushed)
                case Capability.PUSHED_INBOUND:
                    row = sms.send(message).outcomes[0]
                    pushed = self._pushed(box, sms, box.exchange.reply(row.number, "好的", row.batch_id or ""))
                    assert all((type(one), one.number) == (InboundMessage, row.number) for one in pushed)
                    assert [one.text for one in pushed if isinstance(one, InboundMessage)] in ([], ["好的"])
                case _:
                    assert sms.send(message).accepted == 1

    def _pushed(self, box: Sandbox, sms: Client, pushed: Push) -> list[DeliveryReport | InboundMessage]:
        """What the provider makes of the face's push, whose response the face must take; none where it pushes none."""
        face = box.faces[self.subject.dsn.provider]
        sent = face.push(pushed, PUSHED_TO) if face.push else None
        if sent is None:
            return []
        path, _, query = sent.url.removeprefix("https://").partition("?")
        request = CallbackRequest(sent.method, f"/{path.partition('/')[2]}", query, dict(sent.headers), sent.body)
        callback = sms.parse_callback(request)
        told = callback.response
        assert face.acknowledged(Response(told.status, told.headers, told.body)), f"the face does not take {told!r}"
        return list(callback.events)


def _sent(sms: Client, exchange: RecordedExchange) -> SendResult:
    assert exchange.message is not None
    try:
        return sms.send(exchange.message)
    except SendError as error:
        return error.result


def _row(row: object) -> tuple[object, ...]:
    return getattr(row, "number", None), getattr(row, "outcome", None)


def _error_of(sms: Client, exchange: RecordedExchange) -> SmsError | None:
    assert exchange.message is not None
    try:
        sms.send(exchange.message)
    except SendError as error:
        reasons = [row.error for row in error.result.outcomes if isinstance(row.error, VendorError)]
        return next(iter(reasons), error)
    except SmsError as error:
        return error
    return None
