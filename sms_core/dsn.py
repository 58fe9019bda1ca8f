"""Configuration in one string: ``every8d://user:password@host:port/prefix?option=value``.

No error here shows the password.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import attrs
from attrs import field, frozen

from sms_core.errors import ConfigurationError
from sms_core.provider import Account, NoOptions, ProviderInfo

ENVIRONMENT_VARIABLE = "SMS_DSN"

T = TypeVar("T")

_PROVIDER = re.compile(r"[A-Za-z][A-Za-z0-9._+-]*", re.ASCII)


@frozen
class Dsn:
    """A DSN taken apart, percent-decoded but for ``prefix``, which has a leading slash or is empty."""

    provider: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    host: str = ""
    port: int | None = None
    prefix: str = ""
    options: Mapping[str, str] = field(factory=dict, repr=lambda options: repr(sorted(options)))


def _positive(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    del instance
    if value <= 0:
        raise ConfigurationError(f"DSN option {attribute.name!r} needs a number of seconds above 0")


def _not_negative(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    del instance
    if value < 0:
        raise ConfigurationError(f"DSN option {attribute.name!r} needs a number above 0")


def _http_url(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    del instance
    if value and not value.startswith(("http://", "https://")):
        raise ConfigurationError(f"DSN option {attribute.name!r} needs an http:// or https:// URL")


@frozen
class ConnectionOptions:
    """The DSN options that every provider has. Times are in seconds.

    ``retries`` is how often a read, or a send that surely was not taken, is tried again. ``batch_size`` lowers
    the number of recipients that go into one request; ``max_text`` is the longest text in characters, where this
    account may send others than the vendor's document says. 0 leaves either to the provider. ``proxy`` is a URL; without it the environment decides.
    """

    scheme: Literal["https", "http", ""] = ""
    allow_plaintext: bool = False
    connect_timeout: float = field(default=10.0, validator=_positive)
    read_timeout: float = field(default=30.0, validator=_positive)
    retries: int = 2
    batch_size: int = field(default=0, validator=_not_negative)
    max_text: int = field(default=0, validator=_not_negative)
    proxy: str = field(default="", repr=False, validator=_http_url)
    close_session: bool = False


def from_environment() -> str:
    """The DSN of the environment variable ``SMS_DSN``."""
    if dsn := os.environ.get(ENVIRONMENT_VARIABLE, ""):
        return dsn
    raise ConfigurationError(f"no DSN was given and {ENVIRONMENT_VARIABLE} is not set: every8d://user:password@")


def parse(dsn: str) -> Dsn:
    """Take a DSN apart. Raises `ConfigurationError`."""
    scheme, separator, _ = dsn.strip().partition("://")
    if not separator or not _PROVIDER.fullmatch(scheme):
        raise ConfigurationError("a DSN starts with a provider's name and ://, such as every8d://user:password@")
    # A provider's name may hold what urlsplit takes for no scheme (every8d_soap), so it sees another one.
    try:
        parts = urlsplit("dsn" + dsn.strip()[len(scheme) :])
        port = parts.port
    except ValueError:
        # The text of this error would quote what stands after the last colon: a password, if its @ is missing.
        raise ConfigurationError(
            f"the DSN of {scheme!r} has no readable host and port: percent-encode any of @ : / ? # [ ] in user and "
            "password (sms_core.dsn.build does it)"
        ) from None
    if parts.fragment:
        raise ConfigurationError(f"the DSN of {scheme!r} has a '#': write %23 for one in a password")
    if parts.path and "@" in parts.path:
        raise ConfigurationError(f"the DSN of {scheme!r} has a '/' before the '@': write %2F for one in a password")
    if parts.netloc and "@" not in parts.netloc and "@" in parts.query:
        raise ConfigurationError(f"the DSN of {scheme!r} has a '?' before the '@': write %3F for one in a password")
    try:
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), errors="strict")
        user, password = (unquote(one or "", errors="strict") for one in (parts.username, parts.password))
    except ValueError:
        raise ConfigurationError(
            f"the DSN of {scheme!r} is not percent-encoded UTF-8, or an option has no '='"
        ) from None
    options = dict(query)
    if len(options) != len(query):
        raise ConfigurationError(f"the DSN of {scheme!r} has an option twice")
    prefix = parts.path.rstrip("/")
    return Dsn(scheme.lower(), user, password, parts.hostname or "", port, prefix, options)


def build(provider: str, user: str = "", password: str = "", host: str = "", **options: object) -> str:
    """A DSN with everything percent-encoded. ``host`` may hold a port and a prefix."""
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in options.items())
    return f"{provider}://{quote(user, safe='')}:{quote(password, safe='')}@{host}" + (f"?{query}" if query else "")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine: ``localhost``, ``127.0.0.0/8`` or ``::1``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split_options(dsn: Dsn, info: ProviderInfo) -> tuple[ConnectionOptions, object]:
    """The DSN's options as those of every provider and those of this one. Raises `ConfigurationError`."""
    own: type[Any] = info.account_options or NoOptions
    known = [_option(one) for kind in (ConnectionOptions, own) for one in attrs.fields(kind)]
    for name in dsn.options:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
            raise ConfigurationError(f"provider {dsn.provider!r} has no DSN option {name!r}: {hint}")
    return _typed(ConnectionOptions, dsn.options), _typed(own, dsn.options)


def account_of(dsn: Dsn, info: ProviderInfo, connection: ConnectionOptions, options: object) -> Account:
    """The account that a DSN names. Raises `ConfigurationError`, for plain HTTP to another machine above all."""
    host, _, default_port = (dsn.host, "", "") if dsn.host else info.default_host.partition(":")
    scheme = connection.scheme or info.default_scheme
    if not host and scheme != "memory":
        raise ConfigurationError(f"the DSN of {dsn.provider!r} needs a host: {dsn.provider}://user:password@host")
    if scheme == "http" and not (connection.allow_plaintext or is_loopback(host)):
        hint = "use https, or say allow_plaintext=true"
        raise ConfigurationError(f"plain HTTP to {host} would show the password to the network: {hint}")
    where = f"[{host}]" if ":" in host else host
    port = dsn.port or default_port
    netloc = f"{where}:{port}" if port else where
    return Account(dsn.provider, dsn.user, dsn.password, f"{scheme}://{netloc}{dsn.prefix}", options)


def _option(one: attrs.Attribute[Any]) -> str:
    """The name of an option in a DSN: the field's, which has a ``_`` at its end where Python has a word of that name."""
    return one.name.removesuffix("_")


def _typed(kind: type[T], options: Mapping[str, str]) -> T:
    hints = get_type_hints(kind)
    named = {_option(one): one.name for one in attrs.fields(kind)}  # type: ignore[arg-type]
    return kind(
        **{name: _convert(option, options[option], hints[name]) for option, name in named.items() if option in options}
    )


_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _convert(name: str, text: str, kind: Any) -> Any:
    """One option's value. No error repeats it: a proxy's URL may hold a password."""
    if get_origin(kind) is Literal:
        choices = [choice for choice in get_args(kind) if choice]
        if text not in choices:
            raise ConfigurationError(f"DSN option {name!r} is one of {', '.join(choices)}")
        return text
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise ConfigurationError(f"DSN option {name!r} is true or false")
        return _BOOLEANS[text.lower()]
    try:
        value = kind(text)
    except (ValueError, ArithmeticError):
        raise ConfigurationError(f"DSN option {name!r} needs a value of the type {kind.__name__}") from None
    if kind in {int, float} and not 0 <= value < float("inf"):
        raise ConfigurationError(f"DSN option {name!r} needs a number from 0 on")
    return value
