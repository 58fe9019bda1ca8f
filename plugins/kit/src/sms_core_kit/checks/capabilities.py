"""Capabilities tell the truth: what is claimed works, what is not claimed is refused by name and unasked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import attrs

from sms_core.callbacks import CallbackRequest
from sms_core.errors import CallbackRefused, Unsupported
from sms_core.model import Message, Recipient
from sms_core.numbers import is_taiwan, to_e164
from sms_core.provider import Cancel, Capability, FindSent, GetBalance, GetInbound, GetReports, Operation, Session
from sms_core_kit import recordings
from sms_core_kit.checks.base import Checks
from sms_core_kit.recordings import RecordedCallback
from sms_core_kit.stage import NOW
from sms_core_kit.subject import Subject

ABROAD = ("+12025550100", "+4915100000000", "+441632960000", "+33600000000", "+819000000001", "+85254000123")
"""Numbers of several countries, to find one that a vendor serves or does not."""

ASKED: Mapping[Capability, tuple[recordings.Operation, Operation[Any]]] = {
    Capability.BALANCE: ("balance", GetBalance()),
    Capability.REPORTS: ("reports", GetReports("1")),
    Capability.INBOUND: ("inbound", GetInbound("1")),
    Capability.CANCEL: ("cancel", Cancel("1")),
    Capability.SETTLE: ("settle", FindSent(Message("text", "+886900000001"), "text", ("+886900000001",))),
}
"""The capabilities that are operations: the name in a file of recordings, and the operation itself."""

PUSHED = {Capability.PUSHED_REPORTS: "report", Capability.PUSHED_INBOUND: "inbound"}


def _to(subject: Subject, **fields: Any) -> Recipient:
    return attrs.evolve(subject.message().to[0], **fields)


EXAMPLES: Mapping[Capability, Callable[[Subject], Message]] = {
    Capability.SUBJECT: lambda subject: subject.message(subject="主旨 subject"),
    Capability.SCHEDULE: lambda subject: subject.message(send_at=subject.booking()),
    Capability.VALIDITY: lambda subject: subject.message(validity=timedelta(hours=2)),
    Capability.EMAIL: lambda subject: subject.message(to=_to(subject, email="nobody@example.org")),
    Capability.MMS: lambda subject: subject.message(media=subject.picture()),
}
"""What a message can ask for: where it is claimed it changes the request, or it is not carried."""


def second_number(number: str) -> str:
    """Another number beside this one."""
    e164 = to_e164(number)
    return f"{e164[:-1]}{(int(e164[-1]) + 1) % 10}"


def number_abroad(subject: Subject) -> str | None:
    """A foreign number that the vendor serves: one that a recording shows, or one of `ABROAD`."""
    messages = [recording.message for recording in subject.book.recordings if recording.succeeds]
    shown = [to_e164(recipient.number) for message in messages if message is not None for recipient in message.to]
    countries = subject.info.limits.countries
    served = [number for number in ABROAD if countries is None or number.startswith(countries)]
    return next((number for number in [*shown, *served] if not is_taiwan(number)), None)


class CapabilityChecks(Checks):
    """What the provider says of itself, in both directions."""

    def test_what_is_claimed_works(self, claimed: Capability) -> None:
        """An operation has a recording that succeeds; a wish changes the request; a push is recorded."""
        if claimed in ASKED:
            self._operation_is_recorded(claimed)
        elif claimed in PUSHED:
            self._push_is_recorded(claimed)
        elif claimed in EXAMPLES:
            self._field_changes_the_request(claimed)
        elif claimed is Capability.INTERNATIONAL:
            number = number_abroad(self.subject)
            assert number, "INTERNATIONAL is claimed, and no recording sends to a foreign number: add one"
            requests = self.subject.requests_of(self.subject.message(to=number))
            assert requests, "no request was made for a foreign number"
        elif claimed is Capability.PERSONAL:
            self._second_text_changes_the_request()
        else:
            requests = self.subject.requests_of(self.subject.message())
            assert requests, f"{claimed.name} is claimed, and no request was made"

    def _operation_is_recorded(self, capability: Capability) -> None:
        name, _ = ASKED[capability]
        recorded = [recording for recording in self.subject.book.recordings if recording.operation == name]
        advice = f'add one with operation = "{name}", such as in {name}.toml'
        succeeded = any(recording.succeeds for recording in recorded)
        assert succeeded, f"{capability.name} is claimed, and no recording shows it: {advice}"

    def _push_is_recorded(self, capability: Capability) -> None:
        kind = PUSHED[capability]
        advice = f'add a [[callback]] with an event of kind = "{kind}", such as in callbacks.toml'
        pushes = _pushes_of(self.subject, kind)
        assert pushes, f"{capability.name} is claimed, and no callback shows it: {advice}"

    def _field_changes_the_request(self, capability: Capability) -> None:
        plain = self.subject.requests_of(self.subject.message())
        asked = self.subject.requests_of(EXAMPLES[capability](self.subject))
        assert asked != plain, f"{capability.name} is claimed, and the request is the same without it"

    def _second_text_changes_the_request(self) -> None:
        first, second = (self.subject.requests_of(_personal(self.subject, text)) for text in ("乙", "丙"))
        assert len(first) == 1, f"PERSONAL is claimed, and two texts take {len(first)} requests"
        assert first != second, "PERSONAL is claimed, and the request is the same whatever the second text is"

    def test_what_is_not_claimed_is_refused(self, unclaimed: Capability | None) -> None:
        """`Unsupported` names it, nothing is sent, and the provider itself builds no request for it."""
        if unclaimed is None:
            assert self.subject.info.capabilities == frozenset(Capability)
        elif unclaimed in ASKED:
            self._operation_is_refused(unclaimed)
        elif unclaimed in PUSHED:
            self._push_is_refused(unclaimed)
        elif unclaimed is Capability.PERSONAL:
            requests = self.subject.requests_of(_personal(self.subject, "乙"))
            assert len(requests) > 1, "personal texts went in one request"
        else:
            self._wish_is_refused(unclaimed)

    def _operation_is_refused(self, capability: Capability) -> None:
        subject = self.subject
        name, operation = ASKED[capability]
        if capability is not Capability.SETTLE:  # `Client.settle` has other witnesses too
            arguments = recordings.Arguments("" if name == "balance" else "1")
            asked = attrs.evolve(subject.base, operation=name, message=None, arguments=arguments)
            played = subject.play(asked, ())
            assert isinstance(played.error, Unsupported), f"{name} is not claimed, and gave {played!r}"
            assert (played.error.capability, played.requests) == (capability.value, [])
        try:
            request = subject.hooks().request(Session("token", NOW), operation)
        except Unsupported:
            return
        assert request is None, f"{capability.name} is not claimed, and sms_send builds a request for it: claim it"

    def _push_is_refused(self, capability: Capability) -> None:
        subject = self.subject
        shown = _pushes_of(subject, PUSHED[capability])
        assert not shown, f"{capability.name} is not claimed, and {shown[0]} shows it: claim it"
        if subject.info.capabilities.isdisjoint(PUSHED):
            try:
                callback = subject.hooks().parse_callback(CallbackRequest("POST", "/"))
            except (Unsupported, CallbackRefused):
                return
            raise AssertionError(f"{capability.name} is not claimed, and a push gave {callback!r}")

    def _wish_is_refused(self, capability: Capability) -> None:
        abroad = {Capability.INTERNATIONAL: self.subject.message(to=ABROAD[0])}
        message = abroad.get(capability) or EXAMPLES[capability](self.subject)
        error, requests = self.subject.refused(message)
        assert isinstance(error, Unsupported), f"{capability.name} is not claimed, and was taken: {error!r}"
        assert (error.capability, requests) == (capability.value, [])


def _pushes_of(subject: Subject, kind: str) -> list[RecordedCallback]:
    return [push for push in subject.book.callbacks if any(event["kind"] == kind for event in push.events)]


def _personal(subject: Subject, text: str) -> Message:
    """Two recipients with texts of their own; ``text`` is the second one's."""
    first = subject.message().to[0]
    other = attrs.evolve(first, number=second_number(first.number))
    return subject.message("", to=[attrs.evolve(first, text="甲"), attrs.evolve(other, text=text)])
