"""From a recipient to a destination: what a message and its recipients must be, and each text filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import frozen

from sms_core.errors import InvalidMessage, Unsupported
from sms_core.model import Media, Message, Recipient, VendorOptions
from sms_core.numbers import is_taiwan, to_e164
from sms_core.provider import template
from sms_core.provider.info import MmsLimits, ProviderInfo, in_words
from sms_core.provider.operations import Capability, Destination, options_of
from sms_core.text import utf16_length


def own_options(message: Message, info: ProviderInfo) -> VendorOptions:
    """The message's options for this provider; the defaults where it has none."""
    return options_of(message, info.send_options) if info.send_options else VendorOptions()


def needs_of_message(message: Message) -> list[Capability]:
    """What the message asks of the vendor for all of its recipients."""
    needs = (
        (Capability.SEND, True),
        (Capability.MMS, message.media is not None),
        (Capability.SUBJECT, bool(message.subject)),
        (Capability.SCHEDULE, message.send_at is not None),
        (Capability.VALIDITY, message.validity is not None),
    )
    return [capability for capability, needed in needs if needed]


def needs_of_recipient(recipient: Recipient) -> list[Capability]:
    """What a single recipient asks of the vendor."""
    needs = []
    if recipient.send_at is not None:
        needs.append(Capability.SCHEDULE)
    if recipient.email:
        needs.append(Capability.EMAIL)
    return needs


def _require(needs: Iterable[Capability], info: ProviderInfo) -> None:
    for capability in needs:
        if not info.can(capability):
            raise Unsupported(info.name, capability.value, info.hints.get(capability, ""))


def check_message(message: Message, info: ProviderInfo, now: datetime | None) -> None:
    _require(needs_of_message(message), info)
    check_time("send_at", message.send_at, now, info)
    if message.media is not None and info.limits.mms is not None:
        _check_mms(message, message.media, info.limits.mms)


def check_time(field_path: str, moment: datetime | None, now: datetime | None, info: ProviderInfo) -> None:
    if moment is None or now is None:
        return
    ahead, limits = moment - now, info.limits
    if ahead <= timedelta():
        raise InvalidMessage(field_path, f"{moment.isoformat()} is in the past: the vendor would send it at once")
    if ahead < limits.soonest:
        rule = f"{info.title} books at least {in_words(limits.soonest)} ahead"
        raise InvalidMessage(field_path, f"{moment.isoformat()} is too soon: {rule}")
    if limits.latest is not None and ahead > limits.latest:
        rule = f"{info.title} books at most {in_words(limits.latest)} ahead"
        raise InvalidMessage(field_path, f"{moment.isoformat()} is too late: {rule}")


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


@frozen
class Rendering:
    """What holds for all recipients of a message, decided once. ``filled``: its text has placeholders to fill."""

    message: Message
    info: ProviderInfo
    now: datetime | None
    options: VendorOptions
    filled: bool
    needs_text: bool


def rendering_of(message: Message, info: ProviderInfo, now: datetime | None) -> Rendering:
    """How the recipients of a message are to be rendered, which was checked before."""
    options = own_options(message, info)
    filled = any(recipient.params for recipient in message.to)
    needs_text = message.media is None and options.needs_text
    return Rendering(message, info, now, options, filled, needs_text)


def render(rendering: Rendering, recipient: Recipient, position: int) -> Destination:
    """The recipient with everything decided."""
    message, info = rendering.message, rendering.info
    where = f"to[{position}]"
    _require(needs_of_recipient(recipient), info)
    try:
        number = to_e164(recipient.number)
    except ValueError as error:
        raise InvalidMessage(f"{where}.number", str(error)) from None
    check_time(f"{where}.send_at", recipient.send_at, rendering.now, info)
    text, params = _text(message, recipient, where, filled=rendering.filled)
    destination = Destination(
        number=number,
        text=text,
        reference=recipient.reference or _reference(message, position),
        name=recipient.name,
        email=recipient.email,
        send_at=recipient.send_at or message.send_at,
        params=params,
        position=position,
        own_text=recipient.text is not None,
    )
    _check_text(destination, needed=rendering.needs_text)
    if not is_taiwan(number):
        _check_abroad(rendering, destination)
    return destination


def _text(message: Message, recipient: Recipient, where: str, *, filled: bool) -> tuple[str, dict[str, str] | None]:
    """The final text, and the values that filled the message's own one."""
    if recipient.text is None and not filled:
        return message.text, None
    params = dict(recipient.params)
    try:
        if recipient.text is not None:
            text = template.fill(recipient.text, params) if params else recipient.text
            return text, None
        return template.fill(message.text, params), params
    except InvalidMessage as error:
        if error.field == "params" or recipient.text is not None:
            raise InvalidMessage(f"{where}.{error.field}", error.reason) from None
        raise


_SURROGATE = re.compile("[\ud800-\udfff]")


def _check_text(destination: Destination, *, needed: bool) -> None:
    text = destination.text
    if needed and not text.strip():
        raise InvalidMessage(destination.text_path, "is empty: vendors refuse that, some after a charge")
    if _SURROGATE.search(text):
        raise InvalidMessage(destination.text_path, "holds half a surrogate pair, which no vendor can be sent")


def check_lengths(message: Message, destinations: Iterable[Destination], info: ProviderInfo) -> None:
    """The texts as they go out: a vendor's long form may be several messages."""
    mms = info.limits.mms if message.media is not None else None
    longest = mms.text if mms else info.limits.text
    for destination in destinations:
        # A UTF-16 unit is a character or half of one, so most texts need not be counted.
        if longest is not None and 2 * len(destination.text) > longest:
            length = utf16_length(destination.text)
            if length > longest:
                reason = f"is {length} characters long: {info.title} takes {longest}"
                raise InvalidMessage(destination.text_path, reason)
        if mms and message.media and len(message.media.content) + len(destination.text.encode()) > mms.size:
            raise InvalidMessage("media.content", f"is too large: picture and text together may be {mms.size} bytes")


def _check_abroad(rendering: Rendering, destination: Destination) -> None:
    info = rendering.info
    field_path = f"{destination.path}.number"
    mms, countries = info.limits.mms, info.limits.countries
    if rendering.message.media is not None and mms is not None and not mms.international:
        raise InvalidMessage(field_path, f"is abroad, and {info.title} sends MMS within Taiwan only")
    if rendering.options.taiwan_only:
        raise InvalidMessage(field_path, f"is abroad, and {info.title} sends with these options in Taiwan only")
    _require([Capability.INTERNATIONAL], info)
    if countries is not None and not destination.number.startswith(countries):
        known = ", ".join(countries)
        raise InvalidMessage(field_path, f"is of a country that {info.title} does not send to, only {known}")


def _reference(message: Message, position: int) -> str:
    return message.reference if len(message.to) == 1 else f"{message.reference}-{position}"
