"""What the vendor would refuse, cut or change in silence (chapter 1), refused here or sent as it may be sent."""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs

from sms_core import InvalidMessage, Message
from sms_core.provider import Destination, is_taiwan, options_of
from sms_core_smsgo.encodings import SINGLE, fit_of, split
from sms_core_smsgo.options import SendOptions

LONGEST_REPLY_URL = 300  # note 4
LARGEST_PUSH = 88  # note 3, bytes


def prepare(message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    """The destinations, long texts abroad as several. Raises `InvalidMessage` naming the field."""
    options = options_of(message, SendOptions)
    _check_options(options)
    prepared: list[Destination] = []
    for destination in destinations:
        if options.push_url:
            _check_push(destination, options)
            prepared.append(destination)
        elif options.popup:
            _check_popup(destination)
            prepared.append(destination)
        elif fit_of(destination.text).single:
            prepared.append(destination)
        elif is_taiwan(destination.number):
            _check_long(destination, options)
            prepared.append(destination)
        else:
            prepared.extend(_split(destination, options))
    return tuple(prepared)


def _check_options(options: SendOptions) -> None:
    rules = (
        ("popup", options.popup and options.push_url, "cannot be had together with push_url: each is an encoding"),
        ("reply_url", options.reply_url and options.popup, "cannot be had together with popup"),
        ("reply_url", options.reply_url and options.push_url, "cannot be had together with push_url"),
        ("reply_url", not _is_url(options.reply_url), "needs an http:// or https:// URL without blanks"),
        ("reply_url", len(options.reply_url) > LONGEST_REPLY_URL, f"is longer than {LONGEST_REPLY_URL} characters"),
        ("reply_days", options.reply_days is not None and not options.reply_url, "needs a reply_url"),
        ("report_url", not _is_url(options.report_url), "needs an http:// or https:// URL without blanks"),
        ("push_url", _has_blanks(options.push_url), "is an address, which has no blanks"),
        ("long_abroad", options.long_abroad not in {"refuse", "split"}, "is 'refuse' or 'split'"),
    )
    for name, broken, reason in rules:
        if broken:
            raise InvalidMessage(f"options.{name}", reason)


def _is_url(text: str) -> bool:
    """Whether this is a URL that a vendor can call, or empty."""
    if not text:
        return True
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not _has_blanks(text)


def _has_blanks(text: str) -> bool:
    return any(character.isspace() for character in text)


def _check_push(destination: Destination, options: SendOptions) -> None:
    """Beyond 88 bytes the vendor makes a long SMS of it, at another price (note 3)."""
    size = len(destination.text.encode()) + len(options.push_url.encode())
    if size > LARGEST_PUSH:
        reason = f"and push_url are {size} bytes together: a push takes {LARGEST_PUSH}"
        raise InvalidMessage(destination.text_path, reason)


def _check_popup(destination: Destination) -> None:
    """PBIG5 and PASCII are all that there is, and there is no long form of them (chapter 1, encoding)."""
    fit = fit_of(destination.text)
    if fit.encoding == "UCS2":
        raise InvalidMessage(destination.text_path, "has characters that Big5 lacks, and a popup takes Big5 or ASCII")
    if not fit.single:
        raise InvalidMessage(destination.text_path, f"is too long: a popup is one segment, {_room(destination)}")


def _check_long(destination: Destination, options: SendOptions) -> None:
    """A replyurl goes with BIG5, ASCII and UCS2 alone (chapter 1, replyurl), which are one segment (note 1)."""
    if options.reply_url:
        reason = f"is too long: with reply_url a text is one segment, {_room(destination)}"
        raise InvalidMessage(destination.text_path, reason)


def _split(destination: Destination, options: SendOptions) -> list[Destination]:
    """Abroad there are no long forms (note 5): several messages, or none."""
    if options.long_abroad == "refuse":
        hint = "SendOptions(long_abroad='split') makes it several messages"
        reason = f"is too long: abroad a text is one segment, {_room(destination)}; {hint}"
        raise InvalidMessage(destination.text_path, reason)
    try:
        texts = split(destination.text)
    except ValueError as error:
        raise InvalidMessage(destination.text_path, f"is too long to be sent abroad: {error}") from None
    return [
        attrs.evolve(destination, text=text, reference=f"{destination.reference}/{place}")
        for place, text in enumerate(texts, 1)
    ]


def _room(destination: Destination) -> str:
    """What one segment holds, and what this text takes, in words."""
    fit = fit_of(destination.text)
    return f"{SINGLE[fit.encoding]} of {fit.encoding}, and this one takes {fit.units}"
