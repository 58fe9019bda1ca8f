"""From a message to the requests it takes: its recipients rendered, told apart and split; nothing sent."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

import attrs
from attrs import field, frozen

from sms_core._engine.rendering import (
    check_lengths,
    check_message,
    check_time,
    needs_of_message,
    needs_of_recipient,
    own_options,
    render,
    rendering_of,
)
from sms_core.clocks import BeginBefore
from sms_core.errors import InvalidMessage, Unsupported
from sms_core.model import Duplicate, Message, UnreadOptions, VendorOptions
from sms_core.provider.info import ProviderInfo
from sms_core.provider.operations import Capability, Destination, Send
from sms_core.serialize import from_data, to_data

Refused = InvalidMessage | Unsupported


@frozen
class Plan:
    """A message checked, rendered and split for one provider; `sms_core.Client.send` takes it as it takes a message.

    ``message`` has its reference. ``rendered`` are its distinct recipients, in order, and ``destinations`` what the
    provider made of them; ``sends`` are the requests that carry those. ``duplicates`` are the recipients that repeat an
    earlier one, and ``refused`` those that cannot be sent to, by their place in ``message.to``.
    """

    message: Message
    rendered: tuple[Destination, ...] = field(repr=lambda rendered: f"<{len(rendered)} recipients>")
    destinations: tuple[Destination, ...] = field(repr=lambda destinations: f"<{len(destinations)} destinations>")
    sends: tuple[Send, ...] = field(repr=lambda sends: f"<{len(sends)} requests>")
    duplicates: tuple[Duplicate, ...] = ()
    refused: Mapping[int, Refused] = field(factory=dict)

    def split(self) -> tuple[Plan, ...]:
        """Plans that can go side by side and be told apart: one for each request.

        A text that takes several requests stays whole: the recipients of a plan share all of their requests.
        """
        number_of = {
            destination.reference: number for number, send in enumerate(self.sends) for destination in send.destinations
        }
        sends_of: dict[int, dict[int, None]] = {}
        for destination in self.destinations:
            numbers = sends_of.setdefault(destination.position, {})
            numbers[number_of[destination.reference]] = None
        together: dict[tuple[int, ...], list[int]] = {}
        for position, numbers in sends_of.items():
            together.setdefault(tuple(numbers), []).append(position)
        rendered = {destination.position: destination for destination in self.rendered}
        return tuple(
            self._part([rendered[position] for position in positions], [self.sends[number] for number in numbers])
            for numbers, positions in together.items()
        )

    def without(self, positions: Collection[int]) -> Plan:
        """The plan without the recipients at these places of ``message.to``. Raises `InvalidMessage` if nobody is left."""
        kept = [destination for destination in self.rendered if destination.position not in positions]
        return self._part(kept, self.sends)

    def begin_before(self, limit: BeginBefore) -> Plan:
        """The same plan, of which no request may begin once ``limit`` has passed: what is left then is not sent.

        That is tested directly before the first byte of each attempt, after login, connect and pauses.
        """
        sends = tuple(attrs.evolve(send, begin_before=limit) for send in self.sends)
        return attrs.evolve(self, sends=sends)

    def _part(self, rendered: Sequence[Destination], sends: Iterable[Send]) -> Plan:
        """The plan of some recipients alone: its message holds nobody else, and they keep their references."""
        places = {destination.position: place for place, destination in enumerate(rendered)}
        recipients = [
            attrs.evolve(self.message.to[destination.position], reference=destination.reference)
            for destination in rendered
        ]
        message = attrs.evolve(self.message, to=recipients)
        parts: list[Send] = []
        for send in sends:
            kept = [destination for destination in send.destinations if destination.position in places]
            if kept:
                parts.append(attrs.evolve(send, message=message, destinations=_moved(kept, places)))
        destinations = [destination for part in parts for destination in part.destinations]
        return Plan(
            message=message,
            rendered=_moved(rendered, places),
            destinations=tuple(sorted(destinations, key=lambda destination: destination.position)),
            sends=tuple(parts),
        )


def _positions(destinations: Iterable[Destination]) -> list[int]:
    return [destination.position for destination in destinations]


def _moved(destinations: Iterable[Destination], places: Mapping[int, int]) -> tuple[Destination, ...]:
    return tuple(attrs.evolve(destination, position=places[destination.position]) for destination in destinations)


Prepare = Callable[[Message, tuple[Destination, ...]], tuple[Destination, ...]]
"""What the hook `sms_prepare` does: check and adapt what is to be sent."""
Check = Callable[[Message, tuple[Destination, ...]], object]
"""What the hook `sms_check` does: raise what an application's rules refuse. What it gives is `preview`'s."""


@frozen
class Judges:
    """Who has a word on a message: the vendor's limits, the vendor, the application's rules."""

    info: ProviderInfo
    prepare: Prepare | None
    check: Check | None


def make_plan(
    message: Message,
    info: ProviderInfo,
    now: datetime | None = None,
    prepare: Prepare | None = None,
    *,
    check: Check | None = None,
    skip_refused: bool = False,
) -> Plan:
    """Check and split a message for one provider; ``prepare`` has the vendor's word on it, ``check`` the application's.

    ``now`` (aware) refuses times in the past; None leaves them, for a message that was sent already. Raises
    `InvalidMessage` naming the field, or `Unsupported` naming the capability. With ``skip_refused`` a recipient that
    would raise is left out, and `Plan.refused` says why; what is wrong with the whole message is raised all the same.
    """
    message = _readable(message)
    if not message.reference:
        message = attrs.evolve(message, reference=secrets.token_hex(8))
    check_message(message, info, now)
    rendered: list[Destination] = []
    refused: dict[int, Refused] = {}
    rendering = rendering_of(message, info, now)
    judges = Judges(info, prepare, check)
    for position, recipient in enumerate(message.to):
        try:
            rendered.append(render(rendering, recipient, position))
        except (InvalidMessage, Unsupported) as error:
            if not skip_refused:
                raise
            refused[position] = error
    if skip_refused:
        distinct, destinations, refused_later = _prepare_some(message, rendered, judges)
        refused |= refused_later
    else:
        distinct = _tell_apart(rendered)
        for refusal in distinct.refused.values():
            raise refusal
        destinations = prepare_all(message, distinct.taken, judges)
        check_references(destinations)
    return Plan(
        message=message,
        rendered=distinct.taken,
        destinations=destinations,
        sends=tuple(split(message, destinations, info)),
        duplicates=distinct.duplicates,
        refused=refused,
    )


@frozen
class _Distinct:
    """Recipients told apart: those to send to, those that repeat one of them, those whose reference another one has."""

    taken: tuple[Destination, ...]
    duplicates: tuple[Duplicate, ...]
    refused: Mapping[int, Refused]


def _tell_apart(rendered: Iterable[Destination]) -> _Distinct:
    taken: dict[tuple[str, str], Destination] = {}
    by_reference: dict[str, Destination] = {}
    duplicates: list[Duplicate] = []
    refused: dict[int, Refused] = {}
    for destination in rendered:
        first = taken.get((destination.number, destination.text))
        if first is not None:
            duplicates.append(Duplicate(destination.position, first.position))
            continue
        owner = by_reference.setdefault(destination.reference, destination)
        if owner is destination:
            taken[destination.number, destination.text] = destination
        else:
            refused[destination.position] = _same_reference(destination, owner)
    return _Distinct(tuple(taken.values()), tuple(duplicates), refused)


def check_references(destinations: Iterable[Destination]) -> None:
    """Each destination has a reference of its own, those too that a provider made of one text."""
    by_reference: dict[str, Destination] = {}
    for destination in destinations:
        owner = by_reference.setdefault(destination.reference, destination)
        if owner is not destination:
            raise _same_reference(destination, owner)


def _same_reference(destination: Destination, owner: Destination) -> InvalidMessage:
    reason = f"{destination.reference!r} is that of {owner.path} too: reports could not be told apart"
    return InvalidMessage(f"{destination.path}.reference", reason)


def prepare_all(message: Message, destinations: tuple[Destination, ...], judges: Judges) -> tuple[Destination, ...]:
    """The destinations as they go out, by the provider's own rules. Raises what it or the application refuses."""
    prepared = destinations
    if judges.prepare is not None:
        prepared = judges.prepare(message, destinations)
    check_lengths(message, prepared, judges.info)
    if judges.check is not None:
        judges.check(message, destinations)  # not the prepared ones, which may be pieces of a text
    return prepared


def _prepare_some(
    message: Message, rendered: Sequence[Destination], judges: Judges
) -> tuple[_Distinct, tuple[Destination, ...], Mapping[int, Refused]]:
    """The same for those whom the provider takes, and why it refuses the others, by their place.

    It is asked about all at once, as it always is. Only if it refuses that, it is asked about each alone; and then again
    about those that are left, since a rule may be about several together.
    """
    refused: dict[int, Refused] = {}
    asked_each = False
    while True:
        left = [destination for destination in rendered if destination.position not in refused]
        distinct = _tell_apart(left)
        try:
            destinations = _prepare_apart(message, distinct.taken, judges)
        except (InvalidMessage, Unsupported) as error:
            if asked_each:
                refused[_position_named(error, distinct.taken)] = error
            else:
                refused |= _refused_alone(message, left, judges)
                asked_each = True
        else:
            return distinct, destinations, {**refused, **distinct.refused}


def _refused_alone(message: Message, destinations: Iterable[Destination], judges: Judges) -> dict[int, Refused]:
    refused: dict[int, Refused] = {}
    for destination in destinations:
        try:
            _prepare_apart(message, (destination,), judges)
        except (InvalidMessage, Unsupported) as error:
            refused[destination.position] = error
    return refused


def _prepare_apart(message: Message, destinations: tuple[Destination, ...], judges: Judges) -> tuple[Destination, ...]:
    """The same in a message to these recipients alone: a provider may look at those of the message too."""
    if not destinations:
        return ()
    positions = _positions(destinations)
    if len(positions) == len(message.to):  # it is to nobody else
        prepared = prepare_all(message, destinations, judges)
        check_references(prepared)
        return prepared
    part = attrs.evolve(message, to=[message.to[position] for position in positions])
    places = {position: place for place, position in enumerate(positions)}
    try:
        prepared = prepare_all(part, _moved(destinations, places), judges)
    except InvalidMessage as error:
        named = _RECIPIENT.match(error.field)
        if named is None or int(named[1]) >= len(positions):
            raise
        raise error.with_field(f"to[{positions[int(named[1])]}]{error.field[named.end() :]}") from error
    prepared = _moved(prepared, dict(enumerate(positions)))
    check_references(prepared)
    return prepared


def _position_named(error: Refused, destinations: Iterable[Destination]) -> int:
    """Whose place an error names. Raises the error if it names nobody's."""
    named = _RECIPIENT.match(error.field) if isinstance(error, InvalidMessage) else None
    if named is None or int(named[1]) not in _positions(destinations):
        raise error
    return int(named[1])


_RECIPIENT = re.compile(r"to\[(\d{1,9})\]", re.ASCII)
"""How the field of an error begins that is about one recipient."""


def check_times(plan: Plan, info: ProviderInfo, now: datetime) -> None:
    """Raise `InvalidMessage` where a time of a plan has passed since it was made."""
    check_time("send_at", plan.message.send_at, now, info)
    for destination in plan.destinations:
        if destination.send_at != plan.message.send_at:
            check_time(f"{destination.path}.send_at", destination.send_at, now, info)


def _readable(message: Message) -> Message:
    """The message with options that crossed from another process read. Raises `ConfigurationError`."""
    if not any(isinstance(options, UnreadOptions) for options in message.options):
        return message
    options = [from_data(to_data(options), VendorOptions) for options in message.options]
    return attrs.evolve(message, options=options)


def takes_one_text(message: Message, info: ProviderInfo) -> bool:
    """Whether the requests that carry this message take one text (and one time) each."""
    if not info.can(Capability.PERSONAL) or own_options(message, info).one_text_per_request:
        return True
    if not info.limits.one_text_with:
        return False
    needs = needs_of_message(message)
    for recipient in message.to:
        needs.extend(needs_of_recipient(recipient))
    return not set(info.limits.one_text_with).isdisjoint(needs)


def split(message: Message, destinations: tuple[Destination, ...], info: ProviderInfo) -> list[Send]:
    """What goes into one request: as many as the vendor takes; where it takes one text, those that share it.

    No request holds a number twice: many vendors' reports name the batch and the number alone.
    """
    if len(destinations) == 1:
        return [Send(message, destinations)]
    groups: dict[object, list[Destination]] = {}
    one_text = takes_one_text(message, info)
    times: dict[tuple[object, str], int] = {}
    for destination in destinations:
        alike = (destination.text, destination.send_at) if one_text else None
        turn = times.get((alike, destination.number), 0)
        times[alike, destination.number] = turn + 1
        groups.setdefault((alike, turn), []).append(destination)
    sends: list[Send] = []
    size = info.limits.recipients
    for group in groups.values():
        starts = range(0, len(group), size)
        sends.extend(Send(message, tuple(group[start : start + size])) for start in starts)
    return sends
