"""From a message to the requests it takes: everything checked, rendered, told apart and split, nothing sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import attrs
from attrs import frozen

from sms_core.errors import InvalidMessage, Unsupported
from sms_core.model import Duplicate, Media, Message, Recipient, VendorOptions
from sms_core.numbers import is_taiwan, to_e164
from sms_core.provider import template
from sms_core.provider.info import MmsLimits, ProviderInfo, in_words
from sms_core.provider.operations import Capability, Destination, Send, options_of
from sms_core.text import utf16_length


@frozen
class Plan:
    """What a message comes to. ``message`` has its reference.

    ``destinations`` are the distinct ones, in order; ``parts`` the requests that carry them; ``duplicates`` the
    recipients that repeat an earlier one.
    """

    message: Message
    destinations: tuple[Destination, ...]
    parts: tuple[Send, ...]
    duplicates: tuple[Duplicate, ...]


Prepare = Callable[[Message, tuple[Destination, ...]], tuple[Destination, ...]]
"""What the hook `sms_prepare` does: check and adapt what is to be sent."""


def make_plan(
    message: Message, info: ProviderInfo, now: datetime | None = None, prepare: Prepare | None = None
) -> Plan:
    """Check and split a message for one provider; ``prepare`` has the vendor's own word on it.

    ``now`` (aware) refuses times in the past; None leaves them, for a message that was sent already. Raises
    `InvalidMessage` naming the field, or `Unsupported` naming the capability.
    """
    message = message if message.reference else attrs.evolve(message, reference=secrets.token_hex(8))
    _check_message(message, info, now)
    distinct: dict[tuple[str, str], int] = {}
    duplicates: list[Duplicate] = []
    destinations: list[Destination] = []
    fields: dict[str, str] = {}
    for position, recipient in enumerate(message.to):
        one = _destination(message, recipient, position, info, now)
        first = distinct.setdefault((one.number, one.text), position)
        if first == position:
            destinations.append(one)
            fields[one.reference] = "text" if recipient.text is None else f"to[{position}].text"
        else:
            duplicates.append(Duplicate(position, first))
    if prepare is not None:
        destinations = list(prepare(message, tuple(destinations)))
    for one in destinations:  # as it goes out: a vendor's long form may be several messages
        _check_length(message, one.text, fields.get(one.reference, "text"), info)
    _check_references(destinations)
    chunks = _chunks(destinations, info, one_text=_one_text(message, info))
    parts = tuple(Send(message, chunk) for chunk in chunks)
    return Plan(message, tuple(destinations), parts, tuple(duplicates))


def own_options(message: Message, info: ProviderInfo) -> VendorOptions:
    """The message's options for this provider; the defaults where it has none."""
    return options_of(message, info.send_options) if info.send_options else VendorOptions()


def _needs(message: Message) -> tuple[Capability, ...]:
    needs = {
        Capability.SEND: True,
        Capability.MMS: message.media is not None,
        Capability.SUBJECT: bool(message.subject),
        Capability.SCHEDULE: message.send_at is not None or any(one.send_at for one in message.to),
        Capability.VALIDITY: message.validity is not None,
        Capability.EMAIL: any(one.email for one in message.to),
    }
    return tuple(capability for capability, needed in needs.items() if needed)


def _one_text(message: Message, info: ProviderInfo) -> bool:
    """Whether the requests that carry this message take one text (and one time) each."""
    personal = info.can(Capability.PERSONAL) and not {*info.limits.one_text_with} & {*_needs(message)}
    return not personal or own_options(message, info).one_text_per_request


def _check_message(message: Message, info: ProviderInfo, now: datetime | None) -> None:
    for capability in _needs(message):
        if not info.can(capability):
            raise Unsupported(info.name, capability.value, info.hints.get(capability, ""))
    _check_time("send_at", message.send_at, now, info)
    if message.media is not None and info.limits.mms is not None:
        _check_mms(message, message.media, info.limits.mms)


def _check_time(field: str, moment: datetime | None, now: datetime | None, info: ProviderInfo) -> None:
    if moment is None or now is None:
        return
    ahead, limits = moment - now, info.limits
    if ahead <= timedelta():
        raise InvalidMessage(field, f"{moment.isoformat()} is in the past: the vendor would send it at once")
    if ahead < limits.soonest:
        rule = f"{info.title} books at least {in_words(limits.soonest)} ahead"
        raise InvalidMessage(field, f"{moment.isoformat()} is too soon: {rule}")
    if limits.latest is not None and ahead > limits.latest:
        rule = f"{info.title} books at most {in_words(limits.latest)} ahead"
        raise InvalidMessage(field, f"{moment.isoformat()} is too late: {rule}")


_SIGNATURES = {"jpg": (b"\xff\xd8\xff",), "png": (b"\x89PNG\r\n\x1a\n",), "gif": (b"GIF87a", b"GIF89a")}


def _check_mms(message: Message, media: Media, limits: MmsLimits) -> None:
    most = limits.subject_ascii if message.subject.isascii() else limits.subject_other
    if utf16_length(message.subject) > most:
        rule = f"{limits.subject_ascii} characters in ASCII, {limits.subject_other} otherwise"
        raise InvalidMessage("subject", f"is {utf16_length(message.subject)} characters long: an MMS takes {rule}")
    if media.format not in limits.formats:
        raise InvalidMessage("media.format", f"{media.format!r} is none of {', '.join(limits.formats)}")
    signatures = _SIGNATURES.get(media.format.replace("jpeg", "jpg"), (b"",))
    if not media.content.startswith(signatures):
        raise InvalidMessage("media.content", f"is not a {media.format} picture, whatever its name says")


def _destination(
    message: Message, recipient: Recipient, position: int, info: ProviderInfo, now: datetime | None
) -> Destination:
    where = f"to[{position}]"
    try:
        number = to_e164(recipient.number)
    except ValueError as error:
        raise InvalidMessage(f"{where}.number", str(error)) from None
    _check_time(f"{where}.send_at", recipient.send_at, now, info)
    text, params = _text(message, recipient, where)
    needed = message.media is None and own_options(message, info).needs_text
    _check_text(text, f"{where}.text" if recipient.text is not None else "text", needed=needed)
    if not is_taiwan(number):
        _check_abroad(message, where, number, info)
    return Destination(
        number=number,
        text=text,
        reference=recipient.reference or _reference(message, position),
        name=recipient.name,
        email=recipient.email,
        send_at=recipient.send_at or message.send_at,
        params=params,
    )


def _text(message: Message, recipient: Recipient, where: str) -> tuple[str, dict[str, str] | None]:
    params = dict(recipient.params)
    try:
        if recipient.text is not None:
            return (template.fill(recipient.text, params) if params else recipient.text), None
        if any(one.params for one in message.to):
            return template.fill(message.text, params), params
    except InvalidMessage as error:
        own = error.field == "params" or recipient.text is not None
        raise InvalidMessage(f"{where}.{error.field}" if own else error.field, error.reason) from None
    return message.text, None


def _check_text(text: str, field: str, *, needed: bool) -> None:
    if needed and not text.strip():
        raise InvalidMessage(field, "is empty: vendors refuse that, some after a charge")
    if any("\ud800" <= one <= "\udfff" for one in text):
        raise InvalidMessage(field, "holds half a surrogate pair, which no vendor can be sent")


def _check_length(message: Message, text: str, field: str, info: ProviderInfo) -> None:
    mms = info.limits.mms if message.media is not None else None
    most = mms.text if mms else info.limits.text
    if most is not None and utf16_length(text) > most:
        raise InvalidMessage(field, f"is {utf16_length(text)} characters long: {info.title} takes {most}")
    if message.media is not None and mms and len(message.media.content) + len(text.encode()) > mms.size:
        raise InvalidMessage("media.content", f"is too large: picture and text together may be {mms.size} bytes")


def _check_abroad(message: Message, where: str, number: str, info: ProviderInfo) -> None:
    if message.media is not None and info.limits.mms is not None and not info.limits.mms.international:
        raise InvalidMessage(f"{where}.number", f"is abroad, and {info.title} sends MMS within Taiwan only")
    if own_options(message, info).taiwan_only:
        raise InvalidMessage(f"{where}.number", f"is abroad, and {info.title} sends with these options in Taiwan only")
    if not info.can(Capability.INTERNATIONAL):
        raise Unsupported(info.name, Capability.INTERNATIONAL.value, info.hints.get(Capability.INTERNATIONAL, ""))
    if info.limits.countries is not None and not number.startswith(info.limits.countries):
        known = ", ".join(info.limits.countries)
        raise InvalidMessage(f"{where}.number", f"is of a country that {info.title} does not send to, only {known}")


def _reference(message: Message, position: int) -> str:
    return message.reference if len(message.to) == 1 else f"{message.reference}-{position}"


def _check_references(destinations: list[Destination]) -> None:
    seen: set[str] = set()
    for one in destinations:
        if one.reference in seen:
            raise InvalidMessage("to", f"has the reference {one.reference!r} twice: reports could not be told apart")
        seen.add(one.reference)


def _chunks(
    destinations: list[Destination], info: ProviderInfo, *, one_text: bool
) -> Iterator[tuple[Destination, ...]]:
    """What goes into one request: as many as the vendor takes; where it takes one text, those that share it."""
    together: dict[object, list[Destination]] = {}
    for one in destinations:
        alike = (one.text, one.send_at) if one_text else None
        together.setdefault(alike, []).append(one)
    for group in together.values():
        for start in range(0, len(group), info.limits.recipients):
            yield tuple(group[start : start + info.limits.recipients])
