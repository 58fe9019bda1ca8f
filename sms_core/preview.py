"""What a message would come to, without a network: segments, requests, points, and what is doubtful about it."""

from __future__ import annotations

from decimal import Decimal

from attrs import field, frozen

from sms_core.masking import mask
from sms_core.numbers import is_taiwan
from sms_core.operations import Destination
from sms_core.plan import Plan, extra_characters
from sms_core.provider import ProviderInfo, Tariff
from sms_core.text import Encoding, count_segments, utf16_length


@frozen
class RecipientPreview:
    """One recipient's text as it would go out. ``points`` is None where the vendor publishes no prices."""

    number: str = field(repr=mask)
    text: str = field(repr=False)
    characters: int
    encoding: Encoding
    segments: int
    points: Decimal | None


@frozen
class Preview:
    """A whole message before it is sent. ``points`` is an estimate; ``warnings`` say what it leaves open."""

    recipients: tuple[RecipientPreview, ...]
    requests: int
    points: Decimal | None
    warnings: tuple[str, ...]

    @property
    def segments(self) -> int:
        """Segments of all recipients together."""
        return sum(one.segments for one in self.recipients)


def make_preview(plan: Plan, info: ProviderInfo) -> Preview:
    """Count a plan by 3GPP's rules and by the vendor's own price table."""
    extra = extra_characters(plan.message, info)
    picture = None if plan.message.media is None else len(plan.message.media.content)
    rows = tuple(_recipient(one, extra, picture, info.tariff) for one in plan.destinations)
    points = [row.points for row in rows if row.points is not None]
    total = sum(points, Decimal()) if len(points) == len(rows) else None
    return Preview(rows, len(plan.parts), total, tuple(_warnings(plan, rows, info.tariff)))


def _recipient(one: Destination, extra: int, picture: int | None, tariff: Tariff | None) -> RecipientPreview:
    counted = count_segments(one.text)
    characters = utf16_length(one.text) + extra
    segments = 1 if picture is not None else counted.count
    points = None
    if tariff is not None and picture is not None:
        points = tariff.mms_points(picture + len(one.text.encode()))
    elif tariff is not None:
        points = tariff.text_points(characters, abroad=not is_taiwan(one.number))
    return RecipientPreview(one.number, one.text, characters, counted.encoding, segments, points)


def _warnings(plan: Plan, rows: tuple[RecipientPreview, ...], tariff: Tariff | None) -> list[str]:
    warnings = [f"to[{one.position}] repeats to[{one.of}], number and text: it is sent once" for one in plan.duplicates]
    if tariff is None:
        return [*warnings, "this vendor publishes no price table: the points are not known before the send"]
    warnings.extend(tariff.doubts)
    if any(row.characters > tariff.steps[-1] for row in rows) and plan.message.media is None:
        warnings.append(
            f"a text is longer than {tariff.steps[-1]} characters: the vendor splits it, the points are a guess"
        )
    if any(row.segments > 1 and not is_taiwan(row.number) for row in rows):
        warnings.append("a text abroad takes several segments: the vendor sends them apart, the points are a guess")
    return warnings
