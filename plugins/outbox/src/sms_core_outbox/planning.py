"""Planning of puts: each is checked as its account's `send` would check it, and those that are alike are checked together."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from operator import attrgetter, is_

import attrs
from attrs import frozen

from sms_core import Plan
from sms_core.errors import InvalidMessage, SmsError, Unsupported
from sms_core.model import Message, Recipient
from sms_core.provider import Destination
from sms_core_outbox.accounts import Accounts
from sms_core_outbox.model import Put
from sms_core_outbox.senders import Sender

LONGEST_REFERENCE = 200

Routes = tuple[tuple[str, ...], ...]
"""For each row the carriers that may carry it, the first to be tried first."""

_settings = attrgetter(
    *[found.name for found in attrs.fields(Message) if found.name not in ("text", "to", "reference", "options")]
)


def settings_of(message: Message) -> tuple[object, ...]:
    """What two messages have to share if they are to differ in texts, recipients and references alone."""
    return (*_settings(message), *message.options)


def are_same(some: Sequence[object], others: Sequence[object]) -> bool:
    """Whether these are the same objects, and not only equal ones: of two equal times in other zones the JSON differs."""
    return len(some) == len(others) and all(map(is_, some, others))


@frozen
class Planned:
    """What is to be kept of the plan of a put.

    ``settings`` is a message with its settings, whose options were read where they came from another process.
    ``rendered`` are its distinct recipients. ``routes`` has for each who may carry it, where there are several.
    """

    account: str
    settings: Message
    reference: str
    rendered: tuple[Destination, ...]
    routes: Routes | None = None


class Planner:
    """Plans puts, without the database."""

    def __init__(self, accounts: Accounts[Sender]) -> None:
        self._accounts = accounts

    def plan(self, given: Sequence[Put]) -> list[Planned]:
        """What is to be kept of each plan. Raises what `sms_core.Client.plan` raises, of the first that cannot be sent."""
        planned: list[Planned] = []
        for alike in _alike(given):
            name = self._accounts.name_of(alike[0].account)
            if self._accounts.carriers_of(name) != (name,):
                planned.extend(self._plan_several(name, item.message) for item in alike)
                continue
            client = self._accounts.client(name)
            found = _plan_together(name, client, alike) if len(alike) > 1 and not client.has_rules else None
            planned.extend(found or [_planned(name, client.plan(item.message)) for item in alike])
        return planned

    def _plan_several(self, name: str, message: Message) -> Planned:
        """A plan of all recipients whom one vendor of several can carry at least, and who can carry each of them."""
        whole: Plan | None = None
        refusals: dict[int, InvalidMessage | Unsupported] = {}
        refusal: InvalidMessage | Unsupported | None = None
        rendered: dict[int, Destination] = {}
        route_of: dict[int, list[str]] = {}
        for carrier in self._accounts.carriers_for(name, message):
            try:
                plan = self._accounts.client(carrier).plan(message, skip_refused=True)
            except (InvalidMessage, Unsupported) as error:
                refusal = refusal or error
                continue
            whole = whole or plan
            message = plan.message  # with its reference, which is the same with each vendor
            for destination in plan.rendered:
                rendered.setdefault(destination.position, destination)
                route_of.setdefault(destination.position, []).append(carrier)
            for position, refused in plan.refused.items():
                refusals.setdefault(position, refused)
        left = [refusals[position] for position in sorted(refusals) if position not in rendered]
        if whole is None or not rendered or left:
            raise left[0] if left else refusal or InvalidMessage("to", "has nobody whom a vendor can send to")
        destinations = tuple(rendered[position] for position in sorted(rendered))
        routes = tuple(tuple(route_of[destination.position]) for destination in destinations)
        return _planned(name, attrs.evolve(whole, rendered=destinations), routes)


def _planned(account: str, plan: Plan, routes: Routes | None = None) -> Planned:
    for destination in plan.rendered:
        check_text(f"{destination.path}.reference", destination.reference, LONGEST_REFERENCE)
        check_text(destination.text_path, destination.text, None)
    return Planned(account, plan.message, plan.message.reference, plan.rendered, routes)


def check_text(name: str, text: object, longest: int | None) -> None:
    """Refuse what no text is, and what no database takes. Raises `InvalidMessage`."""
    if not isinstance(text, str):
        raise InvalidMessage(name, f"needs a str, not {type(text).__name__}")
    if longest is not None and len(text) > longest:
        raise InvalidMessage(name, f"is {len(text)} characters long: {longest} fit")
    if "\0" in text:
        raise InvalidMessage(name, "holds a NUL, which no database and no vendor takes")


def _alike(given: Sequence[Put]) -> Iterator[list[Put]]:
    """The puts in their order, those together that follow one another and could be one message to several people."""
    alike: list[Put] = []
    shared: tuple[object, ...] = ()
    for item in given:
        message = item.message
        settings = settings_of(message)
        joins = bool(alike) and item.account == alike[0].account and are_same(settings, shared)
        if alike and not (joins and _is_plain(message) and _is_plain(alike[0].message)):
            yield alike
            alike = []
        alike.append(item)
        shared = settings
    if alike:
        yield alike


def _is_plain(message: Message) -> bool:
    """Whether it is for one, who gets its text as it stands."""
    recipient = message.to[0]
    return len(message.to) == 1 and recipient.text is None and not recipient.params


def _plan_together(account: str, client: Sender, given: Sequence[Put]) -> list[Planned] | None:
    """The plans of messages that are alike, by the plan of one message to all their recipients.

    None where something is wrong with one of them, or two say the same to the same number: each is planned by itself then.
    """
    messages = [item.message for item in given]
    made_up = secrets.token_hex(8 * len(messages))
    references = [
        message.reference or made_up[start : start + 16]
        for message, start in zip(messages, range(0, len(made_up), 16), strict=True)
    ]
    recipients = [_with_text(message, reference) for message, reference in zip(messages, references, strict=True)]
    try:
        plan = client.plan(attrs.evolve(messages[0], to=recipients))
    except SmsError:
        return None
    if plan.duplicates or not all(map(_can_be_stored, plan.rendered)):
        return None
    return [
        Planned(account, plan.message, reference, (destination,))
        for reference, destination in zip(references, plan.rendered, strict=True)
    ]


def _with_text(message: Message, reference: str) -> Recipient:
    recipient = message.to[0]
    return Recipient(
        recipient.number,
        recipient.name,
        recipient.email,
        text=message.text,
        reference=recipient.reference or reference,
        send_at=recipient.send_at,
    )


def _can_be_stored(destination: Destination) -> bool:
    return (
        "\0" not in destination.text
        and "\0" not in destination.reference
        and len(destination.reference) <= LONGEST_REFERENCE
    )
