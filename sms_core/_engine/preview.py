"""What a message would come to, without a network: segments, requests, points, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from attrs import field, frozen

from sms_core._engine.plan import Plan
from sms_core._engine.rendering import own_options
from sms_core.masking import mask
from sms_core.model import Media, VendorOptions
from sms_core.numbers import is_taiwan
from sms_core.provider.info import ProviderInfo
from sms_core.provider.operations import Destination
from sms_core.provider.tariffs import SegmentTariff, Tariff
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
        return sum(recipient.segments for recipient in self.recipients)


def make_preview(plan: Plan, info: ProviderInfo, warnings: Sequence[str] = ()) -> Preview:
    """Count a plan by 3GPP's rules and by the vendor's own price table. ``warnings`` are those of the plugins' rules."""
    options = own_options(plan.message, info)
    media = plan.message.media
    rows = tuple(_recipient(destination, media, options, info.tariff) for destination in plan.destinations)
    points = [row.points for row in rows if row.points is not None]
    total = None
    if len(points) == len(rows):
        total = sum(points, Decimal())
    return Preview(rows, len(plan.sends), total, (*_warnings(plan, rows, info.tariff), *warnings))


def _recipient(
    destination: Destination, media: Media | None, options: VendorOptions, tariff: Tariff | SegmentTariff | None
) -> RecipientPreview:
    counted = count_segments(destination.text)
    points = None
    if tariff is not None and media is not None:
        points = tariff.mms_points(len(media.content) + len(destination.text.encode()))
    elif tariff is not None:
        points = tariff.text_points(destination.text, destination.number, options.extra_characters)
        if points is not None:
            points *= options.price_factor
    return RecipientPreview(
        number=destination.number,
        text=destination.text,
        characters=utf16_length(destination.text) + options.extra_characters,
        encoding=counted.encoding,
        segments=counted.count if media is None else 1,
        points=points,
    )


def _warnings(plan: Plan, rows: tuple[RecipientPreview, ...], tariff: Tariff | SegmentTariff | None) -> list[str]:
    warnings = [
        f"to[{duplicate.position}] repeats to[{duplicate.of}], number and text: it is sent once"
        for duplicate in plan.duplicates
    ]
    if tariff is None:
        return [*warnings, "this vendor publishes no price table: the points are not known before the send"]
    warnings.extend(tariff.doubts)
    longest = tariff.longest
    if longest is not None and plan.message.media is None and any(row.characters > longest for row in rows):
        warnings.append(f"a text is longer than {longest} characters: the vendor splits it, the points are a guess")
    if any(row.segments > 1 and not is_taiwan(row.number) for row in rows):
        warnings.append("a text abroad takes several segments: the vendor sends them apart, the points are a guess")
    return warnings
