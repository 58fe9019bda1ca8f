"""Configuration in one string: ``every8d://user:password@host:port/prefix?option=value``.

No error here shows the password.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from attrs import field, frozen

from sms_core.errors import ConfigurationError

ENVIRONMENT_VARIABLE = "SMS_DSN"

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


def from_environment() -> str:
    """The DSN of the environment variable ``SMS_DSN``."""
    dsn = os.environ.get(ENVIRONMENT_VARIABLE, "")
    if not dsn:
        raise ConfigurationError(f"no DSN was given and {ENVIRONMENT_VARIABLE} is not set: every8d://user:password@")
    return dsn


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
    _check_password(scheme, parts)
    try:
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), errors="strict")
        user = unquote(parts.username or "", errors="strict")
        password = unquote(parts.password or "", errors="strict")
    except ValueError:
        raise ConfigurationError(
            f"the DSN of {scheme!r} is not percent-encoded UTF-8, or an option has no '='"
        ) from None
    options = dict(query)
    if len(options) != len(query):
        raise ConfigurationError(f"the DSN of {scheme!r} has an option twice")
    prefix = parts.path.rstrip("/")
    return Dsn(scheme.lower(), user, password, parts.hostname or "", port, prefix, options)


def _check_password(scheme: str, parts: SplitResult) -> None:
    """Raise `ConfigurationError` where the DSN was cut at a character of a password that is not percent-encoded."""
    if parts.fragment:
        raise ConfigurationError(f"the DSN of {scheme!r} has a '#': write %23 for one in a password")
    if parts.path and "@" in parts.path:
        raise ConfigurationError(f"the DSN of {scheme!r} has a '/' before the '@': write %2F for one in a password")
    if parts.netloc and "@" not in parts.netloc and "@" in parts.query:
        raise ConfigurationError(f"the DSN of {scheme!r} has a '?' before the '@': write %3F for one in a password")


def build(provider: str, user: str = "", password: str = "", host: str = "", **options: object) -> str:
    """A DSN with everything percent-encoded. ``host`` may hold a port and a prefix."""
    dsn = f"{provider}://{quote(user, safe='')}:{quote(password, safe='')}@{host}"
    if options:
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in options.items())
        dsn = f"{dsn}?{query}"
    return dsn


def is_loopback(host: str) -> bool:
    """Whether the host is this machine: ``localhost``, ``127.0.0.0/8`` or ``::1``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
