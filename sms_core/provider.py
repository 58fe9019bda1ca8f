"""What a provider says of itself, and the account that it works for. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any, TypeVar

import attrs
from attrs import field, frozen

from sms_core.model import VendorOptions
from sms_core.numbers import is_taiwan
from sms_core.operations import Capability
from sms_core.text import count_segments, utf16_length

OptionsT = TypeVar("OptionsT")


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
    A ``send_at`` has to lie at least ``soonest`` ahead, and at most ``latest`` (None: any time). ``batches`` is how many
    batch ids one question for reports may name.
    """

    recipients: int
    text: int | None = None
    mms: MmsLimits | None = None
    countries: tuple[str, ...] | None = None
    one_text_with: tuple[Capability, ...] = ()
    soonest: timedelta = timedelta()
    latest: timedelta | None = None
    batches: int = 1


@frozen
class Tariff:
    """A vendor's own price table: a text of up to ``steps[n]`` characters costs ``n + 1`` points.

    ``mms`` pairs a size in bytes with the points of a picture up to that size. ``doubts`` are what the table
    leaves open, in words for the person who budgets with it.
    """

    steps: tuple[int, ...]
    international_factor: int = 1
    mms: tuple[tuple[int, Decimal], ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def longest(self) -> int | None:
        """The characters of the longest text that the table prices; beyond it, the points are a guess."""
        return self.steps[-1]

    def text_points(self, text: str, number: str, extra: int = 0) -> Decimal:
        """Points for a text, and ``extra`` characters that the vendor adds, to a number (E.164).

        A text beyond the last step is split by the vendor: whole steps, and what remains.
        """
        whole, rest = divmod(utf16_length(text) + extra, self.steps[-1])
        points = whole * len(self.steps)
        if rest:
            points += 1 + sum(rest > step for step in self.steps)
        return Decimal(points * (1 if is_taiwan(number) else self.international_factor))

    def mms_points(self, size: int) -> Decimal | None:
        """Points for picture and text of so many bytes; None where the table ends before that."""
        return next((points for most, points in self.mms if size <= most), None)


@frozen
class SegmentTariff:
    """A price for each segment (160/153 or 70/67 characters), by the country that an E.164 prefix stands for.

    A number of a country that is not in ``rates`` has no price.
    """

    rates: Mapping[str, int]
    doubts: tuple[str, ...] = ()

    @property
    def longest(self) -> int | None:
        """None: every length has its price."""
        return None

    def text_points(self, text: str, number: str, extra: int = 0) -> Decimal | None:
        """Points for a text, and ``extra`` characters that the vendor adds, to a number (E.164)."""
        rates = [rate for prefix, rate in self.rates.items() if number.startswith(prefix)]
        return Decimal(rates[0] * count_segments(text + " " * extra).count) if rates else None

    def mms_points(self, size: int) -> Decimal | None:
        """None: this table prices texts alone."""
        del size
        return None


def _to_capabilities(capabilities: Iterable[Capability]) -> frozenset[Capability]:
    return frozenset(capabilities)


@frozen
class ProviderInfo:
    """What `sms_describe` gives: all that may be known of a provider before it is used.

    ``account_options`` is an attrs class whose fields are the DSN options of this vendor; ``send_options`` the
    class of its `VendorOptions`. ``default_host`` (``host`` or ``host:port``) serves where the DSN
    names none. ``hints`` say what to do instead of something that the provider cannot do.
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

    def can(self, capability: Capability) -> bool:
        """Whether the provider can do this."""
        return capability in self.capabilities


@frozen
class NoOptions:
    """The DSN options of a provider that has none."""


@frozen
class Account:
    """Who asks, and where: one account at one vendor. ``base_url`` has no slash at its end."""

    provider: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    base_url: str
    options: object = field(factory=NoOptions)

    def typed_options(self, kind: type[OptionsT]) -> OptionsT:
        """The provider's own DSN options."""
        assert isinstance(self.options, kind), f"the options of {self.provider} are no {kind.__name__}"
        return self.options

    @property
    def key(self) -> str:
        """Tells this account, with these credentials, from any other, without showing them."""
        parts = (self.provider, self.base_url, self.user, self.password)
        return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def in_words(span: timedelta) -> str:
    """A span of time as people say it: ``15 minutes``, ``35 days``; one of no whole unit as Python writes it."""
    for unit in ("days", "hours", "minutes", "seconds"):
        count, rest = divmod(span, timedelta(**{unit: 1}))
        if count and not rest:
            return f"{count} {unit if count > 1 else unit[:-1]}"
    return str(span)


def limits_with(info: ProviderInfo, **changes: Any) -> ProviderInfo:
    """The same provider with other limits, for those that an account may have of its own."""
    return attrs.evolve(info, limits=attrs.evolve(info.limits, **changes))
