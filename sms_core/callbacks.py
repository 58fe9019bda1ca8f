"""A vendor's push as a value, and what to make of it: typed events, and the answer the vendor waits for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from urllib.parse import unquote_plus, unquote_to_bytes

from attrs import field, frozen

from sms_core.errors import CallbackRefused
from sms_core.http import lower_names
from sms_core.model import DeliveryReport, InboundMessage

_MOST_FIELDS = 1000
_SUPERSETS = {"big5": "cp950"}
"""What is called Big5 comes from Windows, mostly."""


def _upper(text: str) -> str:
    return text.upper()


@frozen
class CallbackRequest:
    """What arrived: ``query`` is the raw query string (no ``?``), ``body`` the raw body."""

    method: str = field(converter=_upper)
    path: str = field(repr=False)
    query: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(factory=dict, converter=lower_names, repr=False)
    body: bytes = field(default=b"", repr=lambda body: f"<{len(body)} bytes>")
    remote_addr: str = ""

    def require_method(self, *methods: str) -> None:
        """Raise `CallbackRefused` (405) for a request by any other method."""
        if self.method not in methods:
            raise CallbackRefused(f"pushes come by {' or '.join(methods)}, not {self.method}", 405)

    def fields(self, *charsets: str) -> dict[str, str]:
        """The parameters of query and form body, percent-decoded once; names in lower case.

        The first of ``charsets`` in which all is well-formed counts (UTF-8 without any), and before them the one of them
        that a form declares; of a name that occurs several times the first non-empty value. Raises `CallbackRefused`
        for what is in none of them.
        """
        charsets = charsets or ("utf-8",)
        encoded = self.query
        if self.body and (form := self._form()):
            encoded = f"{encoded}&{form}"
            charsets = _declared_first(charsets, self.headers["content-type"])
        for charset in charsets:
            try:
                pairs = _pairs(encoded, charset)
            except ValueError:
                continue
            fields: dict[str, str] = {}
            for name, value in pairs:
                key = name.lower()
                if not fields.get(key):
                    fields[key] = value
            return fields
        raise CallbackRefused(f"the parameters are not percent-encoded {' or '.join(charsets)}")

    def form_pairs(self) -> list[tuple[str, str]]:
        """The parameters of the form body (UTF-8), each as it came: for vendors that sign them.

        Raises `CallbackRefused` for what is no UTF-8, percent-encoded.
        """
        return _utf8_pairs(self._form())

    def query_pairs(self) -> list[tuple[str, str]]:
        """The same for the query."""
        return _utf8_pairs(self.query)

    def _form(self) -> str:
        if not self.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
            return ""
        try:
            return self.body.decode("ascii")
        except UnicodeDecodeError:
            raise CallbackRefused("the form is not percent-encoded") from None


def _utf8_pairs(encoded: str) -> list[tuple[str, str]]:
    try:
        return _pairs(encoded, "utf-8")
    except ValueError:
        raise CallbackRefused("the parameters are not percent-encoded utf-8") from None


def _pairs(encoded: str, charset: str) -> list[tuple[str, str]]:
    """What `parse_qsl` reads, in half the time: a receiver does this for every push. Raises `ValueError`."""
    parts = encoded.replace("+", " ").split("&")
    if len(parts) > _MOST_FIELDS:
        raise ValueError("too many fields")
    pairs = []
    for part in parts:
        name, _, value = part.partition("=")
        if "%" in value:
            value = unquote_to_bytes(value).decode(charset)
        if "%" in name:
            name = unquote_to_bytes(name).decode(charset)
        if part:
            pairs.append((name, value))
    return pairs


def _declared_first(charsets: tuple[str, ...], content_type: str) -> tuple[str, ...]:
    declared = content_type.lower().partition("charset=")[2].strip('" ')
    wanted = _SUPERSETS.get(declared, declared)
    return tuple(sorted(charsets, key=lambda charset: _SUPERSETS.get(charset, charset) != wanted))


@frozen
class CallbackResponse:
    """What the vendor wants to hear."""

    status: int = 200
    headers: Mapping[str, str] = field(factory=lambda: {"content-type": "text/plain; charset=utf-8"})
    body: bytes = b""


@frozen
class Callback:
    """A push that was understood: its events, and the answer to give once they are taken care of."""

    events: tuple[DeliveryReport | InboundMessage, ...]
    response: CallbackResponse = field(factory=CallbackResponse)


_ENCODED = re.compile(r"(?:[A-Za-z0-9_.~*!'()+-]++|%[0-9A-Fa-f]{2})*+", re.ASCII)


def is_encoded(value: str) -> bool:
    """Whether all of a value is as percent-encoding leaves it, so that it may have been encoded once more."""
    return _ENCODED.fullmatch(value) is not None


def decoded_again(value: str) -> str:
    """A value that arrived percent-encoded once more (UTF-8), decoded; any other as it is."""
    if not is_encoded(value):
        return value
    try:
        return unquote_plus(value, errors="strict")
    except UnicodeDecodeError:
        return value


def event_key(*parts: str) -> str:
    """A stable key for an event. It is a digest, for the parts hold a number and a key may be logged."""
    return blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
