"""Who would carry whom: a message divided among vendors. Nothing is sent."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic

import attrs
from attrs import frozen

from sms_core import Duplicate, InvalidMessage, Message, Plan, SmsError, Unsupported
from sms_core.provider import Destination, Send
from sms_core_policy.failover.vendors import ClientT, Vendor


@frozen
class Part(Generic[ClientT]):
    """What one vendor would carry of a message. ``places`` are those in the message of the plan's own recipients."""

    vendor: Vendor[ClientT]
    plan: Plan
    places: tuple[int, ...]


@frozen
class Division(Generic[ClientT]):
    """Who would carry whom. ``refused`` are those whom nobody can carry, by their place, with the last vendor's reason."""

    message: Message
    parts: tuple[Part[ClientT], ...]
    refused: Mapping[int, SmsError]

    def plan(self) -> Plan:
        """All parts as one plan, which a failover sends."""
        rendered: list[Destination] = []
        destinations: list[Destination] = []
        sends: list[Send] = []
        duplicates: list[Duplicate] = []
        for part in self.parts:
            rendered += _moved(part.plan.rendered, part.places)
            destinations += _moved(part.plan.destinations, part.places)
            for request in part.plan.sends:
                moved = tuple(_moved(request.destinations, part.places))
                sends.append(attrs.evolve(request, message=self.message, destinations=moved))
            duplicates += [
                Duplicate(part.places[again.position], part.places[again.of]) for again in part.plan.duplicates
            ]
        return Plan(
            message=self.message,
            rendered=tuple(sorted(rendered, key=lambda destination: destination.position)),
            destinations=tuple(sorted(destinations, key=lambda destination: destination.position)),
            sends=tuple(sends),
            duplicates=tuple(duplicates),
            refused={
                place: error for place, error in self.refused.items() if isinstance(error, InvalidMessage | Unsupported)
            },
        )


def _moved(destinations: Iterable[Destination], places: Sequence[int]) -> list[Destination]:
    return [attrs.evolve(destination, position=places[destination.position]) for destination in destinations]


def divide(message: Message, vendors: Sequence[Vendor[ClientT]]) -> Division[ClientT]:
    """Ask each vendor in turn whom it would carry, of those that are left. Sends nothing."""
    message = with_references(message)
    left = list(range(len(message.to)))
    parts: list[Part[ClientT]] = []
    refused: dict[int, SmsError] = {}
    for vendor in vendors:
        if not left:
            break
        part = attrs.evolve(message, to=[message.to[place] for place in left])
        try:
            plan = vendor.client.plan(part, skip_refused=True)
        except (InvalidMessage, Unsupported) as error:
            refused.update(dict.fromkeys(left, error))
            continue
        if plan.sends:
            parts.append(Part(vendor, plan, tuple(left)))
        refused = {left[position]: error for position, error in plan.refused.items()}
        left = list(refused)
    return Division(message, tuple(parts), {place: refused[place] for place in left if place in refused})


def with_references(message: Message) -> Message:
    """The message with a reference for each recipient, the same at each vendor, as a client would make them."""
    reference = message.reference or secrets.token_hex(8)
    several = len(message.to) > 1
    to = [
        recipient
        if recipient.reference
        else attrs.evolve(recipient, reference=f"{reference}-{place}" if several else reference)
        for place, recipient in enumerate(message.to)
    ]
    return attrs.evolve(message, reference=reference, to=to)
