"""Messages that share a request: put together before it leaves, told apart after it was answered.

Messages go together that could be recipients of one message: their settings are equal, the vendor's own rules take them
together, and all fit into one request. Some never do:

* A message with a ``send_at``: a booking that holds two orders can't be cancelled for one.
* Two with the same number: of what is unknown, nobody could say which one the vendor took.
* Two with the same reference: reports could not be told apart.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import attrs
from attrs import field, frozen

from sms_core._engine.plan import Judges, Plan, Prepare, check_references, prepare_all, split, takes_one_text
from sms_core._engine.preview import make_preview
from sms_core.model import Message, Outcome, Recipient, SendResult
from sms_core.numbers import is_taiwan
from sms_core.provider.info import ProviderInfo
from sms_core.provider.operations import Destination


@frozen(repr=False)
class Member:
    """A message of a bulk: its place, the message or plan as it was given, and its plan."""

    index: int
    item: Message | Plan
    plan: Plan


@frozen(repr=False)
class Group:
    """Messages that go out together. ``plan`` is of all of them, or of the only one."""

    members: tuple[Member, ...]
    plan: Plan


def alone(member: Member) -> Group:
    """A group of one: its message goes out as it would by itself."""
    return Group((member,), member.plan)


@frozen(repr=False)
class Grouping:
    """Which messages go together: up to ``size`` recipients a request; with 1 each message goes by itself."""

    info: ProviderInfo
    prepare: Prepare
    size: int = 1

    def groups(self, members: Sequence[Member]) -> list[Group]:
        """As few groups as hold these messages, each of one request at most, in the order of their first messages."""
        if self.size == 1:
            return [alone(member) for member in members]
        return _gather(members, self.size, self.info, self.prepare)


def _gather(members: Iterable[Member], size: int, info: ProviderInfo, prepare: Prepare) -> list[Group]:
    gathered: list[_Gathered] = []
    apart: list[Member] = []
    for member in members:
        if not _may_share(member.plan):
            apart.append(member)
            continue
        settings = _settings(member.plan, info)
        room = next((group for group in gathered if group.has_room(member, settings)), None)
        if room is None:
            room = _Gathered(settings, size)
            gathered.append(room)
        room.add(member)
    groups = [group for found in gathered for group in _taken_together(found.members, info, prepare)]
    groups.extend(map(alone, apart))
    return sorted(groups, key=lambda group: group.members[0].index)


def _may_share(plan: Plan) -> bool:
    return len(plan.sends) == 1 and all(destination.send_at is None for destination in plan.destinations)


def _settings(plan: Plan, info: ProviderInfo) -> tuple[object, ...]:
    """What has to be equal in messages that share a request."""
    message = plan.message
    text = plan.rendered[0].text if takes_one_text(message, info) else None
    return text, message.subject, message.validity, message.media, message.options


@frozen(repr=False)
class _Gathered:
    settings: tuple[object, ...]
    size: int
    members: list[Member] = field(factory=list)
    destinations: list[Destination] = field(factory=list)
    numbers: set[str] = field(factory=set)
    references: set[str] = field(factory=set)

    def has_room(self, member: Member, settings: tuple[object, ...]) -> bool:
        added = member.plan.destinations
        return (
            len(self.destinations) + len(added) <= self.size
            and settings == self.settings
            and self.numbers.isdisjoint([destination.number for destination in added])
            and self.references.isdisjoint([destination.reference for destination in added])
        )

    def add(self, member: Member) -> None:
        self.members.append(member)
        self.destinations.extend(member.plan.destinations)
        self.numbers.update(destination.number for destination in member.plan.destinations)
        self.references.update(destination.reference for destination in member.plan.destinations)


def _taken_together(members: Sequence[Member], info: ProviderInfo, prepare: Prepare) -> Iterator[Group]:
    """The group of these; what the vendor takes alone and not together is halved until it does."""
    if len(members) == 1:
        yield alone(members[0])
        return
    try:
        plan = _join([member.plan for member in members], info, prepare)
    except Exception:  # noqa: BLE001 - whatever it is, it is about several together: each was planned by itself before
        half = len(members) // 2
        yield from _taken_together(members[:half], info, prepare)
        yield from _taken_together(members[half:], info, prepare)
    else:
        yield Group(tuple([attrs.evolve(member, plan=_with_references(member.plan)) for member in members]), plan)


def _join(plans: Sequence[Plan], info: ProviderInfo, prepare: Prepare) -> Plan:
    """One plan for the recipients of all, who keep their references. Raises what the vendor's rules say to that."""
    rendered = [destination for plan in plans for destination in plan.rendered]
    texts = {destination.text for destination in rendered}
    shared = texts.pop() if len(texts) == 1 else None
    # Each has its text as it goes out: another message's text may have the same placeholders, or braces that are none.
    rendered = [
        attrs.evolve(destination, position=position, params=None, own_text=shared is None)
        for position, destination in enumerate(rendered)
    ]
    recipients = [
        Recipient(
            destination.number,
            destination.name,
            destination.email,
            text=destination.text if shared is None else None,
            reference=destination.reference,
        )
        for destination in rendered
    ]
    message = attrs.evolve(plans[0].message, text=shared or "", to=recipients, reference=secrets.token_hex(8))
    # Without the application's rules, which have judged each message when it was planned.
    destinations = prepare_all(message, tuple(rendered), Judges(info, prepare, None))
    check_references(destinations)
    return Plan(message, tuple(rendered), destinations, tuple(split(message, destinations, info)))


def _with_references(plan: Plan) -> Plan:
    """The plan whose recipients bear the references under which they go, so that `settle` asks for the same."""
    recipients = list(plan.message.to)
    for destination in plan.rendered:
        recipients[destination.position] = attrs.evolve(
            recipients[destination.position], reference=destination.reference
        )
    return attrs.evolve(plan, message=attrs.evolve(plan.message, to=recipients))


def shares(group: Group, result: SendResult, info: ProviderInfo) -> list[SendResult]:
    """What each message of a group has of its result.

    ``raw``, ``notes`` and ``balance`` are those of the whole. ``cost`` is None where nobody can say what its part is.
    """
    if len(group.members) == 1:
        return [result]
    rows = {row.reference: row for row in result.outcomes}
    costs = _costs(group.plan, result, info)
    found = []
    for member, references in zip(group.members, _references(group), strict=True):
        outcomes = [rows[reference] for reference in references if reference in rows]
        taken = [row for row in outcomes if row.outcome in {Outcome.ACCEPTED, Outcome.UNKNOWN}]
        batches = {row.batch_id for row in taken}
        accepted = sum(row.outcome is Outcome.ACCEPTED for row in outcomes)
        parts = [part for row in outcomes if (part := costs[row.reference]) is not None]
        share = attrs.evolve(
            result,
            outcomes=tuple(outcomes),
            accepted=accepted,
            unsent=len(outcomes) - len(taken),
            cost=sum(parts, Decimal()) if len(parts) == len(outcomes) else None,
            batches=tuple([batch for batch in result.batches if batch in batches]),
            duplicates=member.plan.duplicates,
            message=member.plan.message,
        )
        found.append(share)
    return found


def _references(group: Group) -> list[list[str]]:
    """The references of each member's destinations."""
    owners = [number for number, member in enumerate(group.members) for _ in member.plan.rendered]
    found: list[list[str]] = [[] for _ in group.members]
    for destination in group.plan.destinations:
        found[owners[destination.position]].append(destination.reference)
    return found


def _costs(plan: Plan, result: SendResult, info: ProviderInfo) -> dict[str, Decimal | None]:
    """What each destination cost, where that follows from what all cost together: None elsewhere.

    It does if all that were taken cost the same, or if the vendor's price table comes to the very sum.
    """
    outcomes = {row.reference: row.outcome for row in result.outcomes}
    if result.cost is None or Outcome.UNKNOWN in outcomes.values():
        return dict.fromkeys(outcomes, None)
    nothing: dict[str, Decimal | None] = dict.fromkeys(outcomes, Decimal())
    taken = [reference for reference, outcome in outcomes.items() if outcome is Outcome.ACCEPTED]
    prices = _prices(plan, info)
    known = [price for reference in taken if (price := prices[reference]) is not None]
    if taken and len(known) == len(taken):
        if sum(known) == result.cost:
            return {**nothing, **dict(zip(taken, known, strict=True))}
        each = result.cost / len(taken)
        if len(set(known)) == 1 and each * len(taken) == result.cost:
            return {**nothing, **dict.fromkeys(taken, each)}
    return {**nothing, **dict.fromkeys(taken, None)}


def _prices(plan: Plan, info: ProviderInfo) -> dict[str, Decimal | None]:
    """What each destination would cost by the vendor's price table; without one, 1 where all must cost the same."""
    preview = make_preview(plan, info).recipients
    references = [destination.reference for destination in plan.destinations]
    if info.tariff is not None:
        return dict(zip(references, [row.points for row in preview], strict=True))
    alike = len({row.text for row in preview}) == 1 and all(is_taiwan(row.number) for row in preview)
    return dict.fromkeys(references, Decimal(1) if alike else None)
