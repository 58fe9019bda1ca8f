"""What a DSN says, typed: how to reach the vendor, and the account there."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import attrs
from attrs import field, frozen

from sms_core.dsn import Dsn, is_loopback
from sms_core.errors import ConfigurationError
from sms_core.provider.account import Account, NoOptions
from sms_core.provider.info import ProviderInfo

T = TypeVar("T")


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
