"""What a DSN says, typed: how to reach the vendor, and the account there."""

from __future__ import annotations

from typing import Any, Literal

import attrs
from attrs import field, frozen

from sms_core.dsn import Dsn, is_loopback
from sms_core.errors import ConfigurationError
from sms_core.provider.account import Account, NoOptions
from sms_core.provider.info import ProviderInfo
from sms_core.provider.options import check_options, no_such_option, option_names, read_options

WHAT = "DSN option"
"""What errors call an option."""


def _positive(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    del instance
    if value <= 0:
        raise ConfigurationError(f"{WHAT} {attribute.name!r} needs a number of seconds above 0")


def _not_negative(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    del instance
    if value < 0:
        raise ConfigurationError(f"{WHAT} {attribute.name!r} needs a number from 0 on")


def _http_url(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    del instance
    if value and not value.startswith(("http://", "https://")):
        raise ConfigurationError(f"{WHAT} {attribute.name!r} needs an http:// or https:// URL")


@frozen
class ConnectionOptions:
    """The DSN options that every provider has. Times are in seconds.

    ``deadline`` bounds one exchange with the vendor, from connect on; a name's resolution cannot be cut short. A
    connection that was idle longer than ``idle_timeout`` carries only what may be repeated. ``ca_file`` names the
    authorities (PEM) to trust instead of the machine's. ``retries`` is how often a read, or a send that surely was not
    taken, is tried again. ``batch_size`` lowers the number of recipients that go into one request; ``max_text`` is the
    longest text in characters, where this account may send others than the vendor's document says. 0 leaves either to
    the provider. ``proxy`` is a URL; without it the environment decides.
    """

    scheme: Literal["https", "http", ""] = ""
    allow_plaintext: bool = False
    connect_timeout: float = field(default=10.0, validator=_positive)
    read_timeout: float = field(default=30.0, validator=_positive)
    deadline: float = field(default=60.0, validator=_positive)
    idle_timeout: float = field(default=4.0, validator=_positive)
    retries: int = field(default=2, validator=_not_negative)
    batch_size: int = field(default=0, validator=_not_negative)
    max_text: int = field(default=0, validator=_not_negative)
    proxy: str = field(default="", repr=False, validator=_http_url)
    ca_file: str = ""
    close_session: bool = False


def split_options(dsn: Dsn, info: ProviderInfo) -> tuple[ConnectionOptions, object]:
    """The DSN's options as those of every provider and those of this one. Raises `ConfigurationError`."""
    own: type[Any] = info.account_options or NoOptions
    check_options(own)
    known = [*option_names(ConnectionOptions), *option_names(own)]
    for name in dsn.options:
        if name not in known:
            raise ConfigurationError(f"provider {dsn.provider!r} has {no_such_option(name, known, WHAT)}")
    return _read(ConnectionOptions, dsn), _read(own, dsn)


def _read(kind: type[Any], dsn: Dsn) -> Any:
    names = option_names(kind)
    pairs = {name: text for name, text in dsn.options.items() if name in names}
    return read_options(kind, pairs, what=WHAT)


def account_of(dsn: Dsn, info: ProviderInfo, connection: ConnectionOptions, options: object) -> Account:
    """The account that a DSN names. Raises `ConfigurationError`, for plain HTTP to another machine above all."""
    host, default_port = dsn.host, ""
    if not host:
        host, _, default_port = info.default_host.partition(":")
    scheme = connection.scheme or info.default_scheme
    if not host and scheme != "memory":
        raise ConfigurationError(f"the DSN of {dsn.provider!r} needs a host: {dsn.provider}://user:password@host")
    if scheme == "http" and not (connection.allow_plaintext or is_loopback(host)):
        hint = "use https, or say allow_plaintext=true"
        raise ConfigurationError(f"plain HTTP to {host} would show the password to the network: {hint}")
    netloc = host
    if ":" in host:  # an IPv6 address (RFC 3986, 3.2.2)
        netloc = f"[{host}]"
    port = dsn.port or default_port
    if port:
        netloc = f"{netloc}:{port}"
    return Account(dsn.provider, dsn.user, dsn.password, f"{scheme}://{netloc}{dsn.prefix}", options)
