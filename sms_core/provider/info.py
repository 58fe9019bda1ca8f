"""What a provider says of itself: its name, what it can do, and its limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import attrs
from attrs import field, frozen

from sms_core.model import VendorOptions
from sms_core.provider.operations import Capability
from sms_core.provider.tariffs import SegmentTariff, Tariff
from sms_core.serialize import register_unstructure, to_data


@frozen
class MmsLimits:
    """What an MMS may be. Lengths in characters, sizes in bytes; picture and text count together."""

    subject_ascii: int
    subject_other: int
    text: int
    size: int
    formats: tuple[str, ...]
    international: bool = False


@frozen
class Limits:
    """What one request may hold. ``text`` is None where the vendor sets no limit.

    ``countries`` are the E.164 prefixes that the vendor sends to, None where it names none. ``one_text_with`` are the
    wishes that this vendor's requests for personal texts do not carry: with them, each text takes a request of its own.
    A ``send_at`` has to lie at least ``soonest`` ahead, and at most ``latest`` (None: any time). ``batches`` is how
    many batch ids one question for reports may name. ``pages`` is how many pages an answer may have, so that a vendor
    that always says that there are more is not asked for ever.
    """

    recipients: int
    text: int | None = None
    mms: MmsLimits | None = None
    countries: tuple[str, ...] | None = None
    one_text_with: tuple[Capability, ...] = ()
    soonest: timedelta = timedelta()
    latest: timedelta | None = None
    batches: int = 1
    pages: int = 1000


def _to_capabilities(capabilities: Iterable[Capability]) -> frozenset[Capability]:
    return frozenset(capabilities)


@frozen
class Replay:
    """The same request may be asked again: the vendor takes it once, and answers as it did the first time.

    It knows each recipient's key (`Destination.reference`) for ``window`` after the first request, in whatever company that
    recipient is asked again. A key that belongs to the whole request is none: such a vendor declares no `Replay`. ``mark`` is what its
    answer holds for a recipient that it had already, in the words of its document.
    """

    window: timedelta
    mark: str


@frozen
class ProviderInfo:
    """What `sms_describe` gives: all that may be known of a provider before it is used.

    ``account_options`` is an attrs class whose fields are the DSN options of this vendor; ``send_options`` the
    class of its `VendorOptions`. ``default_host`` (``host`` or ``host:port``) serves where the DSN
    names none. ``hints`` say what to do instead of something that the provider cannot do. ``replay`` is for vendors
    that take an idempotency key. ``session_doubts`` are the vendor's codes that leave open whether the session is dead:
    `Check` then has to tell.
    """

    name: str
    title: str
    capabilities: frozenset[Capability] = field(converter=_to_capabilities)
    limits: Limits
    default_host: str = ""
    default_scheme: str = "https"
    send_options: type[VendorOptions] | None = None
    account_options: type[Any] | None = None
    tariff: Tariff | SegmentTariff | None = None
    hints: Mapping[Capability, str] = field(factory=dict)
    replay: Replay | None = None
    session_doubts: frozenset[str] = frozenset()

    def can(self, capability: Capability) -> bool:
        """Whether the provider can do this."""
        return capability in self.capabilities


def in_words(span: timedelta) -> str:
    """A span of time as people say it: ``15 minutes``, ``35 days``; one of no whole unit as Python writes it."""
    for unit in ("days", "hours", "minutes", "seconds"):
        count, rest = divmod(span, timedelta(**{unit: 1}))
        if count == 1 and not rest:
            return f"1 {unit.removesuffix('s')}"
        if count and not rest:
            return f"{count} {unit}"
    return str(span)


def limits_with(info: ProviderInfo, **changes: Any) -> ProviderInfo:
    """The same provider with other limits, for those that an account may have of its own."""
    return attrs.evolve(info, limits=attrs.evolve(info.limits, **changes))


def _to_data(info: ProviderInfo) -> dict[str, Any]:
    """What others may know of a provider; classes as the names of their fields."""
    return {
        "name": info.name,
        "title": info.title,
        "capabilities": sorted(capability.value for capability in info.capabilities),
        "limits": to_data(info.limits),
        "default_host": info.default_host,
        "dsn_options": _field_names(info.account_options),
        "send_options": _field_names(info.send_options),
        "tariff": to_data(info.tariff),
        "replay": to_data(info.replay),
    }


def _field_names(kind: type[Any] | None) -> list[str]:
    if kind is None:
        return []
    return [field.name for field in attrs.fields(kind)]


register_unstructure(ProviderInfo, _to_data)
