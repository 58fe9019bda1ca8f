"""Limits are enforced before anything is sent, and what is within them is sent whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs

from sms_core.errors import InvalidMessage, Unsupported
from sms_core.model import Media, Message
from sms_core.numbers import is_taiwan, to_e164
from sms_core.provider import Capability, MmsLimits
from sms_core.testing import FakeTransport
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.capabilities import ABROAD
from sms_core_kit.stage import NOW
from sms_core_kit.subject import Subject

LONG_ENOUGH = 500
"""Characters of a long text for a vendor that sets no limit."""


def _mms(of: Subject, **fields: Any) -> Message:
    return attrs.evolve(of.message("a", media=of.picture()), **fields)


def _mms_limits(subject: Subject) -> MmsLimits:
    assert subject.info.limits.mms is not None
    return subject.info.limits.mms


def _too_large(subject: Subject) -> Media:
    picture = subject.picture()
    return Media(picture.content.ljust(_mms_limits(subject).size, b"\0"), picture.format)


def _booked(subject: Subject, limit: timedelta | None, seconds: int) -> datetime:
    return (subject.base.now or NOW) + (limit or timedelta()) + timedelta(seconds=seconds)


TOO_MUCH: Mapping[str, tuple[str, Callable[[Subject], Message]]] = {
    "text": ("text", lambda subject: subject.message("a" * ((subject.info.limits.text or 0) + 1))),
    "countries": ("to[0].number", lambda subject: subject.message(to=number_of_nowhere(subject) or "")),
    "soonest": ("send_at", lambda subject: subject.message(send_at=_booked(subject, subject.info.limits.soonest, -1))),
    "latest": ("send_at", lambda subject: subject.message(send_at=_booked(subject, subject.info.limits.latest, 1))),
    "mms text": ("text", lambda subject: _mms(subject, text="a" * (_mms_limits(subject).text + 1))),
    "mms subject": ("subject", lambda subject: _mms(subject, subject="a" * (_mms_limits(subject).subject_ascii + 1))),
    "mms size": ("media.content", lambda subject: _mms(subject, media=_too_large(subject))),
    "mms format": ("media.format", lambda subject: _mms(subject, media=Media(b"BM", "bmp"))),
}
"""By the name of a limit: the field that `InvalidMessage` names, and a message that is just beyond it."""


def number_of_nowhere(subject: Subject) -> str | None:
    """A number of a country that the vendor does not serve; None if it names none."""
    countries = subject.info.limits.countries
    if countries is None:
        return None
    return next((number for number in ABROAD if not number.startswith(countries)), None)


def limits_of(subject: Subject) -> list[str]:
    """The names of the limits that the provider tells."""
    limits = subject.info.limits
    books = subject.info.can(Capability.SCHEDULE)
    told = {
        "text": limits.text is not None,
        "countries": number_of_nowhere(subject) is not None,
        "soonest": books and limits.soonest > timedelta(seconds=1),
        "latest": books and limits.latest is not None,
    }
    return ["recipients", *(name for name in TOO_MUCH if told.get(name, limits.mms is not None))]


class LimitChecks(Checks):
    """The limits of `ProviderInfo`."""

    def test_limits_hold_before_sending(self, limit: str) -> None:
        """One recipient too many takes a second request; anything else too much is refused, and nothing is sent."""
        subject = self.subject
        if limit == "recipients":
            many = _numbers(subject, subject.info.limits.recipients + 1)
            sms = subject.connect(FakeTransport(()), subject.base.options, now=subject.base.now)
            assert sms.preview(subject.message(to=many[1:])).requests == 1
            assert sms.preview(subject.message(to=many)).requests == 2  # noqa: PLR2004 - one more than one
            return
        field, make = TOO_MUCH[limit]
        error, requests = subject.refused(make(subject))
        assert requests == [], f"a message beyond the limit {limit!r} was sent"
        assert isinstance(error, InvalidMessage | Unsupported), f"a message beyond the limit {limit!r} gave {error!r}"
        if isinstance(error, InvalidMessage):
            assert error.field == field

    def test_the_longest_text_is_sent_whole(self) -> None:
        """Two texts as long as may be that differ at their end become different requests: nothing is cut off."""
        length = (self.subject.info.limits.text or LONG_ENOUGH) - 1
        first, second = (self.subject.requests_of(self.subject.message("a" * length + end)) for end in "bc")
        assert first != second, f"the end of a text of {length + 1} characters is not in the request"


def _numbers(subject: Subject, count: int) -> list[str]:
    number = to_e164(subject.message().to[0].number)
    assert is_taiwan(number) or len(number) > len(str(count))
    width = len(str(count))
    return [f"{number[:-width]}{n:0{width}}" for n in range(count)]
