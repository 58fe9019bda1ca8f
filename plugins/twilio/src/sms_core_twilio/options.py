"""What only Twilio understands: options of one send, and options of an account (in the DSN)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import attrs
from attrs import field, frozen

from sms_core import ConfigurationError, InvalidMessage, VendorOptions

MOST_MEDIA = 10

_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)
_CONTENT = re.compile(r"HX[0-9a-fA-F]{32}", re.ASCII)

_Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]
_Refuse = Callable[[str, str], Exception]


def _of_message(name: str, rule: str) -> Exception:
    return InvalidMessage(f"options.{name}", rule)


def _of_dsn(name: str, rule: str) -> Exception:
    return ConfigurationError(f"DSN option {name.removesuffix('_')!r} {rule}")


def _rule(refuse: _Refuse, rule: str, holds: Callable[[Any], object]) -> _Validator:
    """A validator of what is given at all; the error repeats no value, since a URL may hold a secret."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        del instance
        if value and not holds(value):
            raise refuse(attribute.name, rule)

    return check


def _sender(refuse: _Refuse) -> _Validator:
    rule = "has blanks around it: in a DSN the + of a number is written %2B"
    return _rule(refuse, rule, lambda value: value == value.strip())


def _sid(refuse: _Refuse, letters: str, form: re.Pattern[str]) -> _Validator:
    return _rule(refuse, f"is {letters} and 32 hexadecimal digits", form.fullmatch)


def _callback(refuse: _Refuse) -> _Validator:
    """Twilio sends no callback to a host with an underscore, and says so in its debugger alone."""
    rule = "is an http:// or https:// URL, with no underscore in the host's name"
    return _rule(refuse, rule, lambda url: _is_web(url) and "_" not in (urlsplit(url).hostname or ""))


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, or half an IPv6 address
        return False


def _one_of(*choices: str) -> _Validator:
    return _rule(_of_message, f"is one of {', '.join(choices)}", choices.__contains__)


def _to_urls(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _to_pairs(value: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict(value).items())


@frozen
class SendOptions(VendorOptions):
    """What one message asks for; what is not given is left to the account's own settings at Twilio.

    ``from_`` (a number of yours, a short code or a sender's name) or ``messaging_service`` or both take the place of
    the DSN's. ``status_callback`` is the URL that reports of this message are pushed to. ``media_urls`` make it an MMS:
    up to ten public addresses of pictures, which Twilio fetches. ``content_sid`` sends a template, with
    ``content_variables`` in it, and no text. The others are Twilio's own, under their own names.

    Raises `InvalidMessage`.
    """

    from_: str = field(default="", validator=_sender(_of_message))
    messaging_service: str = field(default="", validator=_sid(_of_message, "MG", _SERVICE))
    status_callback: str = field(default="", repr=False, validator=_callback(_of_message))
    media_urls: tuple[str, ...] = field(
        default=(),
        converter=_to_urls,
        repr=False,
        validator=[
            _rule(_of_message, "are http:// or https:// URLs", lambda urls: all(map(_is_web, urls))),
            _rule(_of_message, f"are {MOST_MEDIA} at most", lambda urls: len(urls) <= MOST_MEDIA),
        ],
    )
    content_sid: str = field(default="", validator=_sid(_of_message, "HX", _CONTENT))
    content_variables: tuple[tuple[str, str], ...] = field(default=(), converter=_to_pairs, repr=False)
    smart_encoded: bool | None = None
    shorten_urls: bool | None = None
    send_as_mms: bool | None = None
    provide_feedback: bool | None = None
    content_retention: Literal["", "retain", "discard"] = field(default="", validator=_one_of("retain", "discard"))
    address_retention: Literal["", "retain", "obfuscate"] = field(default="", validator=_one_of("retain", "obfuscate"))
    risk_check: Literal["", "enable", "disable"] = field(default="", validator=_one_of("enable", "disable"))

    @property
    def needs_text(self) -> bool:
        """False where pictures or a template are there to send."""
        return not (self.media_urls or self.content_sid)


@frozen
class AccountOptions:
    """The DSN options of this vendor.

    ``from`` and ``messaging_service`` are the sender; a send needs one of them, here or in its `SendOptions`.
    ``account`` is the AccountSid where the DSN's user is an API key. ``status_callback`` is where reports are pushed.
    ``callback_url`` is the whole address, as Twilio knows it, at which pushes reach you, since that is a part of what
    is signed; several (an old secret and a new one) are apart by blanks. That of ``status_callback`` counts without
    being named again. ``signing_key`` signs the pushes where the DSN's password does not: the AuthToken beside an API
    key, or the secret of a SharedKey.
    """

    from_: str = field(default="", validator=_sender(_of_dsn))
    messaging_service: str = field(default="", validator=_sid(_of_dsn, "MG", _SERVICE))
    account: str = ""
    status_callback: str = field(default="", repr=False, validator=_callback(_of_dsn))
    callback_url: str = field(
        default="",
        repr=False,
        validator=_rule(
            _of_dsn,
            "is one or several http:// or https:// URLs, apart by blanks",
            lambda urls: all(map(_is_web, urls.split())),
        ),
    )
    signing_key: str = field(default="", repr=False)

    def sender_of(self, own: SendOptions) -> tuple[str, str]:
        """Number (or name) and Messaging Service that a message goes out with: its own, or else the account's."""
        if own.from_ or own.messaging_service:
            return own.from_, own.messaging_service
        return self.from_, self.messaging_service

    @property
    def public_urls(self) -> tuple[str, ...]:
        """The addresses that signatures may be about, without a query, since a push brings its own."""
        urls = [*self.callback_url.split(), *self.status_callback.split()]
        return tuple(dict.fromkeys([_bare(url) for url in urls]))


@lru_cache(maxsize=64)
def _bare(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
