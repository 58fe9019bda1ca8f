"""What a failover of either colour is: its vendors, their order, and who would carry whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypedDict, Unpack

import attrs

from sms_core import (
    Callback,
    CallbackRefused,
    CallbackRequest,
    ConfigurationError,
    MalformedResponse,
    Message,
    NotFound,
    Plan,
    Preview,
    ProviderInfo,
    RecipientPreview,
    SendError,
    SendResult,
    SmsError,
    Unsupported,
    VendorError,
)
from sms_core_policy.failover.batches import Batches
from sms_core_policy.failover.division import Division, divide
from sms_core_policy.failover.routing import Rules, send
from sms_core_policy.failover.sending import Sending
from sms_core_policy.failover.vendors import ClientT, Vendor, named
from sms_core_policy.limits import utc_now

Order = Callable[[Message], Sequence[str]]
"""The names of the vendors for a message, the first to be tried first; by its recipients' prefix, say."""


class Options(TypedDict, total=False):
    """What `failover` takes beside a name and clients.

    ``also_after`` are errors of a vendor's refusal after which the next one is tried, `InsufficientCredit` say. ``rest`` is how
    long a vendor rests that cannot be reached, 30 seconds. ``order`` gives the vendors' names for a message. ``clock`` (aware
    times) and ``monotonic`` (seconds) are for tests.
    """

    also_after: Sequence[type[VendorError]]
    rest: timedelta
    order: Order | None
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]


class Failover(Generic[ClientT]):
    """What both colours share."""

    def __init__(self, name: str, clients: Sequence[ClientT], **options: Unpack[Options]) -> None:
        if not clients:
            raise ConfigurationError(f"failover {name!r} needs a client, or several")
        unknown = sorted(set(options) - Options.__optional_keys__)
        if unknown:
            raise TypeError(f"failover() has no option {unknown[0]!r}")
        if options.get("rest", timedelta()) < timedelta():
            raise ConfigurationError(f"failover {name!r}: rest is a time")
        self.name = name
        self.vendors = named(clients)
        self._rules = Rules(
            name,
            tuple(options.get("also_after", ())),
            options.get("rest", timedelta(seconds=30)).total_seconds(),
            options.get("clock", utc_now),
            options.get("monotonic", time.monotonic),
        )
        self._order = options.get("order")
        self._batches = Batches(name, self.vendors)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {', '.join(self.vendors)}>"

    # What an outbox goes by, whose account this is: there it is rows that go from vendor to vendor.

    @property
    def clients(self) -> Mapping[str, ClientT]:
        """The clients by their vendors' names, the first to be tried first."""
        return {name: vendor.client for name, vendor in self.vendors.items()}

    @property
    def also_after(self) -> tuple[type[VendorError], ...]:
        """Errors of a refusal after which the next vendor is tried."""
        return self._rules.refusals

    @property
    def rest(self) -> timedelta:
        """How long a vendor rests that could not be reached."""
        return timedelta(seconds=self._rules.rest)

    def order_of(self, message: Message) -> Sequence[str]:
        """The names of the vendors for a message, the first to be tried first."""
        return [vendor.name for vendor in self._vendors_for(message)]

    @property
    def info(self) -> ProviderInfo:
        """What the first vendor is, with all that any of them can do."""
        infos = [vendor.client.info for vendor in self.vendors.values()]
        capabilities = frozenset[Any]().union(*(info.capabilities for info in infos))
        return attrs.evolve(infos[0], name=self.name, title=", ".join(self.vendors), capabilities=capabilities)

    @property
    def deadline(self) -> float:
        """Seconds that one exchange with each of the vendors may take."""
        return sum(vendor.client.deadline for vendor in self.vendors.values())

    @property
    def has_rules(self) -> bool:
        """Whether each message is judged by itself: it is, since its vendors are chosen for it alone."""
        return True

    def plan(self, message: Message, *, skip_refused: bool = False) -> Plan:
        """Check a message and split it among the vendors, as `sms_core.Client.plan`; `send` takes the plan.

        It says who would be sent to by each in turn; a vendor that rests or fails is passed over when it is sent.
        """
        division = self._divide(message)
        if division.refused and not skip_refused:
            raise division.refused[min(division.refused)]
        return division.plan()

    def preview(self, message: Message | Plan) -> Preview:
        """What the message would come to, and, among the warnings, which vendor would carry whom at what cost."""
        division = self._divide(message if isinstance(message, Message) else _left_of(message))
        if division.refused and isinstance(message, Message):
            raise division.refused[min(division.refused)]
        rows: list[RecipientPreview] = []
        warnings: list[str] = []
        requests = 0
        for part in division.parts:
            shown = part.vendor.client.preview(part.plan)
            rows.extend(shown.recipients)
            requests += shown.requests
            warnings.append(f"{part.vendor.name} would carry {_carried(len(part.plan.rendered), shown.points)}")
            warnings.extend(shown.warnings)
        known = [row.points for row in rows if row.points is not None]
        points = sum(known, Decimal()) if len(known) == len(rows) else None
        return Preview(tuple(rows), requests, points, tuple(warnings))

    def parse_callback(self, request: CallbackRequest) -> Callback:
        """A push, read by the one vendor whose it can be. Raises `CallbackRefused` where it is nobody's, or may be of several.

        A receiver with each vendor's own client knows whose it is by its address.
        """
        taken: list[Callback] = []
        refusals: list[SmsError] = []
        for vendor in self.vendors.values():
            try:
                taken.append(vendor.client.parse_callback(request))
            except (CallbackRefused, MalformedResponse, Unsupported) as error:
                refusals.append(error)
        if not taken:
            raise refusals[0]
        if any(callback != taken[0] for callback in taken):
            raise CallbackRefused("it may be of several vendors: give a receiver the client of each")
        return taken[0]

    def vendor_of(self, batch: str | SendResult) -> Vendor[ClientT]:
        """The vendor that took a batch. Raises `NotFound` where nothing tells."""
        (vendor, _), *others = self._shares(batch)
        if others:
            raise NotFound("several vendors took parts of this: ask for each of its batches")
        return vendor

    def _divide(self, message: Message) -> Division[ClientT]:
        return divide(message, self._vendors_for(message))

    def _vendors_for(self, message: Message) -> list[Vendor[ClientT]]:
        if self._order is None:
            return list(self.vendors.values())
        names = self._order(message)
        unknown = [name for name in names if name not in self.vendors]
        if unknown:
            raise ConfigurationError(f"failover {self.name!r} has no {unknown[0]!r}: it has {', '.join(self.vendors)}")
        return [self.vendors[name] for name in names]

    def _sending(self, message: Message | Plan) -> Sending:
        vendors = self._vendors_for(message if isinstance(message, Message) else message.message)
        return Sending(send(message, vendors, self._rules, self._batches.note))

    def _shares(self, batch: str | SendResult) -> list[tuple[Vendor[ClientT], SendResult | str]]:
        return [(self.vendors[name], share) for name, share in self._batches.shares(batch).items()]

    def _unknown_at(self, unknown: SendResult | SendError) -> tuple[ClientT, SendResult]:
        result = unknown.result if isinstance(unknown, SendError) else unknown
        return self.vendors[self._batches.unknown_at(result)].client, result


def whole(message: str | Message | Plan, to: Any, fields: Mapping[str, Any]) -> Message | Plan:
    """The message that the arguments of a `send` are."""
    if isinstance(message, str):
        return Message(message, () if to is None else to, **fields)
    if to is not None or fields:
        raise TypeError("a Message has its fields already")
    return message


def _left_of(plan: Plan) -> Message:
    """The message to those alone whom a plan sends to."""
    to = [plan.message.to[destination.position] for destination in plan.rendered]
    return attrs.evolve(plan.message, to=to)


def _carried(recipients: int, points: Decimal | None) -> str:
    """Some recipients and their cost, in words."""
    cost = "an unknown number of points" if points is None else f"{points} {'point' if points == 1 else 'points'}"
    return f"{recipients} {'recipient' if recipients == 1 else 'recipients'} for {cost}"
