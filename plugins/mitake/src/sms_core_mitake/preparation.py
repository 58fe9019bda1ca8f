"""What the vendor would cut, change or misread in silence, refused before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from attrs import frozen

from sms_core import Account, InvalidMessage
from sms_core.model import Message
from sms_core.numbers import to_e164
from sms_core.provider import Destination, options_of
from sms_core.text import Encoding, count_segments, encoding_of, utf16_length
from sms_core_mitake.options import AccountOptions, SendOptions
from sms_core_mitake.requests import BETWEEN_FIELDS, CODECS

LONGEST_URL, LONGEST_OBJECT_ID, LONGEST_NAME = 256, 16, 36
LONGEST_VALIDITY = timedelta(hours=24)
SINGLE_LATIN, SINGLE = 160, 70
"""Characters of one SMS."""

_URL = re.compile(r"https?://[!-~]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # a line break is none
_RIGHT = "the right to long texts: say long_sms=true in the DSN if it has"
_NOT_BULK = "since the lines of SmBulkSend part their fields by it: send to this number alone"

Problem = tuple[str, str]
"""The field of a recipient, and what is wrong with it."""


def prepare(account: Account, message: Message, destinations: tuple[Destination, ...]) -> None:
    """Raise `InvalidMessage`, naming the field, for what breaks a rule."""
    rules = _Rules(account.typed_options(AccountOptions), bulk=len(destinations) > 1)
    for field, reason in rules.of_message(message):
        raise InvalidMessage(field, reason)
    for one in destinations:
        for field, reason in rules.of_one(one):
            raise InvalidMessage(_path(message, one, field), reason)


def outside_big5(text: str) -> bool:
    """Whether Big5, as the standard has it, lacks a character of the text."""
    return not _is_in("big5", text)


def _is_in(codec: str, text: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


@frozen
class _Rules:
    """The rules for one account; ``bulk`` for SmBulkSend too."""

    account: AccountOptions
    bulk: bool

    def of_message(self, message: Message) -> Iterator[Problem]:
        options = options_of(message, SendOptions)
        url, object_id = options.report_url, options.object_id
        if url and not _URL.fullmatch(url):
            yield "options.report_url", "needs an http:// or https:// URL in ASCII, without blanks"
        if len(url) > LONGEST_URL:
            yield "options.report_url", f"is longer than {LONGEST_URL} characters"
        if BETWEEN_FIELDS in f"{url}$":
            yield "options.report_url", f"has {BETWEEN_FIELDS} in it, or $ at its end: write %24"
        if len(object_id) > LONGEST_OBJECT_ID or _CONTROL.search(object_id):
            yield "options.object_id", f"is more than {LONGEST_OBJECT_ID} characters, or has a control character"
        if self._lacks(object_id):
            yield "options.object_id", self._lacking
        if message.validity is not None and message.validity > LONGEST_VALIDITY:
            yield "validity", f"is more than {LONGEST_VALIDITY}: the carriers would report no status"

    def of_one(self, one: Destination) -> Iterator[Problem]:
        if _CONTROL_IN_TEXT.search(one.text):
            yield "text", "has a control character, for which the vendor has a use of its own"
        if self.bulk and BETWEEN_FIELDS in one.text:
            yield "text", f"has {BETWEEN_FIELDS} in it, {_NOT_BULK}"
        if self._lacks(one.text):
            yield "text", self._lacking
        if not self.account.long_sms and not _is_single(one.text):
            limits = f"{SINGLE_LATIN} characters of ASCII, or {SINGLE}"
            yield "text", f"is longer than one SMS ({limits}), to which Mitake cuts it unless the account has {_RIGHT}"
        if len(one.name) > LONGEST_NAME or _CONTROL.search(one.name):
            yield "name", f"is more than {LONGEST_NAME} characters, or has a control character"
        if self.bulk and "$" in one.name:
            yield "name", f"has $ in it, {_NOT_BULK}"
        if self._lacks(one.name):
            yield "name", self._lacking

    def _lacks(self, text: str) -> bool:
        return not _is_in(CODECS[self.account.charset], text)

    @property
    def _lacking(self) -> str:
        advice = ": say charset=UTF-8 in the DSN" if self.account.charset == "Big5" else ""
        return f"has a character that {self.account.charset} lacks{advice}"


def _is_single(text: str) -> bool:
    """Whether it is one SMS. Letters outside ASCII count as Chinese ones, lest a text that may be cut goes out."""
    if text.isascii() and encoding_of(text) is Encoding.GSM7:
        return count_segments(text).units <= SINGLE_LATIN
    return utf16_length(text) <= SINGLE


def _path(message: Message, one: Destination, field: str) -> str:
    """Where the message has this field of a destination."""
    own = ((place, to) for place, to in enumerate(message.to) if to_e164(to.number) == one.number)
    for place, to in own:
        if field != "text":
            return f"to[{place}].{field}"
        if to.text is not None and one.text != message.text:
            return f"to[{place}].text"
    return field
