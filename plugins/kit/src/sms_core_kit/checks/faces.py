"""The sandbox's face is the vendor as the recordings show it: two readings of one document agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import attrs
import pytest

from sms_core import Client
from sms_core.callbacks import CallbackRequest
from sms_core.errors import AuthenticationFailed, InvalidMessage, SendError, SmsError, VendorError
from sms_core.http import Response
from sms_core.model import (
    Balance,
    Cancellation,
    DeliveryReport,
    InboundMessage,
    Outcome,
    Recipient,
    RecipientOutcome,
    SendResult,
)
from sms_core.provider import Capability
from sms_core.testing import Clock, Push, connect_provider
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.characters import CHARACTERS, text_with
from sms_core_kit.checks.findings import Findings
from sms_core_kit.checks.outcomes import is_taken
from sms_core_kit.recordings import Recording
from sms_core_kit.sandboxes import open_sandbox
from sms_core_kit.stage import NOW, no_sleep

if TYPE_CHECKING:
    from sms_core_sandbox import Sandbox


PUSHED_TO = "https://example.org/push"
"""Where the face pushes to."""


class RecordingClock(Clock):
    """A clock that stands at the time of the recording at hand."""

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
        assert cls.face is not None
        with open_sandbox(faces={cls.dsn.partition(":")[0]: cls.face}, clock=RecordingClock()) as box:
            yield box

    def _connect(self, box: Sandbox, recording: Recording | None = None, **account: str) -> Client:
        """A client of an empty sandbox, at the recording's time."""
        assert isinstance(box.clock, RecordingClock)
        subject = self.subject
        recording = recording or subject.base
        box.reset()
        box.clock.moment = recording.now or NOW
        options = {**subject.dsn.options, **recording.options, **account}
        box.callback_url = PUSHED_TO  # for a vendor that signs it; nothing is pushed there
        dsn = box.dsn(subject.dsn.provider, **options)
        box.callback_url = None
        return connect_provider(subject.plugin, dsn, clock=box.clock.now, sleep=no_sleep)

    def test_the_face_takes_what_is_recorded(self, box: Sandbox) -> None:
        """The same outcomes; and what it accepted are the texts and numbers of the message, no more and no less."""
        findings = Findings()
        for recording in self.subject.book.recordings:
            if is_taken(self.subject, recording):
                with findings.of(str(recording)):
                    self._takes(box, recording)
        findings.tell()

    def _takes(self, box: Sandbox, recording: Recording) -> None:
        assert recording.message is not None
        with self._connect(box, recording) as sms:
            result = _sent(sms, recording)
        recorded = self.subject.played(recording)
        assert [_row(row) for row in result.outcomes] == [_row(row) for row in recorded.rows]
        taken = box.exchange.accepted
        accepted = [row.number for row in result.outcomes if row.outcome is Outcome.ACCEPTED]
        assert sorted(message.number for message in taken) == sorted(accepted)
        is_plain = not any(recipient.params or recipient.text for recipient in recording.message.to)
        if is_plain and recording.message.media is None and not recording.message.options:
            assert {message.text for message in taken} == {recording.message.text}

    def test_the_face_gets_every_character(self, box: Sandbox) -> None:
        """What it accepted is the text; or the provider refused it here."""
        findings = Findings()
        with self._connect(box) as sms:
            for name, characters in CHARACTERS.items():
                with findings.of(name):
                    self._gets(box, sms, text_with(characters))
        findings.tell()

    def _gets(self, box: Sandbox, sms: Client, text: str) -> None:
        before = len(box.exchange.accepted)
        expected = [text]
        try:
            sms.send(self.subject.message(text, reference=f"kit-{before}"))  # some vendors take a reference once
        except InvalidMessage:
            expected = []
        assert [message.text for message in box.exchange.accepted[before:]] == expected

    def test_the_face_refuses_a_wrong_password(self, box: Sandbox) -> None:
        """As the vendor does, in words that the provider takes for that."""
        with self._connect(box, password="not the password") as sms:  # noqa: S106 - nobody's
            error = _error_of(sms, self.subject.base)
        assert isinstance(error, AuthenticationFailed), f"a wrong password gave {error!r}"
        assert box.exchange.accepted == ()

    def test_the_face_takes_a_replay_once(self, box: Sandbox) -> None:
        """A send whose answer is lost, asked again under its keys, is sent once; without a key it is not asked again.

        Each recipient is asked about by itself, as an outbox may do: a key that is the whole request's is no `Replay`.
        """
        message = self.subject.message(to=self._recipients(), reference="")
        with self._connect(box) as sms:
            box.faults.add("drop_after", times=1)
            result = _sent(sms, attrs.evolve(self.subject.base, message=message))
            settled = [sms.settle(attrs.evolve(result, outcomes=(row,)), replay=True) for row in result.outcomes]
        taken, sent_to = len(box.exchange.accepted), len(message.to)
        assert taken == sent_to, f"{taken} texts were taken, of {sent_to} recipients"
        outcomes = {row.outcome for result in settled for row in result.outcomes}
        assert outcomes == {Outcome.ACCEPTED} or self.subject.info.replay is None

    def _recipients(self) -> tuple[Recipient, ...]:
        """Two of one request, where it may hold two; the second one's number is the first one's neighbour."""
        (first,) = self.subject.message().to
        neighbour = f"{first.number[:-1]}{(int(first.number[-1]) + 1) % 10}"
        both = (Recipient(first.number, reference="kit-1"), Recipient(neighbour, reference="kit-2"))
        return both[: self.subject.info.limits.recipients]

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
                    assert all(isinstance(report, DeliveryReport) for report in reports)
                    assert [report.number for report in reports] == [row.number for row in result.outcomes]
                case Capability.INBOUND:
                    result = sms.send(message)
                    box.exchange.reply(result.outcomes[0].number, "好的", result.batch_id or "")
                    replies = list(sms.inbound(result))
                    assert all(isinstance(reply, InboundMessage) for reply in replies)
                    assert [reply.text for reply in replies] == ["好的"]
                case Capability.CANCEL:
                    booked = attrs.evolve(message, send_at=self.subject.booking())
                    assert isinstance(sms.cancel(sms.send(booked).batch_id or ""), Cancellation)
                case Capability.PUSHED_REPORTS:
                    row = sms.send(message).outcomes[0]
                    pushed = self._pushed(box, sms, box.exchange.messages[0])
                    assert [type(event) for event in pushed] in ([], [DeliveryReport])
                    assert all(event.number in {"", row.number} for event in pushed)
                case Capability.PUSHED_INBOUND:
                    row = sms.send(message).outcomes[0]
                    pushed = self._pushed(box, sms, box.exchange.reply(row.number, "好的", row.batch_id or ""))
                    assert all((type(event), event.number) == (InboundMessage, row.number) for event in pushed)
                    assert [event.text for event in pushed if isinstance(event, InboundMessage)] in ([], ["好的"])
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


def _sent(sms: Client, recording: Recording) -> SendResult:
    assert recording.message is not None
    try:
        return sms.send(recording.message)
    except SendError as error:
        return error.result


def _row(row: RecipientOutcome) -> tuple[str, Outcome]:
    return row.number, row.outcome


def _error_of(sms: Client, recording: Recording) -> SmsError | None:
    assert recording.message is not None
    try:
        sms.send(recording.message)
    except SendError as error:
        reasons = [row.error for row in error.result.outcomes if isinstance(row.error, VendorError)]
        return next(iter(reasons), error)
    except SmsError as error:
        return error
    return None
