"""What the vendor would cut, change or misread in silence, refused before anything is sent."""

from __future__ import annotations

import re
from datetime import timedelta

import attrs

from sms_core import InvalidMessage, Message
from sms_core.provider import Account, Destination, options_of
from sms_core.text import Encoding, count_segments, encoding_of, utf16_length
from sms_core_mitake.options import AccountOptions, SendOptions
from sms_core_mitake.requests import BETWEEN_FIELDS, CODECS

LONGEST_URL, LONGEST_OBJECT_ID, LONGEST_NAME = 256, 16, 36
LONGEST_VALIDITY = timedelta(hours=24)
SINGLE_LATIN, SINGLE = 160, 70
"""Characters of one SMS."""

_URL = re.compile(r"https?://[!-~]+", re.ASCII)
_LINE_BREAKS = re.compile(r"\r\n?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # a line break is none
_RIGHT = "the right to long texts: say long_sms=true in the DSN if it has"
_NOT_BULK = "since the lines of SmBulkSend part their fields by it: send to this number alone"


def prepare(account: Account, message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    """The destinations with the line breaks that go out. Raises `InvalidMessage`, naming the field, for what breaks a rule."""
    account_options = account.typed_options(AccountOptions)
    _check_options(options_of(message, SendOptions), account_options)
    if message.validity is not None and message.validity > LONGEST_VALIDITY:
        raise InvalidMessage("validity", f"is more than {LONGEST_VALIDITY}: the carriers would report no status")
    bulk = len(destinations) > 1
    destinations = tuple([_with_plain_breaks(destination) for destination in destinations])
    for destination in destinations:
        _check_text(destination, account_options, bulk=bulk)
        _check_name(destination, account_options, bulk=bulk)
    return destinations


def _with_plain_breaks(destination: Destination) -> Destination:
    """A line break is one character on the wire, whatever it is in the text, and counts as one."""
    if "\r" not in destination.text:
        return destination
    return attrs.evolve(destination, text=_LINE_BREAKS.sub("\n", destination.text))


def outside_big5(text: str) -> bool:
    """Whether Big5, as the standard has it, lacks a character of the text."""
    return _lacks("big5", text)


def _check_options(options: SendOptions, account_options: AccountOptions) -> None:
    url, object_id = options.report_url, options.object_id
    if url and not _URL.fullmatch(url):
        raise InvalidMessage("options.report_url", "needs an http:// or https:// URL in ASCII, without blanks")
    if len(url) > LONGEST_URL:
        raise InvalidMessage("options.report_url", f"is longer than {LONGEST_URL} characters")
    if BETWEEN_FIELDS in f"{url}$":
        raise InvalidMessage("options.report_url", f"has {BETWEEN_FIELDS} in it, or $ at its end: write %24")
    if len(object_id) > LONGEST_OBJECT_ID or _CONTROL.search(object_id):
        reason = f"is more than {LONGEST_OBJECT_ID} characters, or has a control character"
        raise InvalidMessage("options.object_id", reason)
    _check_charset("options.object_id", object_id, account_options)


def _check_text(destination: Destination, account_options: AccountOptions, *, bulk: bool) -> None:
    field, text = destination.text_path, destination.text
    if _CONTROL_IN_TEXT.search(text):
        raise InvalidMessage(field, "has a control character, for which the vendor has a use of its own")
    if bulk and BETWEEN_FIELDS in text:
        raise InvalidMessage(field, f"has {BETWEEN_FIELDS} in it, {_NOT_BULK}")
    _check_charset(field, text, account_options)
    if not account_options.long_sms and not _is_single(text):
        limits = f"{SINGLE_LATIN} characters of ASCII, or {SINGLE}"
        reason = f"is longer than one SMS ({limits}), to which Mitake cuts it unless the account has {_RIGHT}"
        raise InvalidMessage(field, reason)


def _check_name(destination: Destination, account_options: AccountOptions, *, bulk: bool) -> None:
    field, name = f"{destination.path}.name", destination.name
    if len(name) > LONGEST_NAME or _CONTROL.search(name):
        raise InvalidMessage(field, f"is more than {LONGEST_NAME} characters, or has a control character")
    if bulk and "$" in name:
        raise InvalidMessage(field, f"has $ in it, {_NOT_BULK}")
    _check_charset(field, name, account_options)


def _check_charset(field: str, text: str, account_options: AccountOptions) -> None:
    if _lacks(CODECS[account_options.charset], text):
        advice = ": say charset=UTF-8 in the DSN" if account_options.charset == "Big5" else ""
        raise InvalidMessage(field, f"has a character that {account_options.charset} lacks{advice}")


def _lacks(codec: str, text: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return True
    return False


def _is_single(text: str) -> bool:
    """Whether it is one SMS. Letters outside ASCII count as Chinese ones, lest a text that may be cut goes out."""
    if text.isascii() and encoding_of(text) is Encoding.GSM7:
        return count_segments(text).units <= SINGLE_LATIN
    return utf16_length(text) <= SINGLE
