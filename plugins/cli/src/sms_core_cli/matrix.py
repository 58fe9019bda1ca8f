"""What providers can do, side by side. ``sms providers`` and the docs show these rows; `ProviderInfo` is their source."""

from __future__ import annotations

from collections.abc import Sequence

from sms_core.provider import Capability, ProviderInfo, in_words

Row = tuple[str, ...]
NONE = "–"


def matrix(infos: Sequence[ProviderInfo]) -> list[Row]:
    """A header row of names, one row for each capability, and the limits; cells are in words."""
    return [
        ("", *(info.name for info in infos)),
        *(_capability(capability, infos) for capability in Capability),
        ("recipients in one request", *(str(info.limits.recipients) for info in infos)),
        ("characters in a text", *(str(info.limits.text or "any number") for info in infos)),
        ("how far ahead send_at may lie", *(_booking(info) for info in infos)),
        ("countries", *(_countries(info) for info in infos)),
        ("picture", *(_picture(info) for info in infos)),
        ("default host", *(info.default_host or NONE for info in infos)),
    ]


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    header, *rest = rows
    lines = [header, tuple("---" for _ in header), *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _capability(capability: Capability, infos: Sequence[ProviderInfo]) -> Row:
    cells = ["yes" if info.can(capability) else NONE for info in infos]
    return (capability.value, *cells)


def _booking(info: ProviderInfo) -> str:
    if not info.can(Capability.SCHEDULE):
        return NONE
    soonest, latest = info.limits.soonest, info.limits.latest
    bounds = (f"at least {in_words(soonest)}" if soonest else "", f"at most {in_words(latest)}" if latest else "")
    return ", ".join(filter(None, bounds)) or "any time"


def _countries(info: ProviderInfo) -> str:
    if not info.can(Capability.INTERNATIONAL):
        return "+886"
    return "any" if info.limits.countries is None else " ".join(info.limits.countries)


def _picture(info: ProviderInfo) -> str:
    mms = info.limits.mms
    return NONE if mms is None else f"{', '.join(mms.formats)} to {mms.size // 1024} KB"
