"""What the vendor would refuse, cut or change in silence (chapter 1), refused here or sent as it may be sent."""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs

from sms_core import InvalidMessage
from sms_core.model import Message
from sms_core.numbers import is_taiwan, to_e164
from sms_core.provider import Destination, options_of
from sms_core_smsgo.encodings import SINGLE, fit_of, split
from sms_core_smsgo.options import SendOptions

LONGEST_REPLY_URL = 300  # note 4
LARGEST_PUSH = 88  # note 3, bytes


def prepare(message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    """The destinations, long texts abroad as several. Raises `InvalidMessage` naming the field."""
    options = options_of(message, SendOptions)
    _check_options(options)
    return tuple(part for one in destinations for part in _parts(message, one, options))


def _check_options(options: SendOptions) -> None:
    rules = (
        ("popup", options.popup and options.push_url, "cannot be had together with push_url: each is an encoding"),
        ("reply_url", options.reply_url and options.popup, "cannot be had together with popup"),
        ("reply_url", options.reply_url and options.push_url, "cannot be had together with push_url"),
        ("reply_url", not _is_url(options.reply_url), "needs an http:// or https:// URL without blanks"),
        ("reply_url", len(options.reply_url) > LONGEST_REPLY_URL, f"is longer than {LONGEST_REPLY_URL} characters"),
        ("reply_days", options.reply_days is not None and not options.reply_url, "needs a reply_url"),
        ("report_url", not _is_url(options.report_url), "needs an http:// or https:// URL without blanks"),
        ("push_url", any(one.isspace() for one in options.push_url), "is an address, which has no blanks"),
        ("long_abroad", options.long_abroad not in {"refuse", "split"}, "is 'refuse' or 'split'"),
    )
    for name, broken, reason in rules:
        if broken:
            raise InvalidMessage(f"options.{name}", reason)


def _is_url(text: str) -> bool:
    """Whether this is an URL that a vendor can call, or empty."""
    if not text:
        return True
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(one.isspace() for one in text)


def _parts(message: Message, one: Destination, options: SendOptions) -> tuple[Destination, ...]:
    if options.push_url:
        _check_push(message, one, options)
        return (one,)
    fit = fit_of(one.text)
    room = f"{SINGLE[fit.encoding]} of {fit.encoding}, and this one takes {fit.units}"
    if options.popup and fit.encoding == "UCS2":
        raise InvalidMessage(_field(message, one), "has characters that Big5 lacks, and a popup takes Big5 or ASCII")
    if fit.single:
        return (one,)
    if options.popup:
        raise InvalidMessage(_field(message, one), f"is too long: a popup is one segment, {room}")
    if is_taiwan(one.number) and options.reply_url:
        raise InvalidMessage(_field(message, one), f"is too long: with reply_url a text is one segment, {room}")
    if is_taiwan(one.number):
        return (one,)
    if options.long_abroad == "refuse":
        hint = "SendOptions(long_abroad='split') makes it several messages"
        raise InvalidMessage(_field(message, one), f"is too long: abroad a text is one segment, {room}; {hint}")
    return _split(message, one)


def _check_push(message: Message, one: Destination, options: SendOptions) -> None:
    """Beyond 88 bytes the vendor makes a long SMS of it, at another price (note 3)."""
    size = len(one.text.encode()) + len(options.push_url.encode())
    if size > LARGEST_PUSH:
        where = _field(message, one)
        raise InvalidMessage(where, f"and push_url are {size} bytes together: a push takes {LARGEST_PUSH}")


def _split(message: Message, one: Destination) -> tuple[Destination, ...]:
    try:
        texts = split(one.text)
    except ValueError as error:
        raise InvalidMessage(_field(message, one), f"is too long to be sent abroad: {error}") from None
    numbered = enumerate(texts, 1)
    return tuple(attrs.evolve(one, text=text, reference=f"{one.reference}/{place}") for place, text in numbered)


def _field(message: Message, one: Destination) -> str:
    """Which field of the message has this destination's text."""
    for position, recipient in enumerate(message.to):
        if recipient.text is not None and to_e164(recipient.number) == one.number and one.text != message.text:
            return f"to[{position}].text"
    return "text"
